"""``ireelab provenance``."""

from __future__ import annotations

import json

import pytest

from ireelab import examples
from ireelab.cli import main

FILE = str(examples.path("elementwise"))


def test_rates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provenance", FILE, "--json"]) == 0
    phases = json.loads(capsys.readouterr().out)["phases"]
    assert [p["phase"] for p in phases if p["ancestor_rate"] < 0.95] == []
    assert main(["provenance", FILE]) == 0
    assert "from source" in capsys.readouterr().out


def test_one_line_with_its_events(capsys: pytest.CaptureFixture[str]) -> None:
    source = examples.path("elementwise").read_text().splitlines()
    line = next(n for n, text in enumerate(source, 1) if "arith.mulf" in text)
    assert main(["provenance", FILE, "--line", str(line), "--run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["op"]["line"] == line
    assert len(found["entry_points"]) == len(found["events"]) == 1


@pytest.mark.parametrize(
    "words", [["--line", "999"], ["--run"], ["--step", "3"], ["--line", "1", "--step", "99999"]]
)
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provenance", FILE, *words]) == 2
    assert capsys.readouterr().err.startswith("ireelab: ")
