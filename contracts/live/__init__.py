"""`check live`: does the real provider keep the same cases?"""

from __future__ import annotations

from contracts.case import CaseFile
from contracts.finding import Checked
from contracts.live.ledger import Ledger
from contracts.live.plan import Plan
from contracts.live.run import Options, Run, Silent
from contracts.live.secret import hider, scrubbed
from contracts.receiver import Receiver
from contracts.target import Target
from mockserver.openapi.compiled import Document

__all__ = ["Options", "Silent", "check", "hider", "scrubbed"]


def check(
    plan: Plan, target: Target, document: Document, file: CaseFile, ledger: Ledger, options: Options
) -> Checked:
    """What a provider does otherwise than the cases say; Silent where it does not answer at all."""
    run = Run(plan, target, document, file, ledger, options)
    with Receiver() as receiver:
        run.go(receiver if options.is_near else None)
    return scrubbed(run.checked(), options.key)
