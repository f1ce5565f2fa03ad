"""Slips of our own mock, one at a time: how each is made, and the rule by which `check mock` has to find it.

None draws anything: what is changed, and to what, is written out.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import pytest

from mockserver.domain import account, override, rules, tasks
from mockserver.domain.credits import CREDIT
from mockserver.domain.model import CreatePersona
from mockserver.domain.outcome import Outcome
from mockserver.domain.policy import DAY, Limit, Policy
from mockserver.domain.ports import Tx
from mockserver.domain.rules import Rule
from mockserver.domain.service import Service
from mockserver.openapi.library import packaged_folder
from mockserver.providers import crun, evolink, kie, yuto
from mockserver.providers.base import Provider
from mockserver.web import exchange

Json = Any
Adapter = type[Any]
Slip = Callable[[pytest.MonkeyPatch], None]
"""Makes the mock that is started afterwards do one thing wrong."""


class Misprint(NamedTuple):
    """A slip in a document: a text that stands there once, or so often, and what stands there instead."""

    text: str
    by: str
    times: int = 1

    def printed(self, provider: str) -> str:
        """The document with the slip in it."""
        right = (packaged_folder() / f"{provider}.yaml").read_text("utf-8")
        assert right.count(self.text) == self.times, f"{provider}: {self.text!r} is another text by now"
        return right.replace(self.text, self.by)


class Mutation(NamedTuple):
    """A slip of one provider: the operations it is looked for at, and a finding that has to come of it."""

    provider: str
    operations: tuple[str, ...]
    by: Slip | Misprint
    # A part of the rule that is broken, as its case words it; and where in the message it shows.
    rule: str
    at: str


# --- how slips are made -------------------------------------------------------------------------------------


def policy(adapter: Adapter, **changes: Any) -> Slip:
    """Other values of a provider's policy."""
    return policies(adapter, lambda right: right._replace(**changes))


def policies(adapter: Adapter, change: Callable[[Policy], Policy]) -> Slip:
    """Another policy, made from the right one."""

    def slip(patch: pytest.MonkeyPatch) -> None:
        begin = adapter.__init__

        def wrong(self: Provider, quirks: Mapping[str, str]) -> None:
            begin(self, quirks)
            right = self.policy
            self.policy = change(right)
            assert self.policy != right, "the policy has that value by now"

        patch.setattr(adapter, "__init__", wrong)

    return slip


def kind(adapter: Adapter, name: str, **changes: Any) -> Slip:
    """Other values of one sort of tasks."""

    def change(right: Policy) -> Policy:
        return right._replace(kinds={**right.kinds, name: right.kinds[name]._replace(**changes)})

    return policies(adapter, change)


def stage(adapter: Adapter, number: int, **changes: Any) -> Slip:
    """Other values of one state that tasks pass through."""

    def change(right: Policy) -> Policy:
        stages = list(right.stages)
        stages[number] = stages[number]._replace(**changes)
        return right._replace(stages=tuple(stages))

    return policies(adapter, change)


def skipped(adapter: Adapter, name: str) -> Slip:
    """A state that no task passes through."""
    return policies(
        adapter, lambda right: right._replace(stages=tuple(s for s in right.stages if s.name != name))
    )


def retries(adapter: Adapter, *seconds: float) -> Slip:
    """Other pauses before a callback is sent again, and so another number of retries."""
    return policies(adapter, lambda right: right._replace(webhook=right.webhook._replace(retries=seconds)))


def unruled(order: str, *gone: Rule) -> Slip:
    """Rules that are not looked at."""
    known = getattr(rules, order)
    assert set(gone) <= {named.rule for named in known}
    left = tuple(named for named in known if named.rule not in gone)
    return lambda patch: patch.setattr(rules, order, left)


def spoilt(place: object, name: str, change: Callable[..., Any]) -> Slip:
    """What a function answers, changed: `change` is handed that, and then all that the function was given."""

    def slip(patch: pytest.MonkeyPatch) -> None:
        right = getattr(place, name)
        patch.setattr(place, name, lambda *args, **named: change(right(*args, **named), *args, **named))

    return slip


def instead(place: object, name: str, other: Callable[..., Any]) -> Slip:
    """Another function in the place of one."""
    return lambda patch: patch.setattr(place, name, other)


