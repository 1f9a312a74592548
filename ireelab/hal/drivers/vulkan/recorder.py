"""From a HAL record and a binding table to a ``VkCommandBuffer``.

Done once for each table: what is recorded names the buffers, so that a later submission with the
same ones only hands the command buffer to the queue. Each recording starts with a barrier against
everything before it on the queue, and ends with one that shows its writes to the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ireelab.hal.command_buffer import (
    AdviseBuffer,
    BeginDebugGroup,
    BindingTable,
    CopyBuffer,
    Dispatch,
    DispatchIndirect,
    EndDebugGroup,
    ExecutionBarrier,
    FillBuffer,
    LogEntry,
    UpdateBuffer,
)
from ireelab.hal.drivers.vulkan.barriers import STAGE_COMPUTE, STAGE_TRANSFER, plan, stages_of
from ireelab.hal.drivers.vulkan.buffer import VulkanAllocator
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.dispatches import Dispatches
from ireelab.hal.drivers.vulkan.profiling import CommandOrigin, Stamps
from ireelab.hal.drivers.vulkan.recording import Recording
from ireelab.hal.drivers.vulkan.resolve import Resolver, bound_ranges
from ireelab.hal.drivers.vulkan.transfer import record_copy, record_fill, record_update
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle

_USE_ONE_TIME, _USE_SIMULTANEOUS = 1, 4
_NOT_RECORDED = (BeginDebugGroup, EndDebugGroup, AdviseBuffer)


def record(
    core: Core, allocator: VulkanAllocator, identity: int, table: BindingTable,
    log: Sequence[LogEntry], *, one_shot: bool, stamped: str,
) -> Recording:  # fmt: skip
    """Record the log for one binding table; CommandBufferError names the command that cannot be.

    ``identity`` is the HAL command buffer's, for messages. ``stamped`` puts timestamps around each
    command ("command"), around the whole ("command-buffer"), or nowhere ("").
    """
    with core.lock:
        family = core.queues.main.family
        handle = core.acquire_command_buffer(family)
        recording = Recording(core, handle, family, bound_ranges(table))
        try:
            resolver = Resolver(allocator, identity, table, recording.kept)
            recorder = _Recorder(core, handle, resolver)
            recording.descriptor_pool = recorder.dispatches.prepare(log)
            # A stamped recording is read before it runs again, so that it is never pending twice.
            core.begin(handle, _USE_ONE_TIME if one_shot else 0 if stamped else _USE_SIMULTANEOUS)
            if stamped:
                recording.stamps = Stamps(core, len(log) if stamped == "command" else 1)
                recording.stamps.reset(handle)
            recorder.barrier_before(log)
            if stamped == "command-buffer":
                assert recording.stamps is not None
                name = f"command buffer {identity}"
                recorder.stamped_whole(log, recording.stamps, name)
            else:
                recorder.commands(log, recording.stamps)
            core.end(handle)
            core.raise_messages()
        except BaseException:
            recording.destroy()
            raise
    return recording


class _Recorder:
    """Puts the commands of one log into one command buffer."""

    def __init__(self, core: Core, handle: Handle, resolver: Resolver) -> None:
        self.dispatches = Dispatches(core, resolver)
        self._core = core
        self._lib: Any = core.vulkan.lib
        self._handle = handle
        self._resolver = resolver

    def barrier_before(self, log: Sequence[LogEntry]) -> None:
        """Against everything before it on the queue."""
        first = self._core.barriers.first(stages_of(log), uniform=self.dispatches.uniform)
        self._lib.vkCmdPipelineBarrier2(self._handle, first)

    def stamped_whole(self, log: Sequence[LogEntry], stamps: Stamps, name: str) -> None:
        """All commands between two stamps."""
        stages = STAGE_COMPUTE | STAGE_TRANSFER
        stamps.begin(self._handle, stages)
        self.commands(log, None)
        stamps.end(self._handle, stages, CommandOrigin(-1, "command buffer", name))

    def commands(self, log: Sequence[LogEntry], stamps: Stamps | None) -> None:
        """All commands, each between two of ``stamps`` where there are any."""
        scopes = plan(log)
        for index, (kind, fields) in enumerate(log):
            if kind in _NOT_RECORDED:
                continue
            self._resolver.at(index, kind, fields[-1])
            if kind is ExecutionBarrier:
                self._barrier(index, *scopes[index], stamps)
                continue
            stage = STAGE_TRANSFER
            if kind is Dispatch or kind is DispatchIndirect:
                # Before the stamp, as IREE's profiler has it.
                stage = STAGE_COMPUTE
                self.dispatches.bind(self._handle)
            if stamps is not None:
                stamps.begin(self._handle, stage)
            origin = self._command(kind, fields)
            if stamps is not None:
                stamps.end(self._handle, stage, origin)

    def _barrier(self, index: int, source: int, target: int, stamps: Stamps | None) -> None:
        barriers = self._core.barriers
        if target:
            # Around stamped commands a barrier has ended before the next stamp is taken.
            barrier = (
                barriers.between(source, target, uniform=self.dispatches.uniform)
                if stamps is None
                else barriers.complete(target)
            )
            self._lib.vkCmdPipelineBarrier2(self._handle, barrier)
        if stamps is not None:
            stamps.barrier(index)

    def _command(self, kind: type, fields: tuple[Any, ...]) -> CommandOrigin:
        if kind is Dispatch or kind is DispatchIndirect:
            return self.dispatches.record(self._handle, kind, fields)
        if kind is FillBuffer:
            return self._fill(fields)
        if kind is UpdateBuffer:
            return self._update(fields)
        assert kind is CopyBuffer
        return self._copy(fields)

    def _fill(self, fields: tuple[Any, ...]) -> CommandOrigin:
        target = self._resolver.span(fields[0])
        length = target.length_bytes
        record_fill(
            self._core, self._resolver.kept, self._handle, target.block.buffer,
            target.offset_bytes, length, fields[1],
        )  # fmt: skip
        return self._origin("fill", length)

    def _update(self, fields: tuple[Any, ...]) -> CommandOrigin:
        target = self._resolver.span(fields[0])
        record_update(
            self._core, self._resolver.kept, self._handle, target.block.buffer,
            target.offset_bytes, fields[1],
        )  # fmt: skip
        return self._origin("update", target.length_bytes)

    def _copy(self, fields: tuple[Any, ...]) -> CommandOrigin:
        source, target = self._resolver.span(fields[0]), self._resolver.span(fields[1])
        length = min(target.length_bytes, source.length_bytes)
        record_copy(
            self._core, self._handle, source.block.buffer, source.offset_bytes,
            target.block.buffer, target.offset_bytes, length,
        )  # fmt: skip
        return self._origin("copy", length)

    def _origin(self, kind: str, size_bytes: int) -> CommandOrigin:
        resolver = self._resolver
        where = (resolver.location,) if resolver.location else ()
        return CommandOrigin(resolver.index, kind, f"{kind} {size_bytes} B", size_bytes, where)
