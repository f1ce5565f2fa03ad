"""Tasks: plant them, look at them, push them on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from mockserver.domain import account as accounts
from mockserver.domain import credits, tasks
from mockserver.domain.clock import iso
from mockserver.domain.model import Caller, CreatePersona, Submit, Task
from mockserver.domain.policy import FailureKind, Policy, Stage
from mockserver.domain.ports import Tx
from mockserver.domain.records import seconds
from mockserver.domain.service import Service
from mockserver.domain.versions import Model, find
from mockserver.openapi.source import Json
from mockserver.web.control.call import BadControl, ControlCall, Missing
from mockserver.web.living import Living

NEUTRAL = ("waiting", "running", "finished", "failed")
DEFAULT_KEY = "mock-key"
# Planted in one transaction; more are planted in several, so that other requests come in between.
_AT_ONCE = 500


class Push(NamedTuple):
    """Where a task is to go: to a stage or to a failure."""

    stage: Stage | None = None
    failure: FailureKind | None = None


class Seed(NamedTuple):
    """What is planted, of which model, for whom, and where it stands."""

    living: Living
    command: Submit
    model: Model
    key: str
    caller: Caller
    push: Push


# --- planting -----------------------------------------------------------------------------------------------


def plant(call: ControlCall) -> Json:
    """Make tasks without charge: one is shown, of many the number."""
    body = call.body
    seed = _seed(_living(call, body["provider"]), body)
    planted = _planted(call, seed, int(body.get("count", 1)))
    call.world.agenda.stir(call.sandbox)
    return planted


def _planted(call: ControlCall, seed: Seed, count: int) -> Json:
    if count == 1:
        return call.world.store.run(call.sandbox, lambda tx: _plant_one(call, tx, seed))
    for start in range(0, count, _AT_ONCE):
        many = partial(_plant_many, call, seed, min(_AT_ONCE, count - start))
        call.world.store.run(call.sandbox, many)
    return {"planted": count}


def _plant_one(call: ControlCall, tx: Tx, seed: Seed) -> Json:
    task = _plant(call, tx, seed)
    return {
        "provider": task.provider,
        "source_task": task.id,
        "songs": [song.id for song in task.songs],
        "key": seed.key,
        "view": seed.living.view(tx, call.sandbox, task),
    }


def _plant_many(call: ControlCall, seed: Seed, count: int, tx: Tx) -> None:
    for _ in range(count):
        _plant(call, tx, seed)


def _plant(call: ControlCall, tx: Tx, seed: Seed) -> Task:
    service = seed.living.service(tx, call.sandbox)
    if seed.living.house.policy.kinds[seed.command.kind].is_persona:
        return _plant_persona(service, seed)
    return service.plant(seed.command, seed.caller, seed.push.stage, seed.push.failure)


def _plant_persona(service: Service, seed: Seed) -> Task:
    """A persona task has a song it is made of: that is planted first, and the model is the song's."""
    source = service.plant(seed.living.adapter.plant("generate", seed.model), seed.caller)
    song, request = source.songs[0].id, seed.command.request
    persona = CreatePersona(song, "Planted persona", "Planted", task=source.id, request=request)
    task = service.plant_persona(persona, seed.caller, seed.push.stage, seed.push.failure)
    assert task is not None
    return task


def _seed(living: Living, body: Json) -> Seed:
    kind, kinds = body.get("kind", "generate"), living.house.policy.kinds
    if kind not in kinds:
        raise BadControl("kind", f"{living.house.provider} has no tasks of the kind {kind!r}", kinds)
    if "model" in body and kinds[kind].model and not kinds[kind].is_persona:
        raise BadControl(
            "model", f"no model of one's own makes a task of the kind {kind!r} at {living.house.provider}"
        )
    model, key = _model(living, body.get("model")), body.get("key", DEFAULT_KEY)
    command = living.adapter.plant(kind, model)
    return Seed(living, command, model, key, living.caller(key), _push(living, body))