def item(table: dict[Any, Any], key: Any, value: Any) -> Slip:
    """Another value in a table that has one under that key."""

    def slip(patch: pytest.MonkeyPatch) -> None:
        assert table[key] != value
        patch.setitem(table, key, value)

    return slip


# --- slips of bodies ----------------------------------------------------------------------------------------

Change = Callable[[dict[str, Json]], object]


def body(change: Change) -> Callable[..., Any]:
    """Changes the body that an adapter writes."""

    def changed(right: Any, *_: Any) -> Any:
        wrong = deepcopy(right.body)
        change(wrong)
        return right._replace(body=wrong)

    return changed


def plain(change: Change) -> Callable[..., Any]:
    """Changes a body, or a part of one."""

    def changed(right: dict[str, Json], *_: Any) -> dict[str, Json]:
        wrong = deepcopy(right)
        change(wrong)
        return wrong

    return changed


def put(name: str, value: Json) -> Change:
    """Another value of a field that is there."""

    def change(node: dict[str, Json]) -> None:
        assert node[name] != value
        node[name] = value

    return change


def left_out(name: str) -> Change:
    """A field less."""
    return lambda node: node.pop(name)


def renamed(name: str, other: str) -> Change:
    """A field under another name."""
    return lambda node: node.update({other: node.pop(name)})


def within(part: str, change: Change) -> Change:
    """A change further down, where there is something further down."""
    return lambda node: change(node[part]) if isinstance(node.get(part), dict) else None


def refused(outcome: Outcome, change: Change) -> Callable[..., Any]:
    """Changes the body of one refusal."""

    def changed(
        right: dict[str, Json], _: Provider, call: Any, refusal: Any, sample: Json
    ) -> dict[str, Json]:
        return plain(change)(right) if refusal.outcome is outcome else right

    return changed


# --- slips of their own -------------------------------------------------------------------------------------


def _source_before_credits(patch: pytest.MonkeyPatch) -> None:
    create = Service.create_persona

    def wrong(self: Service, command: CreatePersona, caller: Any, wish: Any) -> Any:
        facts = self._facts(command.task, command.song, caller, command.beside)
        self._hold(rules.FOR_A_PERSONA, facts)
        return create(self, command, caller, wish)

    patch.setattr(Service, "create_persona", wrong)


def _shows_every_task(patch: pytest.MonkeyPatch) -> None:
    show = Service.show_task

    def wrong(self: Service, id: str, caller: Any) -> Any:
        task = tasks.find(self.tx, self.house.provider, id)
        return show(self, id, caller._replace(account=task.account) if task else caller)

    patch.setattr(Service, "show_task", wrong)


def _signs_the_body(right: dict[str, str], _: Provider, heard: Json, key: str, timestamp: int) -> Any:
    signed = f"{json.dumps(heard)}.{timestamp}"
    digest = b64encode(hmac.digest(key.encode(), signed.encode(), "sha256")).decode()
    return {**right, "X-Webhook-Signature": digest}


def _gives_back_at_once(patch: pytest.MonkeyPatch) -> None:
    promise = account.promise

    def wrong(tx: Tx, owner: str, provider: str, task: str, at: int, amount: int) -> None:
        promise(tx, owner, provider, task, 0, amount)

    patch.setattr(account, "promise", wrong)


def _first_before_text(right: Policy) -> Policy:
    waiting, text, first, end = right.stages
    return right._replace(
        stages=(waiting, text._replace(tells=first.tells), first._replace(tells=text.tells), end)
    )


def _names_its_persona_otherwise(result: dict[str, Json]) -> None:
    if "persona_id" in result:
        result["personaId"] = result.pop("persona_id")


def _meets(wanted: Outcome, other: Outcome) -> Slip:
    """Another outcome than the one that was asked for."""
    return spoilt(
        override,
        "take",
        lambda right, *_: right._replace(outcome=other) if right and right.outcome == wanted else right,
    )


def _status(right: int, wrong: int) -> Slip:
    """Another HTTP status."""
    return spoilt(exchange, "http_status", lambda status, *_: wrong if status == right else status)


# --- the slips ----------------------------------------------------------------------------------------------

