"""``ireelab compare`` and saved traces on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ireelab
from ireelab.cli import main

SOURCE = str(ireelab.examples.path("elementwise"))


def test_the_same_program_with_two_sets_of_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", SOURCE, "--flag-b=--iree-llvmcpu-target-cpu=generic"]) == 1
    assert "they part at step" in capsys.readouterr().out


def test_a_saved_trace_beside_its_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = str(tmp_path / "saved.iltrace")
    assert main(["explore", SOURCE, "--save-trace", saved, "--json", str(tmp_path / "j")]) == 0
    capsys.readouterr()
    assert main(["compare", saved, SOURCE, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["steps"][0]["first"] is None
    assert record["steps"][0]["same"] > 500
    assert main(["explore", saved, "--html", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").stat().st_size > 10000


def test_one_program_alone_is_no_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", SOURCE]) == 2
    assert "--flag-a" in capsys.readouterr().err


def test_what_is_compared_besides_steps(capsys: pytest.CaptureFixture[str]) -> None:
    flag = "--flag-b=--iree-llvmcpu-target-cpu=generic"
    assert main(["compare", SOURCE, flag, "--executables", "--run", "--json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert set(record["models"]) == {"executables", "run"}
    (kernel,) = record["models"]["executables"]["tables"][0]["parts"]
    code = {quantity["name"]: quantity["values"] for quantity in kernel["quantities"]}
    assert code["vector width"][0] > code["vector width"][1], "generic x86-64 has no AVX"
    (events,) = [t for t in record["models"]["run"]["tables"] if t["title"] == "events"]
    assert any(None not in part["refs"] for part in events["parts"])


def test_three_sides_and_sides_that_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--flag-b=--iree-opt-level=O0", "--flag-c=--iree-opt-level=O3", "--until=stream"]
    main(["compare", SOURCE, *options, "--streams"])
    assert "C against A" in (said := capsys.readouterr().out)
    assert "C/A" in said
    assert main(["compare", SOURCE, SOURCE, options[1]]) == 2
    assert "2 files for 3 sides" in capsys.readouterr().err
    assert main(["compare", SOURCE, *options, "--vm"]) == 2
    assert "vm" in capsys.readouterr().err


def test_options_of_one_side_reach_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", SOURCE, "--device-b=abacus", "--run"]) == 2
    assert "abacus" in capsys.readouterr().err
    assert main(["compare", SOURCE, "--pipeline-b=lab", "--until=abi"]) == 0
    assert "B: elementwise lab for llvm-cpu" in capsys.readouterr().out
    assert main(["compare", SOURCE, "--target-b=abacus"]) == 2
    assert "abacus" in capsys.readouterr().err