def _model(living: Living, name: str | float | None) -> Model:
    if name is None:
        return _default_model(living)
    model = find(living.house.models, str(name))
    if model is None:
        known = dict.fromkeys(text for m in living.house.models for text in (m.name, m.version))
        raise BadControl("model", f"{living.house.provider} has no model {name!r}", known)
    return model


def _default_model(living: Living) -> Model:
    """The model of version 5, which all of them have; else the first that is still offered."""
    offered = [model for model in living.house.models if not model.retired]
    return next((model for model in offered if model.version == "5"), offered[0])


def _living(call: ControlCall, provider: str) -> Living:
    living = call.world.living.get(provider)
    if living is None:
        raise BadControl("provider", f"{provider!r} has no tasks", call.world.living)
    return living


# --- where to -----------------------------------------------------------------------------------------------


def _push(living: Living, body: Json) -> Push:
    """What a status and an error come to."""
    policy, status = living.house.policy, body.get("status")
    own = next((failure for failure in policy.failures if failure.state == status), None)
    is_failed = own is not None or status == "failed"
    if body.get("error") is not None:
        if status is not None and not is_failed:
            raise BadControl("error", f"goes with a failed task, and status is {status!r}", ["failed"])
        return Push(failure=_failure(living, body["error"], own))
    if is_failed:
        return Push(failure=own or policy.failure())
    stage = policy.stage(status) if status is not None else None
    if status is not None and stage is None:
        raise BadControl("status", f"{status!r} is no status of {living.house.provider}", _statuses(policy))
    return Push(stage=stage)


def _statuses(policy: Policy) -> list[str]:
    own = dict.fromkeys((*(s.name for s in policy.stages), *(f.state for f in policy.failures)))
    return list(dict.fromkeys((*NEUTRAL, *own)))


def failure_of(living: Living, error: Json) -> FailureKind:
    """The failure that an error means; BadControl for one that the provider does not have."""
    found = living.failure(error)
    if found is None:
        policy, named = living.house.policy, isinstance(error, str)
        names = dict.fromkeys(failure.name for failure in policy.failures)
        codes = dict.fromkeys(failure.code for failure in policy.failures if failure.code is not None)
        got = error if named else error["code"]
        raise BadControl(
            "error", f"{living.house.provider} has no failure {got!r}", names if named else codes
        )
    return found


def _failure(living: Living, error: Json, own: FailureKind | None) -> FailureKind:
    """The failure that an error means; BadControl where the status is a state that it does not lead to."""
    found = failure_of(living, error)
    if own is not None and own.state != found.state:
        fitting = [f.name for f in living.house.policy.failures if f.state == own.state]
        reason = f"leads to {found.state}, and status is {own.state!r}"
        raise BadControl("error", reason, dict.fromkeys(fitting))
    return found


# --- looking ------------------------------------------------------------------------------------------------


def listed(call: ControlCall) -> Json:
    """Tasks in the order of their making."""
    query = call.query
    provider = call.provider(query.get("provider"))
    if "status" in query:
        _check_status(call, provider, query["status"])
    lines = _matching(_lines(call), provider, query.get("status"))
    return {"tasks": list(islice(lines, int(query.get("limit", 100))))}


def _lines(call: ControlCall) -> Iterator[dict[str, Json]]:
    """A line for every task, read page by page: nobody waits for a long list."""
    after, run = call.query.get("after"), call.world.store.run
    number = run(call.sandbox, lambda tx: _number(call, tx, after)) if after is not None else 0
    while page := run(call.sandbox, partial(_page, call, number)):
        number = page[-1][0]
        yield from (line for _, line in page if line is not None)


def _page(call: ControlCall, after: int, tx: Tx) -> list[tuple[int, dict[str, Json] | None]]:
    some = islice(tasks.in_order(tx, after), _AT_ONCE)
    return [(task.number, _line(call, tx, task) if _served(call, task) else None) for task in some]


