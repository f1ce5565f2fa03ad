"""crun: the two readings of a duplicate; and where the code of a refusal travels."""

from __future__ import annotations

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.crun_calls import NO_TASK, Crun, persona_of, refused, task_of
from tests.providers.envelope import NO_SONG


@pytest.mark.parametrize("quirk", [(), ("crun.duplicate=refuse",)])
def test_a_duplicate_may_be_refused(make_client: MakeClient, quirk: tuple[str, ...]) -> None:
    crun = Crun(make_client(quirk=quirk))
    song = crun.finished()
    crun.made_persona(song)

    answer = crun.persona(*song.source, name="Other")

    assert answer.verdict == refused("duplicate", 422, "persona already exists")


def test_a_duplicate_may_give_the_first_persona_again(make_client: MakeClient) -> None:
    crun = Crun(make_client(quirk=("crun.duplicate=same",)))
    song = crun.finished()
    persona = crun.made_persona(song)

    again = crun.persona(*song.source, name="Other", description="Another voice")
    other = crun.persona(song.task, song.tracks[1])

    assert again.verdict == (
        200,
        "duplicate",
        {"code": 200, "message": "success", "data": {"persona_id": persona}},
    )
    assert other.outcome == "success"
    assert persona_of(other) != persona
    task_of(crun.generate(persona_id=persona))


def test_the_first_persona_is_given_again_to_its_owner_only(make_client: MakeClient) -> None:
    client = make_client(quirk=("crun.duplicate=same",))
    crun = Crun(client)
    song = crun.finished()
    crun.made_persona(song)

    assert Crun(client, "stranger").persona(*song.source).outcome == "source-not-owned"
    assert crun.persona(*song.source, name=" ").outcome == "invalid"


def test_a_quirk_of_one_provider_leaves_the_others_alone(make_client: MakeClient) -> None:
    crun = Crun(make_client(quirk=("kie.duplicate=overwrite", "kie.unknown_source=404")))
    song = crun.finished()
    crun.made_persona(song)

    assert crun.persona(*song.source).verdict == refused("duplicate", 422, "persona already exists")
    assert crun.persona(NO_TASK, NO_SONG).code == 422


@pytest.mark.parametrize(("mode", "mirrored"), [("auto", False), ("envelope", False), ("http", True)])
def test_the_code_of_a_refusal_by_state_is_mirrored_as_asked(
    make_client: MakeClient, mode: str, mirrored: bool
) -> None:
    crun = Crun(make_client(status=mode))
    song = crun.finished()
    crun.made_persona(song)

    answers = {
        422: crun.persona(*song.source),
        404: crun.info(NO_TASK),
        401: Crun(crun.client, None).generate(),
        402: Crun(crun.client, "mock-poor").generate(),
    }

    for code, answer in answers.items():
        assert (answer.status, answer.code, answer.data) == (code if mirrored else 200, code, None)


def test_every_refusal_travels_in_http_200_as_it_does_live(client: Client) -> None:
    crun = Crun(client)

    answers = [crun.info(NO_TASK), crun.persona(NO_TASK, NO_SONG), Crun(client, None).generate()]

    assert [answer.status for answer in answers] == [200, 200, 200]