MUTATIONS: Mapping[str, Mutation] = {
    # kie
    "kie: an unfinished song is refused with another code": Mutation(
        "kie",
        ("generatePersona",),
        spoilt(kie.Kie, "refuse", refused(Outcome.SOURCE_UNFINISHED, put("code", 400))),
        "A song in the making, its first track included",
        "/body/code",
    ),
    "kie: a missing callback address is told of without its dot": Mutation(
        "kie",
        ("uploadCover",),
        item(kie._MISSING, "callBackUrl", "Please enter callBackUrl"),
        "Every song call needs callBackUrl",
        "/body/msg",
    ),
    "kie: nobody needs to say where to call back": Mutation(
        "kie",
        ("uploadCover",),
        Misprint(
            "[uploadUrl, customMode, instrumental, model, callBackUrl]",
            "[uploadUrl, customMode, instrumental, model]",
        ),
        "Every song call needs callBackUrl",
        "/body/code",
    ),
    "kie: a new persona is shown without its description": Mutation(
        "kie",
        ("generatePersona",),
        spoilt(kie.Kie, "write", body(within("data", lambda data: data.pop("description", None)))),
        "A track of a finished song becomes a persona at once",
        "/body/data/description",
    ),
    "kie: a look at a song does not tell what kind it is": Mutation(
        "kie",
        ("getMusicDetails",),
        spoilt(kie, "_details", plain(left_out("operationType"))),
        "operationType says by which of the four calls",
        "/body/data/operationType",
    ),
    "kie: a stamp is a text": Mutation(
        "kie",
        ("getMusicDetails",),
        spoilt(kie, "_details", plain(put("createTime", "1"))),
        "createTime is the moment of submission in milliseconds",
        "/body/data/createTime",
    ),
    "kie: the first track is not reported as ready": Mutation(
        "kie",
        ("getMusicDetails",),
        skipped(kie.Kie, "FIRST_SUCCESS"),
        "a song is PENDING for 30, then has its words",
        "/body/data/status",
    ),
    "kie: the text is ready at 30 % of the time": Mutation(
        "kie",
        ("getMusicDetails",),
        stage(kie.Kie, 1, begins=30),
        "a song is PENDING for 30, then has its words",
        "/body/data/status",
    ),
    "kie: a song takes two minutes and a second": Mutation(
        "kie",
        ("getMusicDetails",),
        kind(kie.Kie, "generate", seconds=121),
        "a song is PENDING for 30, then has its words",
        "/body/data/status",
    ),
    "kie: a song in the making becomes a persona": Mutation(
        "kie",
        ("generatePersona",),
        unruled("FOR_A_PERSONA", rules.source_is_finished),
        "A song in the making, its first track included",
        "/body/code",
    ),
    "kie: a song gets a second persona": Mutation(
        "kie",
        ("generatePersona",),
        policy(kie.Kie, once_per_song=False),
        "A track can become a persona",
        "/body/code",
    ),
    "kie: a vocal window of 9 seconds passes": Mutation(
        "kie",
        ("generatePersona",),
        Misprint("minimum: 10\n          maximum: 30", "minimum: 9\n          maximum: 30"),
        "A vocal window below 10 or above 30 seconds",
        "/body/code",
    ),
    "kie: a vocal window ends at 29 where nobody says when": Mutation(
        "kie",
        ("generatePersona",),
        Misprint("default: 30\n", "default: 29\n"),
        "A missing end of the vocal window is its default",
        "/body/code",
    ),
    "kie: a song of the oldest model may become a persona": Mutation(
        "kie",
        ("generatePersona",),
        policy(kie.Kie, oldest_source=(3, 5)),
        "A song of V3_5 cannot become a persona",
        "/body/code",
    ),
    "kie: files are kept a day longer": Mutation(
        "kie",
        ("generatePersona",),
        kind(kie.Kie, "generate", retention=15 * DAY),
        "14 days by the page, a song can become a persona",
        "/body/code",
    ),
    "kie: a continuation costs nothing": Mutation(
        "kie", ("extendMusic",), kind(kie.Kie, "extend", price=0), "has cost 12 credits", "/body/data"
    ),
    "kie: a failed song is not given back": Mutation(
        "kie",
        ("getCredits",),
        instead(account, "promise", lambda *_: None),
        "its 12 credits come back",
        "/body/data",
    ),
    "kie: a title of 81 characters passes": Mutation(
        "kie",
        ("generateMusic",),
        Misprint("{title: {maxLength: 80}}", "{title: {maxLength: 81}}", times=2),
        "a title of 80 characters",
        "/body/code",
    ),
    "kie: 21 submissions pass in 10 seconds": Mutation(
        "kie",
        ("uploadCover",),
        policy(kie.Kie, submissions=Limit(21, seconds=10)),
        "so the four song calls share it",
        "/status",
    ),
    "kie: the window of submissions has 9 seconds": Mutation(
        "kie",
        ("generateMusic",),
        policy(kie.Kie, submissions=Limit(20, seconds=9)),
        "20 submissions pass within 10 seconds",
        "/status",
    ),
    "kie: nobody is told of the first track": Mutation(
        "kie",
        ("uploadCover",),
        stage(kie.Kie, 2, tells=""),
        "report the same three stages",
        "/callback/body/data/callbackType",
    ),
    "kie: the first track is told of before the text": Mutation(
        "kie",
        ("uploadCover",),
        policies(kie.Kie, _first_before_text),
        "report the same three stages",
        "/callback/body/data/callbackType",
    ),
    "kie: a delivery is given up after four retries": Mutation(
        "kie",
        ("generateMusic",),
        retries(kie.Kie, 1, 2, 4, 8),
        "one attempt and three failed retries",
        "/callback",
    ),
    "kie: the whole body is signed": Mutation(
        "kie",
        ("generateMusic",),
        spoilt(kie.Kie, "signature", _signs_the_body),
        "HMAC-SHA256 of task, dot and second",
        "/callback/header/x-webhook-signature",
    ),
    "kie: a callback spells its stage otherwise": Mutation(
        "kie",
        ("uploadCover",),
        spoilt(kie.Kie, "heard", plain(within("data", renamed("callbackType", "callback_type")))),
        "report the same three stages",
        "/callback/body/data/callbackType",
    ),
    "kie: any persona sings": Mutation(
        "kie",
        ("uploadCover",),
        instead(Service, "_sings_with", lambda *_: None),
        "A persona that nobody made is refused",
        "/body/code",
    ),
    "kie: who asks for maintenance meets an error": Mutation(
        "kie",
        ("getCredits",),
        _meets(Outcome.MAINTENANCE, Outcome.SERVER_ERROR),
        "made no task and cost nothing",
        "/body/code",
    ),
    "kie: an unknown song is told of before missing credits": Mutation(
        "kie", ("generatePersona",), _source_before_credits, "is told about the credits", "/body/code"
    ),
    # crun
    "crun: everybody makes personas of every song": Mutation(
        "crun",
        ("generatePersona",),
        unruled("FOR_A_PERSONA", rules.source_is_owned),
        "Another account's song looks like one that does not exist",
        "/body/message",
    ),
    "crun: a song in the making becomes a persona": Mutation(
        "crun",
        ("generatePersona",),
        unruled("FOR_A_PERSONA", rules.source_is_finished),
        "A song has to be finished before it can become a persona",
        "/body/code",
    ),
    "crun: a song costs 11 credits": Mutation(
        "crun",
        ("getBalance",),
        kind(crun.Crun, "generate", price=11 * CREDIT),
        "charged when it is accepted and not again",
        "/body/data/balance",
    ),
    "crun: a failing song is given back as it begins": Mutation(
        "crun", ("getBalance",), _gives_back_at_once, "costs nothing in the end", "/body/data/balance"
    ),
    "crun: a persona needs no credits": Mutation(
        "crun",
        ("generatePersona",),
        policy(crun.Crun, refuses_empty=False),
        "without any credits is refused a persona with 402",
        "/body/code",
    ),
    "crun: an unknown track is told of as an unknown task": Mutation(
        "crun",
        ("generatePersona",),
        spoilt(crun, "_message", lambda right, _: right and right.replace("suno_id not", "task_id not")),
        "The track has to be one of the task's own",
        "/body/message",
    ),
    "crun: a vocal window may end as it starts": Mutation(
        "crun",
        ("generatePersona",),
        Misprint("exclusiveMinimum: 0, outcome", "minimum: 0, outcome"),
        "the end comes after the start",
        "/body/code",
    ),
    "crun: a finished song does not tell how long it took": Mutation(
        "crun",
        ("getTaskInfo",),
        spoilt(crun, "_info", plain(left_out("duration_s"))),
        "has a result and an end only in the last two",
        "/body/data/duration_s",
    ),
    "crun: a name of a persona may have 101 characters": Mutation(
        "crun",
        ("generatePersona",),
        Misprint("          maxLength: 100\n", "          maxLength: 101\n"),
        "A name holds 100 characters",
        "/body/code",
    ),
    # evolink
    "evolink: missing credits are a 400": Mutation(
        "evolink", ("getCredits",), _status(402, 400), "with 9 credits cannot order a song", "/status"
    ),
    "evolink: a vocal window of 31 seconds passes": Mutation(
        "evolink",
        ("generatePersona",),
        Misprint("minimum: 10, maximum: 30", "minimum: 10, maximum: 31"),
        "below 10 or above 30 seconds",
        "/status",
    ),
    "evolink: a song that failed becomes a persona": Mutation(
        "evolink",
        ("generatePersona",),
        unruled("FOR_A_PERSONA", rules.source_did_not_fail),
        "A failed task has no songs to draw a persona from",
        "/status",
    ),
    "evolink: a persona becomes a persona": Mutation(
        "evolink",
        ("generatePersona",),
        unruled("FOR_A_PERSONA", rules.source_is_no_persona, rules.source_suits_a_persona),
        "A task that made a persona cannot be the source",
        "/header/x-mock-outcome",
    ),
    "evolink: a task of somebody else's is shown": Mutation(
        "evolink", ("getTask",), _shows_every_task, "Somebody else's task may not be looked at", "/status"
    ),
    "evolink: a persona costs two credits": Mutation(
        "evolink",
        ("generatePersona",),
        kind(evolink.Evolink, "persona", price=2 * CREDIT),
        "A persona costs 1 credit",
        "/body/usage",
    ),
    "evolink: the first step is at 35 %": Mutation(
        "evolink",
        ("getTask",),
        stage(evolink.Evolink, 1, progress=35),
        "processing at 30, 60 and 90 percent",
        "/body/progress",
    ),
    "evolink: a finished persona is told of under another name": Mutation(
        "evolink",
        ("getTask",),
        spoilt(
            evolink,
            "_results",
            plain(within("result_data", _names_its_persona_otherwise)),
        ),
        "it is pending, processing at 30, 60 and 90 percent, completed",
        "/body/result_data/persona_id",
    ),
    "evolink: a persona in the making is told of, too": Mutation(
        "evolink",
        ("generatePersona",),
        kind(evolink.Evolink, "persona", tells_end=False),
        "A persona tells of its end only",
        "/callback",
    ),
    # yuto
    "yuto: an uploaded clip becomes a persona": Mutation(
        "yuto",
        ("generatePersona",),
        unruled("FOR_A_PERSONA", rules.source_was_not_uploaded),
        "A clip that was uploaded cannot become a persona",
        "/status",
    ),
    "yuto: everybody makes personas of every clip": Mutation(
        "yuto",
        ("generatePersona",),
        unruled("FOR_A_PERSONA", rules.source_is_owned),
        "A clip cannot be used across accounts",
        "/status",
    ),
    "yuto: a clip has one persona at most": Mutation(
        "yuto",
        ("generatePersona",),
        policy(yuto.Yuto, once_per_song=True),
        "No rule forbids a second persona",
        "/status",
    ),
    "yuto: a private persona sings for everybody": Mutation(
        "yuto",
        ("generatePersona",),
        spoilt(Service, "_may_use", lambda right, self, persona, _: self.is_made(persona)),
        "is_public false reads like an unknown one to other accounts",
        "/status",
    ),
    "yuto: a hook is called three times": Mutation(
        "yuto",
        ("submitLyrics",),
        retries(yuto.Yuto, 1, 2),
        "After one retry the callback is given up",
        "/callback",
    ),
    "yuto: a clip spells its model otherwise": Mutation(
        "yuto",
        ("getFeed",),
        spoilt(yuto, "_clip", plain(renamed("major_model_version", "model_version"))),
        "The feed answers the clips that were asked for",
        "/body/0/major_model_version",
    ),
    "yuto: nothing waits in a queue": Mutation(
        "yuto",
        ("fetchTask",),
        skipped(yuto.Yuto, "QUEUED"),
        "SUBMITTED from 5 percent on, QUEUED from 10",
        "/body/data/status",
    ),
}
