"""``il.compile`` gives, to the byte, the file that ``iree-compile`` writes."""

from __future__ import annotations

from pathlib import Path

import artefacts
import pytest
from artefacts import EXAMPLES, PROGRAMS, Flags

OPTIMISED: Flags = ("--iree-opt-level=O3", "--iree-llvmcpu-target-cpu=generic")

# A part is enough, since the programs share most of their passes.
MANY = (*EXAMPLES, *PROGRAMS[::2])
SOME = (*EXAMPLES, PROGRAMS[0], *PROGRAMS[1::3])


def names(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_there_are_enough_programs() -> None:
    assert min(len(MANY), len(SOME)) >= 20


@pytest.mark.parametrize("source", MANY, ids=names)
def test_default_flags(source: Path) -> None:
    ours, theirs = artefacts.both(source)
    assert ours == theirs


@pytest.mark.parametrize("source", SOME, ids=names)
def test_other_flags(source: Path) -> None:
    ours, theirs = artefacts.both(source, OPTIMISED)
    assert ours == theirs
    assert ours != artefacts.theirs(source), "these flags should make a difference"
