"""The key is in nothing that a run says or keeps, whatever the provider sends back."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from contracts.finding import Checked, Finding, Told
from contracts.live import hider, scrubbed
from contracts.report import FORMATS
from contracts.target import Call, Reply, Unanswered
from tests.contracts.live.standin import KEY, Bend, small, standing

SPELLED = {
    "as it is": KEY,
    "percent": quote(KEY, safe=""),
    "percent, slashes kept": quote(KEY),
    "form": quote_plus(KEY),
    "small percent": quote(KEY, safe="").replace("%2F", "%2f"),
    "json": json.dumps(KEY)[1:-1],
    "json with slashes": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "html": html.escape(KEY),
    "python": repr(KEY)[1:-1],
}
# What every spelling has in it, for nobody would escape it.
PART = "Qz9Wx4"


def echoes(text: str, *, before: str = "") -> Bend:
    """A provider that tells each caller its key, in its body and in a header."""

    def bend(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        reply = answer(call)
        body = b'{"code": 500, "msg": "' + before.encode() + text.encode() + b'", "data": null}'
        return reply._replace(body=body, headers=[*reply.headers, ("x-caller", text)])

    return bend


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
def test_the_key_is_in_no_report_and_in_no_file(tmp_path: Path, spelled: str) -> None:
    file = tmp_path / "kept.json"
    with standing() as provided:
        provided.bend = echoes(spelled)
        outcome = provided.run(small(tmp_path), ledger=provided.ledger(file=file))

    assert outcome.checked.errors > 3
    told = [render(outcome.checked) for render in FORMATS.values()]
    assert not [text for text in (*told, file.read_text("utf-8")) if PART in text]


@pytest.mark.parametrize("room", range(250, 420, 7))
def test_no_part_of_the_key_is_left_where_a_long_answer_is_cut(tmp_path: Path, room: int) -> None:
    with standing() as provided:
        provided.bend = echoes(json.dumps(KEY)[1:-1], before="." * room)
        outcome = provided.run(small(tmp_path))

    assert "sk-live" not in str(outcome.checked)


def test_a_key_in_the_id_of_a_task_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    with standing() as provided:
        provided.bend = lambda call, answer: answer(call)._replace(
            body=json.dumps({"code": 200, "msg": "success", "data": {"taskId": KEY}}).encode()
        )
        provided.run(small(tmp_path), ledger=provided.ledger(file=file))

    assert PART not in file.read_text("utf-8")


def test_the_key_in_the_reason_of_a_lost_call_is_hidden(tmp_path: Path) -> None:
    def bend(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        if "credit" in call.target:
            raise Unanswered(f"Invalid header value {f'Bearer {KEY}'.encode()!r}")
        return answer(call)

    with standing() as provided:
        provided.bend = bend
        outcome = provided.run(small(tmp_path))

    assert any(finding.rule == "unanswered" for finding in outcome.checked.findings)
    assert PART not in str(outcome.checked)


def test_a_short_key_blanks_no_word_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    with standing() as provided:
        provided.always("getCredits", "server-error")
        ledger = provided.ledger(file=file, key="e")
        outcome = provided.run(small(tmp_path), key="e", ledger=ledger)

    finding = outcome.found["balance-is-a-number"]
    assert (finding.severity, finding.rule, finding.document) == ("error", "code", "kie")
    kept = json.loads(file.read_text("utf-8"))["cases"]["balance-is-a-number"]["findings"][0]
    assert "e" not in finding.message + kept["message"]
    assert not outcome.checked.is_fine


@pytest.mark.parametrize(
    "text",
    ["SK-LIVE-S3CRET", "Sk-Live-S3cret", "".join(f"\\u00{ord(char):02X}" for char in "sk-live-s3cret")],
)
def test_a_key_in_other_letters_is_hidden(text: str) -> None:
    assert hider("sk-live-s3cret")(f"Bearer {text} of yours") == "Bearer *** of yours"


def test_what_is_hidden_is_hidden_however_deep() -> None:
    hide = hider(KEY)

    assert hide({KEY: [f"a {KEY} b", 1, None, {"x": (KEY,)}]}) == {
        "***": ["a *** b", 1, None, {"x": ["***"]}]
    }


def test_the_key_is_hidden_in_the_list_of_cases_too() -> None:
    told = [Told("kie", None, "balance"), Told("kie", "getCredits", "late", f"{KEY} is too late")]

    found = scrubbed(Checked("check live", 1, 1, told=told), KEY)

    assert found.told == (Told("kie", None, "balance"), Told("kie", "getCredits", "late", "*** is too late"))


def test_a_short_key_leaves_cases_their_names() -> None:
    told = [Told("kie", "getCredits", "balance")]
    finding = Finding("error", "code", "m", document="kie", case="balance")

    found = scrubbed(Checked("check live", 1, 0, [finding], told=told), "e")

    assert FORMATS["junit"](found).count("<testcase ") == 1
