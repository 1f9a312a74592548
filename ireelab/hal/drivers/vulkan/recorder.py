"""From a HAL record and a binding table to a ``VkCommandBuffer``.

Done once for each table: what is recorded names the buffers, so that a later submission with the
same ones only hands the command buffer to the queue. Each recording starts with a barrier against
everything before it on the queue, and ends with one that shows its writes to the host.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ireelab.errors import CommandBufferError
from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import (
    AdviseBuffer,
    BeginDebugGroup,
    BindingRef,
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
from ireelab.hal.drivers.vulkan import vke1
from ireelab.hal.drivers.vulkan.barriers import STAGE_COMPUTE, STAGE_TRANSFER, plan, stages_of
from ireelab.hal.drivers.vulkan.buffer import VulkanAllocator, VulkanBuffer
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.descriptors import DescriptorWriter
from ireelab.hal.drivers.vulkan.executable import Kernel, VulkanExecutable
from ireelab.hal.drivers.vulkan.memory import Block, Storage
from ireelab.hal.drivers.vulkan.profiling import CommandOrigin, Stamps
from ireelab.hal.drivers.vulkan.recording import Range, Recording
from ireelab.hal.drivers.vulkan.transfer import record_copy, record_fill, record_update
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle

_BIND_POINT_COMPUTE = 1
_STAGE_FLAGS_COMPUTE = 0x20
_USE_ONE_TIME, _USE_SIMULTANEOUS = 1, 4


@dataclass(frozen=True, slots=True)
class Span:
    """A resolved binding: bytes of a block."""

    block: Block
    offset_bytes: int
    length_bytes: int


@dataclass(slots=True)
class _Bound:
    """What a command buffer has bound so far: it stays so from dispatch to dispatch."""

    layout: Handle | None = None
    pipeline: Handle | None = None
    set_number: int | None = None
    words: bytes = b""


class Recorder:
    """Records one command buffer for one binding table.

    ``identity`` is the HAL command buffer's, for messages. ``stamped`` puts timestamps around each
    command ("command"), around the whole ("command-buffer"), or nowhere ("").
    """

    def __init__(
        self, core: Core, allocator: VulkanAllocator, identity: int, bindings: BindingTable,
        *, one_shot: bool, stamped: str,
    ) -> None:  # fmt: skip
        self._core = core
        self._allocator = allocator
        self._imported: dict[int, VulkanBuffer] = {}
        self._vulkan = core.vulkan
        self._lib: Any = core.vulkan.lib
        self._identity = identity
        self._table = bindings
        self._one_shot = one_shot
        self._stamped = stamped
        self._index = 0
        self._kind = ""
        self._location = ""
        self._descriptors = DescriptorWriter(core)
        self._pending_sets: dict[int, tuple[Kernel, int | None, bytes]] = {}
        self._bound = _Bound()
        self._uniform = False
        self._stamps: Stamps | None = None

    def record(self, log: Sequence[LogEntry]) -> Recording:
        """CommandBufferError names the command that cannot be recorded."""
        with self._core.lock:
            family = self._core.queues.main.family
            handle = self._core.acquire_command_buffer(family)
            recording = Recording(self._core, handle, family, _bound(self._table))
            try:
                self._prepare(recording, log)
                self._begin(handle)
                if self._stamped:
                    count = len(log) if self._stamped == "command" else 1
                    self._stamps = recording.stamps = Stamps(self._core, count)
                    self._stamps.reset(handle)
                first = self._core.barriers.first(stages_of(log), uniform=self._uniform)
                self._lib.vkCmdPipelineBarrier2(handle, first)
                self._commands(recording, handle, log)
                self._core.end(handle)
                self._core.raise_messages()
            except BaseException:
                recording.destroy()
                raise
        return recording

    # --- before recording: descriptors ------------------------------------------------

    def _prepare(self, recording: Recording, log: Sequence[LogEntry]) -> None:
        """Resolve the dispatches' bindings and write all descriptors in one call."""
        address_tables: list[tuple[int, list[Span]]] = []
        for index, (kind, fields) in enumerate(log):
            if kind is not Dispatch and kind is not DispatchIndirect:
                continue
            self._at(index, kind.__name__, fields[-1])
            executable, ordinal, _, constants, bindings = fields[:5]
            kernel = self._kernel(recording, executable, ordinal)
            spans = [self._resolve(ref, number) for number, ref in enumerate(bindings)]
            self._check_counts(kernel, spans, constants)
            for ref in bindings:
                self._keep(recording, ref)
            words = struct.pack(f"<{len(constants)}I", *[c & 0xFFFF_FFFF for c in constants])
            set_number = None
            if kernel.abi == vke1.ABI_ADDRESSES:
                address_tables.append((index, spans))
            elif kernel.bindings:
                set_number = self._write_set(kernel, spans)
            self._pending_sets[index] = (kernel, set_number, words)
            self._uniform = self._uniform or kernel.reads_uniforms
        recording.descriptor_pool = self._descriptors.finish()
        self._address_tables(recording, address_tables)

    def _write_set(self, kernel: Kernel, spans: list[Span]) -> int:
        limits = self._core.limits
        entries: list[tuple[int, int, Handle, int, int]] = []
        for number, (binding, span) in enumerate(zip(kernel.bindings, spans, strict=True)):
            # Narrow types are read a word at a time; ranges of the pool end on a word.
            length = max(-(-span.length_bytes // 4) * 4, 4)
            if length > limits["maxStorageBufferRange"]:
                raise self._error(
                    f"binding {number} has {length:,} bytes, the device's largest is "
                    f"{limits['maxStorageBufferRange']:,}; compile with "
                    "--iree-vulkan-dispatch-abi=bda, which has no such limit"
                )
            if span.offset_bytes % limits["minStorageBufferOffsetAlignment"]:
                raise self._error(
                    f"binding {number} starts at byte {span.offset_bytes}, which is not a multiple "
                    f"of {limits['minStorageBufferOffsetAlignment']}"
                )
            entries.append(
                (binding.binding, binding.type, span.block.buffer, span.offset_bytes, length)
            )
        assert kernel.set_layout is not None
        return self._descriptors.add(kernel.set_layout, tuple(entries))

    def _address_tables(self, recording: Recording, tables: list[tuple[int, list[Span]]]) -> None:
        """Device addresses of the bindings, in memory that the kernels read."""
        size = sum(-(-len(spans) // 2) * 16 for _, spans in tables)
        if not size:
            for index, _ in tables:
                self._add_root(index, 0)
            return
        pool = self._core.device_pool
        storage = (pool if pool.host_visible else self._core.staging_pool).take(size, ended=True)
        recording.kept.append(storage)
        block, offset = storage.block, storage.pointer - storage.block.base
        assert block.host is not None
        for index, spans in tables:
            addresses = [s.block.device_address + s.offset_bytes for s in spans]
            data = np.frombuffer(struct.pack(f"<{len(addresses)}Q", *addresses), np.uint8)
            block.host[offset : offset + data.size] = data
            self._add_root(index, block.device_address + offset)
            offset += -(-data.size // 16) * 16

    def _add_root(self, index: int, table_address: int) -> None:
        """Put the root of the address ABI in front of a dispatch's constants."""
        kernel, set_number, words = self._pending_sets[index]
        layout = kernel.addresses
        root = struct.pack("<QQ4I", table_address, 0, 0, 0, 0, 0)
        data = bytearray(layout.constants_offset_bytes + len(words))
        data[layout.root_offset_bytes : layout.root_offset_bytes + len(root)] = root
        data[layout.constants_offset_bytes :] = words
        self._pending_sets[index] = (kernel, set_number, bytes(data))

    # --- recording --------------------------------------------------------------------

    def _begin(self, handle: Handle) -> None:
        # A stamped recording is read before it runs again, so that it is never pending twice.
        use = _USE_ONE_TIME if self._one_shot else 0 if self._stamped else _USE_SIMULTANEOUS
        self._core.begin(handle, use)

    def _commands(self, recording: Recording, handle: Handle, log: Sequence[LogEntry]) -> None:
        stamps = self._stamps
        whole = stamps if self._stamped == "command-buffer" else None
        each = stamps if self._stamped == "command" else None
        scopes = plan(log)
        barriers = self._core.barriers
        if whole is not None:
            whole.begin(handle, STAGE_COMPUTE | STAGE_TRANSFER)
        for index, (kind, fields) in enumerate(log):
            if kind in (BeginDebugGroup, EndDebugGroup, AdviseBuffer):
                continue
            self._at(index, kind.__name__, fields[-1])
            if kind is ExecutionBarrier:
                source, target = scopes[index]
                if target:
                    # Around stamped commands a barrier has ended before the next stamp is taken.
                    barrier = (
                        barriers.between(source, target, uniform=self._uniform)
                        if each is None
                        else barriers.complete(target)
                    )
                    self._lib.vkCmdPipelineBarrier2(handle, barrier)
                if each is not None:
                    each.barrier(index)
                continue
            stage = STAGE_TRANSFER
            if kind is Dispatch or kind is DispatchIndirect:
                # Before the stamp, as IREE's profiler has it.
                stage = STAGE_COMPUTE
                self._bind(handle)
            if each is not None:
                each.begin(handle, stage)
            origin = self._command(recording, handle, kind, fields)
            if each is not None:
                each.end(handle, stage, origin)
        if whole is not None:
            name = f"command buffer {self._identity}"
            origin = CommandOrigin(-1, "command buffer", name)
            whole.end(handle, STAGE_COMPUTE | STAGE_TRANSFER, origin)

    def _command(
        self, recording: Recording, handle: Handle, kind: type, fields: tuple[Any, ...]
    ) -> CommandOrigin:
        if kind is Dispatch or kind is DispatchIndirect:
            return self._dispatch(recording, handle, fields, indirect=kind is DispatchIndirect)
        target = self._resolve(fields[1] if kind is CopyBuffer else fields[0], 0)
        length = target.length_bytes
        where = (self._location,) if self._location else ()
        if kind is FillBuffer:
            self._keep(recording, fields[0])
            record_fill(
                self._core, recording.kept, handle, target.block.buffer, target.offset_bytes,
                length, fields[1],
            )  # fmt: skip
            return CommandOrigin(self._index, "fill", f"fill {length} B", length, where)
        if kind is UpdateBuffer:
            self._keep(recording, fields[0])
            record_update(
                self._core, recording.kept, handle, target.block.buffer, target.offset_bytes,
                fields[1],
            )  # fmt: skip
            return CommandOrigin(self._index, "update", f"update {length} B", length, where)
        assert kind is CopyBuffer
        source = self._resolve(fields[0], 0)
        self._keep(recording, fields[0])
        self._keep(recording, fields[1])
        length = min(length, source.length_bytes)
        record_copy(
            self._core, handle, source.block.buffer, source.offset_bytes, target.block.buffer,
            target.offset_bytes, length,
        )  # fmt: skip
        return CommandOrigin(self._index, "copy", f"copy {length} B", length, where)

    def _bind(self, handle: Handle) -> None:
        """What the next dispatch uses, as far as it is not bound already."""
        kernel, set_number, words = self._pending_sets[self._index]
        lib, bound = self._lib, self._bound
        if bound.layout != kernel.layout:
            # Sets and constants of another layout may be lost with it.
            self._bound = bound = _Bound(layout=kernel.layout)
        if set_number is not None and set_number != bound.set_number:
            lib.vkCmdBindDescriptorSets(
                handle, _BIND_POINT_COMPUTE, kernel.layout, 0, 1,
                self._descriptors.set_pointer(set_number), 0, self._vulkan.null,
            )  # fmt: skip
            bound.set_number = set_number
        if words and words != bound.words:
            data = self._vulkan.ffi.from_buffer(words)
            lib.vkCmdPushConstants(handle, kernel.layout, _STAGE_FLAGS_COMPUTE, 0, len(words), data)
            bound.words = words
        if bound.pipeline != kernel.pipeline:
            lib.vkCmdBindPipeline(handle, _BIND_POINT_COMPUTE, kernel.pipeline)
            bound.pipeline = kernel.pipeline

    def _dispatch(
        self, recording: Recording, handle: Handle, fields: tuple[Any, ...], *, indirect: bool
    ) -> CommandOrigin:
        kernel, lib = self._pending_sets[self._index][0], self._lib
        workgroups = None
        if indirect:
            counts = self._resolve(fields[2], -1)
            self._keep(recording, fields[2])
            if counts.offset_bytes % 4 or counts.length_bytes < 12:
                raise self._error("the workgroup counts are not three aligned 32-bit numbers")
            lib.vkCmdDispatchIndirect(handle, counts.block.buffer, counts.offset_bytes)
        else:
            workgroups = tuple(fields[2])
            self._check_workgroups(workgroups)
            lib.vkCmdDispatch(handle, *workgroups)
        bytes_bound = sum(max(ref.length_bytes, 0) for ref in fields[4])
        location = kernel.location or self._location
        return CommandOrigin(
            self._index, "dispatch", kernel.name, bytes_bound, (location,) if location else (),
            workgroups=workgroups, executable=fields[0].name,
        )  # fmt: skip

    # --- parts ------------------------------------------------------------------------

    def _at(self, index: int, kind: str, location: Any) -> None:
        self._index, self._kind = index, kind
        self._location = location if isinstance(location, str) else ""

    def _resolve(self, ref: BindingRef, number: int) -> Span:
        buffer, offset, length = ref.buffer, ref.offset_bytes, ref.length_bytes
        end_bytes = None
        if buffer is None:
            if not 0 <= ref.slot < len(self._table):
                raise self._error(f"binding {number} names slot {ref.slot}, which is not bound")
            buffer, table_offset, table_length = self._table[ref.slot]
            if table_length >= 0:
                end_bytes = table_offset + table_length
            offset += table_offset
        buffer = self._own(buffer)
        if buffer is None or not buffer.pointer:
            problem = "out of reach" if buffer is None else "closed or deallocated memory"
            raise self._error(f"binding {number}: the buffer is {problem}")
        end_bytes = buffer.length_bytes if end_bytes is None else end_bytes
        if length < 0:
            length = end_bytes - offset
        if offset < 0 or length < 0 or offset + length > min(end_bytes, buffer.length_bytes):
            raise self._error(
                f"binding {number} covers bytes [{offset}, {offset + length}) of a buffer of "
                f"{buffer.length_bytes} bytes"
            )
        storage = buffer.storage
        assert storage is not None
        return Span(storage.block, buffer.pointer - storage.block.base + offset, length)

    def _keep(self, recording: Recording, ref: BindingRef) -> None:
        """Memory that the record itself names stays; that of slots belongs to the caller."""
        buffer = None if ref.buffer is None else self._own(ref.buffer)
        if buffer is not None:
            storage: Storage | None = buffer.storage
            recording.kept.append(storage)

    def _own(self, buffer: Buffer | None) -> VulkanBuffer | None:
        """A buffer as this device's, None where it cannot reach it."""
        if isinstance(buffer, VulkanBuffer) and self._allocator.owns(buffer):
            return buffer
        found = self._imported.get(id(buffer))
        if found is None and buffer is not None:
            found = self._allocator.import_buffer(buffer)
            if found is not None:
                self._imported[id(buffer)] = found
        return found

    def _kernel(self, recording: Recording, executable: Any, ordinal: int) -> Kernel:
        if not isinstance(executable, VulkanExecutable) or executable.code is None:
            raise self._error("the executable is closed or of another device")
        kernels = executable.code.kernels
        if not 0 <= ordinal < len(kernels):
            raise self._error(
                f"executable {executable.name!r} has {len(kernels)} entry points, no {ordinal}"
            )
        recording.kept.append(executable.code)
        return kernels[ordinal]

    def _check_counts(self, kernel: Kernel, spans: list[Span], constants: Sequence[int]) -> None:
        by_address = kernel.abi == vke1.ABI_ADDRESSES
        wanted = kernel.addresses.binding_count if by_address else len(kernel.bindings)
        if len(spans) != wanted or len(constants) != kernel.constant_count:
            raise self._error(
                f"kernel {kernel.name!r} takes {wanted} bindings and {kernel.constant_count} "
                f"constants, got {len(spans)} and {len(constants)}"
            )

    def _check_workgroups(self, workgroups: tuple[int, ...]) -> None:
        most = self._core.limits["maxComputeWorkGroupCount"]
        if any(have > limit for have, limit in zip(workgroups, most, strict=True)):
            raise self._error(f"{workgroups} workgroups; the most here are {tuple(most)}")

    def _error(self, problem: str) -> CommandBufferError:
        place = f" at {self._location}" if self._location else ""
        return CommandBufferError(
            f"command {self._index} ({self._kind}{place}) of command buffer {self._identity}: "
            f"{problem}"
        )


def _bound(table: BindingTable) -> list[Range]:
    """The memory of a binding table."""
    bound: list[Range] = []
    for buffer, offset, length in table:
        if isinstance(buffer, VulkanBuffer):
            bound.append(
                (buffer.pointer + offset, length if length >= 0 else buffer.length_bytes - offset)
            )
    return bound
