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
# Storage buffers only (VK_ACCESS_2_SHADER_STORAGE_*): for anything else a GPU has other caches.
_STORAGE_READ, _STORAGE_WRITE, _UNIFORM_READ = 1 << 33, 1 << 34, 0x8
_READS = {
    STAGE_INDIRECT: 0x1, STAGE_COMPUTE: _STORAGE_READ, STAGE_TRANSFER: 0x800, STAGE_HOST: 0x2000,
}  # fmt: skip
_WRITES = {STAGE_COMPUTE: _STORAGE_WRITE, STAGE_TRANSFER: 0x1000, STAGE_HOST: 0x4000}
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

    def between(self, source: int, target: int, *, uniform: bool = False) -> Any:
        """Writes in the ``source`` stages are over and visible to the ``target`` stages.

        With ``uniform`` also to kernels that read uniform buffers.
        """
        access = _access(target, _READS, _WRITES)
        if uniform and target & STAGE_COMPUTE:
            access |= _UNIFORM_READ
        return self._get(source, _access(source, _WRITES), target, access)

    def complete(self, target: int) -> Any:
        """The barrier of IREE's runtime: all memory, between everything it calls work.

        What is in flight ends at the barrier, not in the next command, so that timestamps around
        commands hold the command alone.
        """
        stages = WORK | (target & STAGE_INDIRECT)
        return self._get(WORK, _MEMORY_WRITE, stages, _MEMORY_READ | _MEMORY_WRITE)

    def first(self, target: int, *, work: int = WORK, uniform: bool = False) -> Any:
        """Earlier submissions are over and visible to the ``target`` stages.

        ``work`` are the stages that the queue has: one that only copies knows no others.
        """
        return self.between(work, target or work, uniform=uniform)

    def to_host(self, work: int = WORK) -> Any:
        """What was written is visible to the host once it has waited."""
        return self.between(work, STAGE_HOST)

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
