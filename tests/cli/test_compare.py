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
    assert "first divergence in A" in capsys.readouterr().out


def test_a_saved_trace_beside_its_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = str(tmp_path / "saved.iltrace")
    assert main(["explore", SOURCE, "--save-trace", saved, "--json", str(tmp_path / "j")]) == 0
    capsys.readouterr()
    assert main(["compare", saved, SOURCE, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["first"] is None
    assert record["same"] > 500
    assert main(["explore", saved, "--html", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").stat().st_size > 10000


def test_one_program_alone_is_no_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", SOURCE]) == 2
    assert "--flag-a" in capsys.readouterr().err