def _matching(
    lines: Iterator[dict[str, Json]], provider: str | None, status: str | None
) -> Iterator[dict[str, Json]]:
    for line in lines:
        if provider in (None, line["provider"]) and status in (None, line["status"], line["state"]):
            yield line


def _check_status(call: ControlCall, provider: str | None, status: str) -> None:
    living = [one for name, one in call.world.living.items() if provider in (None, name)]
    known = dict.fromkeys(name for one in living for name in _statuses(one.house.policy))
    if status not in known:
        raise BadControl("status", f"{status!r} is no status", known)


def _number(call: ControlCall, tx: Tx, id: str) -> int:
    found = _find(call, tx, id)
    if found is None:
        raise BadControl("after", f"there is no task {id!r} in the sandbox {call.sandbox!r}")
    return found.number


def _find(call: ControlCall, tx: Tx, id: str) -> Task | None:
    found = (tasks.find(tx, provider, id) for provider in call.world.living)
    return next((task for task in found if task is not None), None)


def _served(call: ControlCall, task: Task) -> bool:
    return task.provider in call.world.living


def show(call: ControlCall) -> Json:
    """One task, with the body that its provider's poll gives now."""
    return call.world.store.run(call.sandbox, lambda tx: _shown(call, tx, _known(call, tx)))


def _known(call: ControlCall, tx: Tx) -> Task:
    task = _find(call, tx, call.path["id"])
    if task is None:
        raise Missing(f"No task {call.path['id']!r} in the sandbox {call.sandbox!r}")
    return task


def _shown(call: ControlCall, tx: Tx, task: Task) -> Json:
    return {**_line(call, tx, task), "view": call.world.living[task.provider].view(tx, call.sandbox, task)}


def _line(call: ControlCall, tx: Tx, task: Task) -> dict[str, Json]:
    moment = call.world.living[task.provider].service(tx, call.sandbox).view(task).moment
    account = accounts.find(tx, task.account)
    failure = moment.failure
    return {
        "id": task.id,
        "provider": task.provider,
        "kind": task.kind,
        "model": task.model,
        "status": moment.status,
        "state": moment.name,
        "progress": moment.progress,
        "key": account.key if account else None,
        "created": iso(seconds(task.created)),
        "final": iso(seconds(task.ends)) if moment.is_final else None,
        "charged": credits.shown(0 if failure else task.charged),
        "songs": [song.id for song in task.songs],
        "persona": task.persona,
        "error": {"name": failure.name, "code": failure.code, "message": failure.message}
        if failure
        else None,
    }


# --- pushing ------------------------------------------------------------------------------------------------


def push(call: ControlCall) -> Json:
    """Move a task to a state; from there it goes on, as time passes or polls come."""
    shown = call.world.store.run(call.sandbox, lambda tx: _shown(call, tx, _pushed(call, tx)))
    call.world.agenda.stir(call.sandbox)
    return shown


def _pushed(call: ControlCall, tx: Tx) -> Task:
    task, body = _known(call, tx), call.body
    living = call.world.living[task.provider]
    service, to = living.service(tx, call.sandbox), _push(living, body)
    if to.failure is not None:
        if "progress" in body:
            raise BadControl("progress", "a failed task has none to be pushed to")
        return service.fail(task, to.failure)
    if rival := service.rival(task):
        raise BadControl(next(iter(body)), f"cannot be undone: the song has the persona {rival.id} by now")
    if to.stage is None:
        return service.advance(task, int(body["progress"]))
    moved = service.push(task, to.stage)
    return _advanced(service, moved, body["status"], int(body["progress"])) if "progress" in body else moved


def _advanced(service: Service, task: Task, status: str, progress: int) -> Task:
    """A task that stands at the beginning of a state, moved to a progress within it."""
    if service.view(task).moment.progress == progress:
        return task
    moved = service.advance(task, progress)
    reached = service.view(moved).moment
    if status not in (reached.name, reached.status):
        raise BadControl("progress", f"{progress} is {reached.name} ({reached.status}), not {status}")
    return moved
