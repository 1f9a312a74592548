"""Execution barriers: from what a record says to what Vulkan has to be told.

IREE's compiler writes one barrier everywhere: all stages before against all stages after. Told so,
a GPU also stops where it reads workgroup counts, which on an NVIDIA H200 doubles the time of short
dependent kernels. What is told here are the stages that commands of the record use. A *full*
barrier (dispatches and transfers on both sides) separates what lies between its neighbours of that
kind: the stages of the commands up to the next are at once the second scope of one and the first
scope of the other, so that barriers chain and everything earlier stays ordered. Other barriers are
taken at their word.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ireelab.hal.command_buffer import (
    AdviseBuffer,
    BeginDebugGroup,
    Dispatch,
    DispatchIndirect,
    EndDebugGroup,
    ExecutionBarrier,
    LogEntry,
)
from ireelab.hal.drivers.vulkan.vulkan_ffi import Structs
from ireelab.hal.types import ExecutionStage

# VkPipelineStageFlags2 and VkAccessFlags2
STAGE_INDIRECT, STAGE_COMPUTE, STAGE_TRANSFER, STAGE_HOST = 0x2, 0x800, 0x1000, 0x4000
STAGE_ALL = 0x10000
_READS = {STAGE_INDIRECT: 0x1, STAGE_COMPUTE: 0x8 | 0x20, STAGE_TRANSFER: 0x800, STAGE_HOST: 0x2000}
_WRITES = {STAGE_COMPUTE: 0x40, STAGE_TRANSFER: 0x1000, STAGE_HOST: 0x4000}
_MEMORY_READ, _MEMORY_WRITE = 0x8000, 0x10000

WORK = STAGE_COMPUTE | STAGE_TRANSFER
"""The stages in which commands write."""

_FULL = int(ExecutionStage.DISPATCH | ExecutionStage.TRANSFER)
_NO_COMMANDS = (BeginDebugGroup, EndDebugGroup, AdviseBuffer)

Scopes = tuple[int, int]
"""Stages before and after a barrier; (0, 0) where it orders nothing."""


def stages_of(log: Sequence[LogEntry]) -> int:
    """The stages that the commands of a record run in."""
    stages = 0
    for kind, _ in log:
        if kind is Dispatch:
            stages |= STAGE_COMPUTE
        elif kind is DispatchIndirect:
            stages |= STAGE_COMPUTE | STAGE_INDIRECT
        elif kind is not ExecutionBarrier and kind not in _NO_COMMANDS:
            stages |= STAGE_TRANSFER
    return stages


def plan(log: Sequence[LogEntry]) -> dict[int, Scopes]:
    """The scopes of each execution barrier, by its place in the record."""
    found: dict[int, Scopes] = {}
    full = [i for i, (kind, fields) in enumerate(log) if _is_full(kind, fields)]
    edges = [-1, *full, len(log)]
    between = [stages_of(log[a + 1 : b]) for a, b in pairwise(edges)]
    before = between[0]
    for position, index in enumerate(full):
        after = between[position + 1]
        if not after or not before:
            # Nothing to order here: what came before is still before the next barrier.
            found[index] = (0, 0)
            before = before or after
            continue
        found[index] = (before & ~STAGE_INDIRECT, after)
        before = after
    for index, (kind, fields) in enumerate(log):
        if kind is ExecutionBarrier and index not in found:
            used_before, used_after = stages_of(log[:index]), stages_of(log[index + 1 :])
            source = _native(fields[0]) & (used_before | STAGE_HOST) & ~STAGE_INDIRECT
            target = _native(fields[1]) & (used_after | STAGE_HOST)
            found[index] = (source, target) if source and target else (0, 0)
    return found


class Barriers:
    """``VkDependencyInfo`` structs, each built once."""

    def __init__(self, structs: Structs) -> None:
        self._structs = structs
        self._built: dict[tuple[int, int, int, int], Any] = {}

    def between(self, source: int, target: int) -> Any:
        """Writes in the ``source`` stages are over and visible to the ``target`` stages."""
        return self._get(source, _access(source, _WRITES), target, _access(target, _READS, _WRITES))

    def complete(self, source: int, target: int) -> Any:
        """The same for all memory: what is in flight ends at the barrier, not in the next command.

        Timestamps around commands then hold the command alone; IREE's runtime asks for this always.
        """
        return self._get(source, _MEMORY_WRITE, target, _MEMORY_READ | _MEMORY_WRITE)

    def first(self, target: int) -> Any:
        """Earlier submissions are over and visible to the ``target`` stages."""
        return self.between(WORK, target or WORK)

    def to_host(self) -> Any:
        """What was written is visible to the host once it has waited."""
        return self.between(WORK, STAGE_HOST)

    def _get(self, *masks: int) -> Any:
        found = self._built.get(masks)  # pyright: ignore[reportArgumentType]
        if found is None:
            found = self._built[masks] = self._build(*masks)  # pyright: ignore[reportArgumentType]
        return found

    def _build(
        self, source_stage: int, source_access: int, target_stage: int, target_access: int
    ) -> Any:
        barrier = self._structs.new(
            "VkMemoryBarrier2",
            srcStageMask=source_stage,
            srcAccessMask=source_access,
            dstStageMask=target_stage,
            dstAccessMask=target_access,
        )
        return self._structs.new("VkDependencyInfo", memoryBarrierCount=1, pMemoryBarriers=barrier)


def _is_full(kind: type, fields: tuple[Any, ...]) -> bool:
    return kind is ExecutionBarrier and fields[0] & _FULL == _FULL and fields[1] & _FULL == _FULL


def _native(stages: int) -> int:
    """Vulkan's stages for the HAL's. Issue and retire mean the commands themselves here."""
    native = 0
    if stages & ExecutionStage.DISPATCH:
        native |= STAGE_COMPUTE | STAGE_INDIRECT
    if stages & ExecutionStage.TRANSFER:
        native |= STAGE_TRANSFER
    if stages & ExecutionStage.HOST:
        native |= STAGE_HOST
    return native or WORK | STAGE_INDIRECT


def _access(stages: int, *tables: dict[int, int]) -> int:
    access = 0
    for table in tables:
        for stage, flags in table.items():
            if stages & stage:
                access |= flags
    return access
