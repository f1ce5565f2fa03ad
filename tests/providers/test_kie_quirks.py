"""kie: where documents and observation differ, both ways; and where the code of a refusal travels."""

from __future__ import annotations

import pytest

from mockserver.settings import UsageError
from tests.conftest import MakeClient
from tests.providers.envelope import NO_SONG
from tests.providers.kie_calls import NO_TASK, PERSONA, Kie, no_music, not_found, persona_of, refused, task_of

# --- duplicate ---------------------------------------------------------------------------------------------


def test_a_duplicate_may_be_refused(make_client: MakeClient) -> None:
    kie = Kie(make_client(quirk=("kie.duplicate=refuse",)))
    song = kie.finished()
    kie.made_persona(song)

    answer = kie.persona(*song.source, name="Other")

    assert answer.verdict == refused("duplicate", 409, "Persona already exists for this music")


def test_a_duplicate_may_overwrite_the_first(make_client: MakeClient) -> None:
    kie = Kie(make_client(quirk=("kie.duplicate=overwrite",)))
    song = kie.finished()
    persona = kie.made_persona(song)

    answer = kie.persona(*song.source, name="Other", description="Another voice")

    assert (answer.status, answer.outcome) == (200, "duplicate")
    assert answer.body == {
        "code": 200,
        "msg": "success",
        "data": {"personaId": persona, "name": "Other", "description": "Another voice"},
    }
    task_of(kie.generate(personaId=persona))


def test_overwriting_is_for_the_owner_and_the_same_song_only(make_client: MakeClient) -> None:
    client = make_client(quirk=("kie.duplicate=overwrite",))
    kie = Kie(client)
    song = kie.finished()
    persona = kie.made_persona(song)

    assert Kie(client, "stranger").persona(*song.source).verdict == no_music("source-not-owned")
    assert persona_of(kie.persona(song.task, song.tracks[1])) != persona
    assert kie.persona(*song.source, name="").code == 422


def test_a_first_persona_is_no_duplicate_under_either(make_client: MakeClient) -> None:
    kie = Kie(make_client(quirk=("kie.duplicate=overwrite",)))

    answer = kie.persona(*kie.finished().source)

    assert answer.outcome == "success"
    assert answer.data == {"personaId": persona_of(answer), **PERSONA}


# --- unknown source ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("quirk", [(), ("kie.unknown_source=422",)])
def test_an_unknown_source_may_be_a_wrong_parameter(make_client: MakeClient, quirk: tuple[str, ...]) -> None:
    client = make_client(quirk=quirk)
    kie = Kie(client)
    song = kie.finished()

    assert kie.persona(NO_TASK, NO_SONG).verdict == no_music("source-not-found")
    assert kie.persona(song.task, NO_SONG).verdict == no_music("source-not-found")
    assert Kie(client, "stranger").persona(*song.source).verdict == no_music("source-not-owned")


def test_an_unknown_source_may_be_a_missing_resource(make_client: MakeClient) -> None:
    client = make_client(quirk=("kie.unknown_source=404",))
    kie = Kie(client)
    song = kie.finished()

    assert kie.persona(NO_TASK, NO_SONG).verdict == not_found("source-not-found")
    assert kie.persona(song.task, NO_SONG).verdict == not_found("source-not-found")
    assert Kie(client, "stranger").persona(*song.source).verdict == not_found("source-not-owned")


# --- unknown task ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quirk", [(), ("kie.unknown_task=null",)])
def test_an_unknown_task_may_be_null(make_client: MakeClient, quirk: tuple[str, ...]) -> None:
    answer = Kie(make_client(quirk=quirk)).record(NO_TASK)

    assert answer.verdict == (200, "not-found", {"code": 200, "msg": "success", "data": None})


def test_an_unknown_task_may_be_a_wrong_parameter(make_client: MakeClient) -> None:
    client = make_client(quirk=("kie.unknown_task=422",))
    wanted = refused("not-found", 422, "recordInfo is null")
    task = Kie(client).started()

    assert Kie(client).record(NO_TASK).verdict == wanted
    assert Kie(client, "stranger").record(task).verdict == wanted


