"""``ireelab simulate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ireelab
from ireelab.cli import main

SOURCE = str(ireelab.examples.path("mlp"))


def test_a_table_and_a_chart_for_each_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", SOURCE, "--policy", "waves", "--policy=exact", "--units=2"]) == 0
    text = capsys.readouterr().out
    assert "4 invocations on 2 units" in text
    assert "times: 2 assumed" in text
    assert "waves     |0" in text
    assert "exact     |0" in text
    assert "pipelined" not in text


def test_times_of_a_run_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "schedule.json"
    words = ["--run", "--repeat=3", "--unpacked", "--in-flight=3", "--json", str(out)]
    assert main(["simulate", SOURCE, *words]) == 0
    assert "made-up inputs" in capsys.readouterr().err
    record = json.loads(out.read_text())
    assert record["schema"] == 1
    assert {command["times"] for command in record["commands"]} == {"measured"}
    assert record["settings"]["packed"] is False
    assert [schedule["copies"] for schedule in record["schedules"]] == [1, 1, 1, 1, 3]
    assert record["prediction_error"] is not None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--policy=best"], "no policy 'best'; there are: serial, waves"),
        (["--units=0"], "units is from 1 to"),
        (["--function=main"], "these have: mlp"),
        (["--input=4xf32=1"], "--input goes with --run"),
        (["--json=/nowhere/x.json"], "cannot write"),
    ],
)
def test_wrong_usage(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", SOURCE, *words]) == 2
    assert message in capsys.readouterr().err
