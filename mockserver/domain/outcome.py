"""The closed vocabulary of what can come of a call, in the order in which a number is looked up."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """One word per way a provider answers."""

    SUCCESS = "success"
    UNAUTHORIZED = "unauthorized"
    INSUFFICIENT_CREDITS = "insufficient-credits"
    NOT_FOUND = "not-found"
    INVALID = "invalid"
    RATE_LIMITED = "rate-limited"
    ACCESS_DENIED = "access-denied"
    MAINTENANCE = "maintenance"
    GENERATION_FAILED = "generation-failed"
    FEATURE_DISABLED = "feature-disabled"
    SERVER_ERROR = "server-error"
    SOURCE_NOT_FOUND = "source-not-found"
    SOURCE_UNFINISHED = "source-unfinished"
    SOURCE_FAILED = "source-failed"
    SOURCE_EXPIRED = "source-expired"
    SOURCE_MODEL_UNSUPPORTED = "source-model-unsupported"
    SOURCE_IS_PERSONA = "source-is-persona"
    SOURCE_NOT_OWNED = "source-not-owned"
    SOURCE_UPLOADED = "source-uploaded"
    DUPLICATE = "duplicate"
    VOCAL_WINDOW = "vocal-window"
    PERSONA_NOT_FOUND = "persona-not-found"
    TASK_FAILED = "task-failed"


NAMES = tuple(str(outcome) for outcome in Outcome)
