"""Which stages an execution barrier of a record separates. No device is needed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from ireelab.hal.command_buffer import (
    BeginDebugGroup,
    CopyBuffer,
    Dispatch,
    DispatchIndirect,
    ExecutionBarrier,
    FillBuffer,
    LogEntry,
)
from ireelab.hal.drivers.vulkan.barriers import (
    STAGE_COMPUTE,
    STAGE_INDIRECT,
    STAGE_TRANSFER,
    plan,
    stages_of,
)
from ireelab.hal.types import ExecutionStage

COMPUTE, INDIRECT, TRANSFER = STAGE_COMPUTE, STAGE_INDIRECT, STAGE_TRANSFER
BEFORE = int(ExecutionStage.DISPATCH | ExecutionStage.TRANSFER | ExecutionStage.COMMAND_RETIRE)
AFTER = int(ExecutionStage.COMMAND_ISSUE | ExecutionStage.DISPATCH | ExecutionStage.TRANSFER)
KINDS: dict[str, type[Any]] = {
    "d": Dispatch, "i": DispatchIndirect, "f": FillBuffer, "c": CopyBuffer, "g": BeginDebugGroup,
}  # fmt: skip


def record(text: str) -> list[LogEntry]:
    """``d`` a dispatch, ``i`` an indirect one, ``f`` a fill, ``c`` a copy, ``|`` a full barrier."""
    return [
        (ExecutionBarrier, (BEFORE, AFTER, 0, "")) if letter == "|" else (KINDS[letter], ())
        for letter in text
    ]


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("d|d|d", [(COMPUTE, COMPUTE)] * 2),
        ("f|d|c", [(TRANSFER, COMPUTE), (COMPUTE, TRANSFER)]),
        ("fd|d|d", [(TRANSFER | COMPUTE, COMPUTE), (COMPUTE, COMPUTE)]),
        ("d|i|d", [(COMPUTE, COMPUTE | INDIRECT), (COMPUTE, COMPUTE)]),
        ("d|gd", [(COMPUTE, COMPUTE)]),
        ("d|", [(0, 0)]),
        ("|d", [(0, 0)]),
        ("f||d|c", [(0, 0), (TRANSFER, COMPUTE), (COMPUTE, TRANSFER)]),
        ("|f|d", [(0, 0), (TRANSFER, COMPUTE)]),
        ("|", [(0, 0)]),
    ],
)
def test_full_barriers(text: str, scopes: list[tuple[int, int]]) -> None:
    assert list(plan(record(text)).values()) == scopes


@pytest.mark.parametrize("text", ["d|f|i|c|d", "f|f|d|d|c", "df|c||i|"])
def test_full_barriers_chain(text: str) -> None:
    """What one barrier lets go on is what the next waits for: so order carries over."""
    scopes = [scope for scope in plan(record(text)).values() if scope != (0, 0)]
    for (_, released), (awaited, _) in pairwise(scopes):
        assert released & ~INDIRECT == awaited


def test_other_barriers_are_taken_at_their_word() -> None:
    transfer, dispatch = int(ExecutionStage.TRANSFER), int(ExecutionStage.DISPATCH)
    log = record("f|d|c")
    log[1] = (ExecutionBarrier, (transfer, transfer, 0, ""))  # the copy waits for the fill
    log[3] = (ExecutionBarrier, (dispatch, dispatch, 0, ""))  # no dispatch follows
    assert plan(log) == {1: (TRANSFER, TRANSFER), 3: (0, 0)}


def test_stages_of_a_record() -> None:
    assert stages_of(record("d|g")) == COMPUTE
    assert stages_of(record("i|fc")) == COMPUTE | INDIRECT | TRANSFER
    assert stages_of([]) == 0
