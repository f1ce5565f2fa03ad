"""Accounts: look at one; set its balance, its rate limit and its webhook key."""

from __future__ import annotations

from mockserver.domain import account as accounts
from mockserver.domain import credits, tasks
from mockserver.domain.model import Account, Persona
from mockserver.domain.ports import Tx
from mockserver.domain.records import micros, read_limit, write_limit
from mockserver.openapi.source import Json
from mockserver.web.control.call import BadControl, Conflict, ControlCall
from mockserver.web.living import caller_of

# Noted in one transaction; more is noted in several, so that requests come in between.
_AT_ONCE = 500


def show(call: ControlCall) -> Json:
    """What an account has, and what it has made; one that nobody used yet has what it starts with."""
    _note_accounts(call)
    return call.world.store.run(call.sandbox, lambda tx: _shown(call, tx, _known(call, tx)))


def change(call: ControlCall) -> Json:
    """Set what the body names, all of it or nothing; an account that nobody used yet is made."""
    fields = _fields(call)

    def work(tx: Tx) -> Json:
        changed = accounts.settle(tx, _known(call, tx), _now(call, tx))._replace(**fields)
        accounts.put(tx, changed)
        if "webhookHmacKey" in call.body:
            accounts.set_hmac_key(tx, changed.id, call.body["webhookHmacKey"])
        return _shown(call, tx, changed)

    _note_accounts(call)
    return call.world.store.run(call.sandbox, work)


def _note_accounts(call: ControlCall) -> None:
    """Note whose the newest tasks are."""
    while call.world.store.run(call.sandbox, lambda tx: tasks.note_accounts(tx, _AT_ONCE)):
        pass


def _fields(call: ControlCall) -> dict[str, Json]:
    """What the body changes of the account's own record."""
    fields: dict[str, Json] = {}
    if "credits" in call.body:
        try:
            fields["credits"] = credits.counted(call.body["credits"])
        except ValueError as error:
            raise BadControl("credits", str(error)) from None
    if "rate_limit" in call.body:
        fields["rate_limit"] = read_limit(call.body["rate_limit"])
        if fields["rate_limit"] and call.world.settings.rate_limits == "off":
            text = "Rate limits are off here, so this one would not be kept. Run without --rate-limits off"
            raise Conflict("rate-limits-off", text)
    return fields


def _known(call: ControlCall, tx: Tx) -> Account:
    return accounts.of(tx, caller_of(call.world.settings, call.path["key"]))


def _shown(call: ControlCall, tx: Tx, account: Account) -> Json:
    held = accounts.as_of(tx, account, _now(call, tx))
    return {
        "key": held.key,
        "credits": credits.shown(held.credits),
        "rate_limit": write_limit(held.rate_limit),
        "webhookHmacKey": "set" if accounts.hmac_key(tx, held.id) is not None else None,
        "tasks": tasks.of_account(tx, held.id),
        "personas": [
            persona.id for persona in tasks.personas_of_account(tx, held.id) if _is_made(call, tx, persona)
        ],
    }


def _is_made(call: ControlCall, tx: Tx, persona: Persona) -> bool:
    living = call.world.living.get(persona.provider)
    return living is not None and living.service(tx, call.sandbox).is_made(persona)


def _now(call: ControlCall, tx: Tx) -> int:
    return micros(call.world.clock.now(tx))
