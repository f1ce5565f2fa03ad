"""The four providers of a handle: addresses, planted songs, tasks, outcomes asked for in advance."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import httpx2
import pytest

from mockserver.testing import PersonaMock, outcomes
from tests.testing.songs import PROVIDERS, client_of, look, make_persona, order
from tests.web.calls import OUTCOMES, credential
from tests.web.stories import KINDS, STATES, state_of

Json = Any


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_is_an_attribute_and_has_a_name(mock: PersonaMock, provider: str) -> None:
    assert getattr(mock, provider).name == provider
    assert mock.provider(provider).url == getattr(mock, provider).url == f"{mock.url}/{provider}"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_client_with_that_base_url_and_key_reaches_its_provider(mock: PersonaMock, provider: str) -> None:
    here = mock.provider(provider)
    song = here.completed_song()

    answer = make_persona(mock, provider, song.task_id, song.audio_id, key=here.key)

    assert answer.status_code == 200
    assert answer.headers["x-mock-outcome"] == "success"
    assert (mock.requests[-1].provider, mock.requests[-1].operation) == (provider, "generatePersona")


def test_documented_paths_work_below_the_url_of_the_whole_mock(mock: PersonaMock) -> None:
    request = urllib.request.Request(
        f"{mock.url}/api/v1/chat/credit", headers={"Authorization": f"Bearer {mock.kie.key}"}
    )

    with urllib.request.urlopen(request, timeout=10) as answer:
        body = json.load(answer)

    assert body == {"code": 200, "msg": "success", "data": 1000}


# --- songs that are there already ---------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_completed_song_is_finished_and_of_the_usual_key(mock: PersonaMock, provider: str) -> None:
    song = mock.provider(provider).completed_song()

    assert (song.provider, song.key) == (provider, "mock-key")
    assert song.audio_id == song.audio_ids[0]
    assert len(song.audio_ids) == 2
    assert STATES[provider][state_of(provider, song.view)] == "finished"
    assert look(mock, provider, song.task_id) == song.view


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_song_may_be_of_another_key(mock: PersonaMock, provider: str) -> None:
    song = mock.provider(provider).completed_song(key="alice")

    mine = make_persona(mock, provider, song.task_id, song.audio_id, key="alice")
    others = make_persona(mock, provider, song.task_id, song.audio_ids[1], key="bob")

    assert song.key == "alice"
    assert mine.headers["x-mock-outcome"] == "success"
    assert others.headers["x-mock-outcome"] == "source-not-owned"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_planting_is_free(mock: PersonaMock, provider: str) -> None:
    mock.provider(provider).completed_song()

    assert mock.account().credits == 1000


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_song_is_another_one(mock: PersonaMock, provider: str) -> None:
    songs = [mock.provider(provider).completed_song() for _ in range(3)]

    assert len({song.task_id for song in songs}) == 3
    assert len({id for song in songs for id in song.audio_ids}) == 6


MODELS = {
    "kie": ("V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"),
    "crun": ("v4", "v4.5", "v4.5-plus", "v4.5-all", "v5", "v5.5"),
    "evolink": (
        "suno-v5-beta", "suno-v4.5plus-beta", "suno-v4.5all-beta", "suno-v4.5-beta", "suno-v4-beta",
        "suno-v3.5-beta", "suno-v5", "suno-v4.5plus", "suno-v4.5all", "suno-v4.5", "suno-v4",
    ),
    "yuto": (
        "chirp-v3-0", "chirp-v3-5", "chirp-v4", "chirp-auk", "chirp-auk-turbo", "chirp-bluejay", "chirp-crow",
        "chirp-fenix",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "model"), [(p, model) for p, found in MODELS.items() for model in found]
)
def test_a_song_is_of_the_model_that_was_asked_for(mock: PersonaMock, provider: str, model: str) -> None:
    song = mock.provider(provider).completed_song(model=model)

    shown = json.dumps(song.view)
    named = f"{model}-beta" if provider == "evolink" and not model.endswith("-beta") else model
    assert named in shown.replace('\\"', '"')


@pytest.mark.parametrize("version", ["4", 4, "4.5", 4.5, "5.5", 5.5])
@pytest.mark.parametrize("provider", ["kie", "yuto"])
def test_a_neutral_version_is_understood(mock: PersonaMock, provider: str, version: str | float) -> None:
    song = mock.provider(provider).completed_song(model=version)

    name = {"4": "chirp-v4", "4.5": "chirp-auk", "5.5": "chirp-fenix"}[str(version)]
    assert f'"{name}"' in json.dumps(song.view)


@pytest.mark.parametrize("provider", ["kie", "evolink"])
def test_a_song_of_a_retired_model_is_no_source_of_a_persona(mock: PersonaMock, provider: str) -> None:
    song = mock.provider(provider).completed_song(model="3.5")

    answer = make_persona(mock, provider, song.task_id, song.audio_id)

    assert answer.headers["x-mock-outcome"] == "source-model-unsupported"


STATUSES = [
    (provider, status, neutral)
    for provider, states in STATES.items()
    for status, neutral in {**{name: name for name in set(states.values())}, **states}.items()
]


@pytest.mark.parametrize(("provider", "status", "neutral"), sorted(STATUSES))
def test_a_song_may_stand_anywhere(mock: PersonaMock, provider: str, status: str, neutral: str) -> None:
    song = mock.provider(provider).completed_song(status=status)

    task = mock.provider(provider).task(song.task_id)
    assert task.status == neutral
    assert state_of(provider, song.view) == task.state
    if status != neutral:
        assert task.state == status


@pytest.mark.parametrize(("provider", "kind"), [(p, kind) for p, found in KINDS.items() for kind in found])
def test_a_song_is_of_the_kind_that_was_asked_for(mock: PersonaMock, provider: str, kind: str) -> None:
    song = mock.provider(provider).completed_song(kind=kind)

    assert mock.task(song.task_id).status == "finished"
    assert look(mock, provider, song.task_id) == song.view


@pytest.mark.parametrize(("provider", "kind"), [("evolink", "persona"), ("yuto", "lyrics")])
def test_what_has_no_songs_says_so(mock: PersonaMock, provider: str, kind: str) -> None:
    song = mock.provider(provider).completed_song(kind=kind)

    assert song.audio_ids == []
    with pytest.raises(LookupError, match=f"{provider} task {song.task_id} has no songs"):
        _ = song.audio_id


def test_an_upload_is_no_source_of_a_persona(mock: PersonaMock) -> None:
    song = mock.yuto.completed_song(kind="upload")

    answer = make_persona(mock, "yuto", song.task_id, song.audio_id)

    assert answer.headers["x-mock-outcome"] == "source-uploaded"


def test_a_song_may_have_failed_in_a_named_way(mock: PersonaMock) -> None:
    song = mock.kie.completed_song(status="failed", error="SENSITIVE_WORD_ERROR")

    assert song.view["data"]["status"] == "SENSITIVE_WORD_ERROR"
    assert make_persona(mock, "kie", song.task_id, "any").headers["x-mock-outcome"] == "source-failed"


def test_an_error_alone_makes_a_failed_song(mock: PersonaMock) -> None:
    song = mock.evolink.completed_song(error={"code": "service_error", "message": "the model was away"})

    assert song.view["status"] == "failed"
    assert song.view["error"] == {
        "code": "service_error",
        "message": "the model was away",
        "type": "task_error",
    }


# --- tasks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_that_a_client_made_is_found_and_finished(mock: PersonaMock, provider: str) -> None:
    id = order(mock, provider)
    task = mock.provider(provider).task(id)
    before = (task.status, task.view)

    task.finish()

    assert before[0] == "waiting"
    assert task.status == "finished"
    assert task.progress == 100
    assert len(task.audio_ids) == 2
    assert task.error is None
    assert task.provider == provider
    assert task.id == id
    assert task.view == look(mock, provider, id) != before[1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_fails_as_is_usual(mock: PersonaMock, provider: str) -> None:
    task = mock.provider(provider).task(order(mock, provider))

    task.fail()

    assert task.status == "failed"
    assert STATES[provider][state_of(provider, look(mock, provider, task.id))] == "failed"
    assert task.error


def test_a_task_fails_by_the_name_of_the_failure(mock: PersonaMock) -> None:
    task = mock.kie.task(order(mock, "kie"))

    task.fail("CREATE_TASK_FAILED")

    assert task.state == "CREATE_TASK_FAILED"
    assert look(mock, "kie", task.id)["data"]["status"] == "CREATE_TASK_FAILED"


def test_a_task_fails_by_code_and_message(mock: PersonaMock) -> None:
    task = mock.kie.task(order(mock, "kie"))

    task.fail({"code": 413, "message": "matches an existing work"})

    data = look(mock, "kie", task.id)["data"]
    assert (data["errorCode"], data["errorMessage"]) == (413, "matches an existing work")
    assert task.error is not None
    assert (task.error.code, task.error.message) == (413, "matches an existing work")


def test_a_failed_task_gives_its_credits_back(mock: PersonaMock) -> None:
    id = order(mock, "kie")
    charged = mock.account().credits

    mock.task(id).fail()

    assert (charged, mock.account().credits) == (988, 1000)


def test_finish_and_fail_give_the_task_again(mock: PersonaMock) -> None:
    assert mock.kie.task(order(mock, "kie")).finish().status == "finished"
    assert mock.kie.task(order(mock, "kie")).fail().status == "failed"


@pytest.mark.parametrize(("provider", "status", "neutral"), sorted(STATUSES))
def test_a_task_is_pushed_to_any_status(mock: PersonaMock, provider: str, status: str, neutral: str) -> None:
    task = mock.provider(provider).task(order(mock, provider))

    task.push(status)

    assert task.status == neutral


def test_a_task_is_seen_as_time_passes(mock: PersonaMock) -> None:
    task = mock.kie.task(order(mock, "kie"))

    seen = [task.state]
    for seconds in (30, 42, 48):
        mock.clock.advance(seconds)
        seen.append(task.state)

    assert seen == ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]


# --- outcomes asked for in advance --------------------------------------------------------------------------


def ask_balance(mock: PersonaMock, provider: str) -> httpx2.Response:
    path = {"kie": "/api/v1/chat/credit", "crun": "/api/v1/client/account/balance", "evolink": "/v1/credits"}
    with client_of(mock) as client:
        return client.get(path[provider], headers=credential(provider, "k"))


def outcome_of(answer: httpx2.Response) -> str:
    return str(answer.headers["x-mock-outcome"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_next_call_meets_the_outcome_and_the_one_after_does_not(mock: PersonaMock, provider: str) -> None:
    here = mock.provider(provider)
    song = here.completed_song()

    planned = here.next("server-error")
    first = make_persona(mock, provider, song.task_id, song.audio_id)
    second = make_persona(mock, provider, song.task_id, song.audio_id)

    assert [outcome_of(first), outcome_of(second)] == ["server-error", "success"]
    assert [one.because for one in mock.requests] == ["queued", "state"]
    assert planned.left == 0


def test_an_outcome_may_be_for_several_calls(mock: PersonaMock) -> None:
    planned = mock.crun.next("maintenance", times=2)

    told = [(outcome_of(ask_balance(mock, "crun")), planned.left) for _ in range(3)]

    assert told == [("maintenance", 1), ("maintenance", 0), ("success", 0)]


def test_an_outcome_is_for_its_operation_only(mock: PersonaMock) -> None:
    song = mock.kie.completed_song()
    mock.kie.next("maintenance", operation="generatePersona")

    balance = ask_balance(mock, "kie")
    persona = make_persona(mock, "kie", song.task_id, song.audio_id)

    assert [outcome_of(balance), outcome_of(persona)] == ["success", "maintenance"]


def test_an_outcome_waits_for_a_call_that_documents_it(mock: PersonaMock) -> None:
    song = mock.kie.completed_song()
    planned = mock.kie.next("duplicate")

    balance = ask_balance(mock, "kie")
    waits = planned.left
    persona = make_persona(mock, "kie", song.task_id, song.audio_id)

    assert [outcome_of(balance), waits, outcome_of(persona)] == ["success", 1, "duplicate"]


def test_an_outcome_is_of_its_provider_only(mock: PersonaMock) -> None:
    mock.crun.always("maintenance")

    assert outcome_of(ask_balance(mock, "kie")) == "success"
    assert outcome_of(ask_balance(mock, "crun")) == "maintenance"


def test_an_outcome_is_for_bodies_that_match(mock: PersonaMock) -> None:
    one, other = mock.kie.completed_song(), mock.kie.completed_song()
    mock.kie.next("duplicate", match={"taskId": other.task_id})

    told = [outcome_of(make_persona(mock, "kie", song.task_id, song.audio_id)) for song in (one, other)]

    assert told == ["success", "duplicate"]


def test_an_outcome_may_be_late(mock: PersonaMock) -> None:
    mock.kie.next("maintenance", delay=0.2)

    with pytest.raises(httpx2.ReadTimeout), client_of(mock) as client:
        client.get("/api/v1/chat/credit", headers=credential("kie", "k"), timeout=0.05)


@pytest.mark.parametrize(
    ("error", "state"),
    [("SENSITIVE_WORD_ERROR", "SENSITIVE_WORD_ERROR"), ({"code": 408, "message": "late"}, None)],
)
def test_a_task_that_is_to_fail_fails_as_was_asked(mock: PersonaMock, error: Json, state: str | None) -> None:
    mock.kie.next("task-failed", error=error)

    task = mock.kie.task(order(mock, "kie"))
    mock.clock.finish_all()

    assert mock.requests[-1].outcome == "task-failed"
    assert task.status == "failed"
    if state is not None:
        assert task.state == state
    else:
        assert task.error is not None
        assert (task.error.code, task.error.message) == (408, "late")


def test_what_always_happens_happens_until_it_is_removed(mock: PersonaMock) -> None:
    standing = mock.evolink.always("rate-limited")

    told = [outcome_of(ask_balance(mock, "evolink")) for _ in range(3)]
    left = standing.left
    standing.remove()

    assert (told, left) == (["rate-limited"] * 3, None)
    assert outcome_of(ask_balance(mock, "evolink")) == "success"
    assert [one.because for one in mock.requests] == ["standing"] * 3 + ["state"]


def test_what_always_happens_happens_until_a_reset(mock: PersonaMock) -> None:
    mock.evolink.always("rate-limited")

    mock.reset()

    assert outcome_of(ask_balance(mock, "evolink")) == "success"


def test_always_takes_an_operation_and_a_match(mock: PersonaMock) -> None:
    mock.kie.always("maintenance", operation="getMusicDetails")
    mock.kie.always("duplicate", match={"name": "Neon Siren"})
    song = mock.kie.completed_song()

    assert look(mock, "kie", song.task_id)["code"] == 455
    assert outcome_of(ask_balance(mock, "kie")) == "success"
    assert outcome_of(make_persona(mock, "kie", song.task_id, song.audio_id)) == "duplicate"


def test_a_queued_outcome_may_be_removed_and_removed_again(mock: PersonaMock) -> None:
    planned = mock.kie.next("maintenance", times=3)

    planned.remove()
    planned.remove()

    assert planned.left == 0
    assert outcome_of(ask_balance(mock, "kie")) == "success"


def test_a_removed_outcome_leaves_the_others(mock: PersonaMock) -> None:
    first, second = mock.kie.next("maintenance"), mock.kie.next("server-error")

    first.remove()

    assert second.left == 1
    assert outcome_of(ask_balance(mock, "kie")) == "server-error"


def test_queued_outcomes_come_in_the_order_they_were_asked_for(mock: PersonaMock) -> None:
    for outcome in ("maintenance", "server-error", "unauthorized"):
        mock.kie.next(outcome)

    told = [outcome_of(ask_balance(mock, "kie")) for _ in range(4)]

    assert told == ["maintenance", "server-error", "unauthorized", "success"]


@pytest.mark.parametrize(("provider", "operation"), OUTCOMES)
def test_the_outcomes_of_an_operation_are_those_it_documents(provider: str, operation: str) -> None:
    assert outcomes(provider, operation) == list(OUTCOMES[provider, operation])


def test_outcomes_are_told_before_the_start_and_after(mock: PersonaMock) -> None:
    wanted = list(OUTCOMES["kie", "generatePersona"])

    assert PersonaMock().kie.outcomes("generatePersona") == wanted
    assert mock.kie.outcomes("generatePersona") == wanted


@pytest.mark.parametrize("outcome", outcomes("kie", "generatePersona"))
def test_every_outcome_can_be_had(mock: PersonaMock, outcome: str) -> None:
    song = mock.kie.completed_song()
    mock.kie.next(outcome, operation="generatePersona")

    answer = make_persona(mock, "kie", song.task_id, song.audio_id)

    assert outcome_of(answer) == outcome
    assert mock.requests[-1].outcome == outcome