def test_an_unknown_task_may_be_a_missing_resource(make_client: MakeClient) -> None:
    client = make_client(quirk=("kie.unknown_task=404",))
    task = Kie(client).started()

    assert Kie(client).record(NO_TASK).verdict == not_found("not-found")
    assert Kie(client, "stranger").record(task).verdict == not_found("not-found")


def test_a_known_task_is_shown_under_each(make_client: MakeClient) -> None:
    for value in ("null", "422", "404"):
        kie = Kie(make_client(quirk=(f"kie.unknown_task={value}",)))
        assert kie.status(kie.started()) == "PENDING"


# --- the price of a persona --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "left"), [("1", 987), ("0", 988), ("5", 983), ("0.5", 987.5), ("100", 888)]
)
def test_a_persona_costs_what_was_set(make_client: MakeClient, price: str, left: float) -> None:
    kie = Kie(make_client(quirk=(f"kie.persona_price={price}",)))
    song = kie.finished()

    kie.made_persona(song)

    assert kie.credits() == left


def test_a_persona_is_refused_below_its_price(make_client: MakeClient) -> None:
    kie = Kie(make_client(quirk=("kie.persona_price=5",)))
    song = kie.finished()
    kie.set_credits(4.99)

    poor = kie.persona(*song.source)
    kie.set_credits(5)

    assert (poor.outcome, poor.code) == ("insufficient-credits", 402)
    assert kie.persona(*song.source).accepted
    assert kie.credits() == 0


def test_a_persona_for_nothing_needs_no_credits(make_client: MakeClient) -> None:
    kie = Kie(make_client(quirk=("kie.persona_price=0",)))
    song = kie.finished()
    kie.set_credits(0)

    assert kie.persona(*song.source).accepted


# --- several at once, and wrong ones -----------------------------------------------------------------------


def test_quirks_may_be_combined(make_client: MakeClient) -> None:
    kie = Kie(make_client(quirk=("kie.unknown_source=404", "kie.unknown_task=422", "kie.persona_price=2")))

    kie.made_persona(kie.finished())

    assert kie.persona(NO_TASK, NO_SONG).code == 404
    assert kie.record(NO_TASK).code == 422
    assert kie.credits() == 986


@pytest.mark.parametrize(
    "quirk",
    [
        "kie.nonsense=1",
        "kie.duplicate=maybe",
        "kie.persona_price=cheap",
        "nobody.duplicate=refuse",
    ],
)
def test_an_unknown_quirk_is_answered_with_the_known_ones(make_client: MakeClient, quirk: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_client(quirk=(quirk,))

    for name in ("kie.duplicate", "kie.unknown_source", "crun.duplicate", "overwrite"):
        assert name in str(raised.value)


# --- where the code travels --------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "mirrored"), [("auto", False), ("envelope", False), ("http", True)])
def test_the_code_of_a_refusal_by_state_is_mirrored_as_asked(
    make_client: MakeClient, mode: str, mirrored: bool
) -> None:
    kie = Kie(make_client(status=mode))
    song = kie.finished()
    kie.made_persona(song)

    answers = {
        409: kie.persona(*song.source),
        422: kie.persona(NO_TASK, NO_SONG),
        401: Kie(kie.client, None).generate(),
        402: Kie(kie.client, "mock-poor").generate(),
        404: kie.generate(personaId="nobody"),
    }

    for code, answer in answers.items():
        assert (answer.status, answer.code, answer.data) == (code if mirrored else 200, code, None)


@pytest.mark.parametrize("mode", ["auto", "envelope", "http"])
def test_what_goes_well_is_http_200_in_every_mode(make_client: MakeClient, mode: str) -> None:
    kie = Kie(make_client(status=mode))
    song = kie.finished()

    assert kie.persona(*song.source).accepted
    assert kie.record(NO_TASK).status == 200
