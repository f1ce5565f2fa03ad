"""`persona-mock state` against a mock that really runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockserver.cli.main import main

Live = Callable[..., str]
Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def planted(url: str, sandbox: str = "default") -> str:
    body = {"provider": "kie", "key": "k"}
    made: str = httpx2.post(f"{url}/_sandbox/{sandbox}/_mock/tasks", json=body).json()["source_task"]
    return made


def listed(url: str, sandbox: str = "default") -> list[str]:
    found: Any = httpx2.get(f"{url}/_sandbox/{sandbox}/_mock/tasks").json()["tasks"]
    return [task["id"] for task in found]


def test_a_state_goes_from_one_server_into_a_sandbox_of_another(
    live: Live, tmp_path: Path, capsys: Shown
) -> None:
    one, other = live(clock="virtual"), live(clock="virtual", seed=5, control_token="t0ken")
    task = planted(one)
    there = ["--url", other, "--sandbox", "alice", "--control-token", "t0ken"]

    codes = [main(["state", "export", "-o", "state.json", "--url", one])]
    codes.append(main(["state", "import", "state.json", *there]))
    codes.append(main(["state", "export", "-o", "again.json", *there]))

    assert codes == [0, 0, 0]
    assert capsys.readouterr().out == "Imported into sandbox alice: 1 account, 1 task, 0 personas\n"
    assert (tmp_path / "state.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    assert json.loads((tmp_path / "again.json").read_text())["tasks"][0]["id"] == task
    assert main(["state", "import", "state.json", "--url", other, "--sandbox", "alice"]) == 2


def test_a_reset_empties_one_sandbox(live: Live, capsys: Shown) -> None:
    url = live(clock="virtual")
    kept, gone = planted(url), planted(url, "alice")
    held = listed(url, "alice")

    code = main(["state", "reset", "--url", url, "--sandbox", "alice", "--json"])

    assert (code, json.loads(capsys.readouterr().out)) == (0, {"reset": "alice"})
    assert (held, listed(url, "alice"), listed(url)) == ([gone], [], [kept])


def test_a_large_state_is_sent_whole_and_a_damaged_one_is_refused_with_its_place(
    live: Live, tmp_path: Path, capsys: Shown
) -> None:
    url = live(clock="virtual", max_body=10_000)
    httpx2.post(f"{url}/_mock/tasks", json={"provider": "crun", "count": 500})
    main(["state", "export", "-o", "large.json", "--url", url])
    state = json.loads((tmp_path / "large.json").read_text())
    state["accounts"][0]["credits"] = -1
    (tmp_path / "damaged.json").write_text(json.dumps(state))

    taken = main(["state", "import", "large.json", "--url", url, "--json"])
    told = json.loads(capsys.readouterr().out)
    code = main(["state", "import", "damaged.json", "--url", url])

    assert (taken, told["imported"]["tasks"]) == (0, 500)
    assert code == 1
    assert "accounts/0/credits" in capsys.readouterr().err
    assert len(listed(url)) == 100
