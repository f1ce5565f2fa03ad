"""kie: what a call costs, when it is given back, and who cannot pay."""

from __future__ import annotations

import pytest

from mockserver.domain.ports import Store
from tests.conftest import Client, MakeClient
from tests.providers.crun_calls import Crun
from tests.providers.envelope import NO_SONG
from tests.providers.kie_calls import NO_TASK, Kie, refused, task_of

POOR = refused("insufficient-credits", 402, "The current credits are insufficient. Please top up.")


def test_a_new_account_has_a_thousand_credits(kie: Kie) -> None:
    answer = kie.send("GET", "/api/v1/chat/credit")

    assert answer.verdict == (200, "success", {"code": 200, "msg": "success", "data": 1000})


def test_the_start_of_a_new_account_can_be_set(make_client: MakeClient) -> None:
    assert Kie(make_client(credits=7)).credits() == 7


def test_a_song_is_paid_when_it_is_submitted(kie: Kie) -> None:
    kie.generate()

    assert kie.credits() == 988
    kie.advance(500)
    assert kie.credits() == 988


def test_polls_and_balances_are_free(kie: Kie) -> None:
    task = kie.started()

    for _ in range(5):
        kie.record(task)
        kie.record(NO_TASK)

    assert kie.credits() == 988


def test_a_failed_song_gives_its_credits_back_when_it_fails(client: Client) -> None:
    kie = Kie(client)
    task = kie.started(prefer="outcome=task-failed")
    seen = [kie.credits()]

    for seconds in (59.75, 0.25, 60, 1000):
        kie.advance(seconds)
        seen.append(kie.credits())

    assert seen == [988, 988, 1000, 1000, 1000]
    assert kie.status(task) == "GENERATE_AUDIO_FAILED"
    assert kie.credits() == 1000


def test_credits_that_come_back_can_be_spent_at_once(kie: Kie) -> None:
    kie.set_credits(12)
    kie.started(prefer="outcome=task-failed")
    early = kie.generate()

    kie.advance(60)

    assert early.verdict == POOR
    task_of(kie.generate())
    assert kie.credits() == 0


def test_an_account_runs_down_by_songs_of_12(make_client: MakeClient) -> None:
    kie = Kie(make_client(credits=30))

    answers = [kie.generate() for _ in range(4)]

    assert [answer.accepted for answer in answers] == [True, True, False, False]
    assert answers[2].verdict == answers[3].verdict == POOR
    assert kie.credits() == 6
    assert len(kie.tasks()) == 2


def test_the_last_12_credits_buy_a_song(make_client: MakeClient) -> None:
    kie = Kie(make_client(credits=12))

    task_of(kie.generate())

    assert kie.credits() == 0


@pytest.mark.parametrize("balance", [0, 11, 11.99])
def test_every_song_call_needs_12_credits(kie: Kie, balance: float) -> None:
    track = kie.finished().tracks[0]
    kie.set_credits(balance)

    for answer in (kie.generate(), kie.extend(track), kie.cover(), kie.upload_extend()):
        assert answer.verdict == POOR
    assert kie.credits() == balance


def test_a_persona_needs_its_one_credit(client: Client) -> None:
    kie = Kie(client)
    kie.set_credits(13)
    song = kie.finished()

    first = kie.persona(song.task, song.tracks[0])
    second = kie.persona(song.task, song.tracks[1])

    assert first.accepted
    assert second.verdict == POOR
    assert kie.credits() == 0


def test_less_than_one_credit_makes_no_persona(kie: Kie) -> None:
    song = kie.finished()
    kie.set_credits(0.99)

    assert kie.persona(*song.source).verdict == POOR

    kie.set_credits(1)
    assert kie.persona(*song.source).accepted


def test_the_poor_key_can_pay_nothing(kie: Kie) -> None:
    kie = Kie(kie.client, "mock-poor")

    answers = [
        kie.generate(),
        kie.cover(),
        kie.upload_extend(),
        kie.extend("a"),
        kie.persona(NO_TASK, NO_SONG),
    ]

    assert kie.credits() == 0
    assert [answer.verdict for answer in answers] == [POOR] * 5
    assert kie.tasks() == []


def test_an_account_has_one_balance_for_all_providers(client: Client) -> None:
    kie, crun = Kie(client, "shared"), Crun(client, "shared")

    kie.generate()
    crun.generate()

    assert (kie.credits(), crun.credits()) == (976, 976)
    assert (Kie(client, "other").credits(), Crun(client, "other").credits()) == (1000, 1000)


def test_a_song_of_one_provider_is_none_of_another(make_client: MakeClient) -> None:
    client = make_client()
    kie, crun = Kie(client), Crun(client)
    ours, theirs = kie.finished(), crun.finished()

    assert kie.persona(*theirs.source).outcome == "source-not-found"
    assert crun.persona(*ours.source).outcome == "source-not-found"


@pytest.mark.parametrize("key", ["k", "mock-nothing-of-that-name"])
def test_any_key_is_an_account(make_client: MakeClient, key: str) -> None:
    assert Kie(make_client(), key).credits() == 1000


def test_refunds_are_settled_as_time_moves_and_left_for_no_call(client: Client, store: Store) -> None:
    kie = Kie(client)
    for _ in range(3):
        kie.started(prefer="outcome=task-failed")

    promised = refunds(store)
    kie.advance(500)

    assert len(promised) == 3
    assert refunds(store) == []
    assert kie.credits() == 1000


def refunds(store: Store) -> list[str]:
    """What is still to be given back, in every sandbox."""
    found = (store.run(sandbox, lambda tx: tx.scan("refund/")) for sandbox in store.sandboxes())
    return [key for page in found for key, _ in page]
