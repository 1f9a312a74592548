"""Command buffers in the executor's form.

``finalize`` packs the record once (:class:`Packer`); a submission fills a binding table and makes
one native call. Everything a call writes is in a :class:`_Call`, so that one command buffer can
run in several threads at the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ireelab.errors import CommandBufferError
from ireelab.hal.command_buffer import BindingTable, CommandBuffer
from ireelab.hal.drivers.llvm_cpu import records
from ireelab.hal.drivers.llvm_cpu.packer import PackedCommands, pack
from ireelab.hal.host_memory import HostBuffer, address_of

if TYPE_CHECKING:
    from ireelab.hal.drivers.llvm_cpu.executor_ffi import Executor, WorkerPool
    from ireelab.hal.host_memory import HostAllocator

PATIENCE_NS = 30_000
"""A submission that has run this long alone calls the other threads."""


class _Call:
    """What one running submission writes: job, binding table, its own segments, local memory."""

    __slots__ = ("_keep", "address", "job", "table")

    def __init__(self, packed: PackedCommands, pool: WorkerPool, participants: int) -> None:
        job = _aligned_words(records.JOB_WORDS)
        table = np.zeros(max(packed.binding_capacity, 1) * records.TABLE_WORDS, np.int64)
        segments = np.array(packed.segments) if packed.has_indirect else packed.segments
        stride = -(-packed.local_memory_bytes // 64) * 64
        local = _aligned_words(stride * participants // 8)
        job[records.JOB_COMMANDS] = address_of(packed.commands)
        job[records.JOB_SEGMENTS] = address_of(segments)
        job[records.JOB_TABLE] = address_of(table)
        job[records.JOB_LOCAL] = address_of(local) if stride else 0
        job[records.JOB_LOCAL_STRIDE] = stride
        job[records.JOB_POOL] = pool.address if packed.has_parallelism else 0
        job[records.JOB_COUNTS] = packed.segment_count | participants << 32
        job[records.JOB_EAGER] = int(packed.eager)
        job[records.JOB_PATIENCE_NS] = PATIENCE_NS
        self.job: memoryview = job.data
        self.table: memoryview = table.data
        self.address = address_of(job)
        self._keep = (job, table, segments, local)


class LlvmCpuCommandBuffer(CommandBuffer):
    """Packed records that the native executor walks."""

    def __init__(
        self, modes: int, categories: int, affinity: int, binding_capacity: int,
        executor: Executor, pool: WorkerPool, participants: int, allocator: HostAllocator,
    ) -> None:  # fmt: skip
        super().__init__(modes, categories, affinity, binding_capacity)
        self._executor = executor
        self._native_execute = executor.execute
        self._pool = pool
        self._allocator = allocator
        self.participants = participants
        self.packed: PackedCommands | None = None
        self._calls: list[_Call] = []

    def _finalize(self) -> None:
        self.packed = pack(
            self.id, self.log, self.binding_capacity, self.participants, self._allocator
        )

    def _close(self) -> None:
        self.packed = None
        self._calls = []

    def run(self, bindings: BindingTable) -> None:
        """Execute with these bindings; CommandBufferError names a command that fails."""
        call = self._take_call()
        if bindings:
            self._bind(call.table, bindings)
        error = self._native_execute(call.address)
        self._calls.append(call)
        if error:
            self._raise(error)

    def run_profiled(
        self, bindings: BindingTable
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """Like ``run``; returns start ns, end ns and workgroups, [command, worker, 3]."""
        call = self._take_call()
        if bindings:
            self._bind(call.table, bindings)
        assert self.packed is not None
        count = len(self.packed.origins)
        lanes = np.zeros((count, self.participants, records.LANE_WORDS), np.int64)
        call.job[records.JOB_PROFILE] = address_of(lanes)
        error = self._native_execute(call.address)
        call.job[records.JOB_PROFILE] = 0
        self._calls.append(call)
        if error:
            self._raise(error)
        return lanes

    def _take_call(self) -> _Call:
        try:
            return self._calls.pop()
        except IndexError:
            if self.packed is None:
                raise CommandBufferError(f"command buffer {self.id} is closed") from None
            return _Call(self.packed, self._pool, self.participants)

    def _bind(self, table: memoryview, bindings: BindingTable) -> None:
        index = 0
        end = self.binding_capacity * 2
        for buffer, offset, length in bindings:
            if index == end:
                break
            if not isinstance(buffer, HostBuffer) or not buffer.pointer:
                if not buffer:
                    # A command that does use an unused slot fails the executor's range check.
                    table[index] = table[index + 1] = 0
                    index += 2
                    continue
                buffer = self._import(index // 2, buffer)
            if length < 0:
                length = buffer.length_bytes - offset
            if offset < 0 or length < 0 or offset + length > buffer.length_bytes:
                raise CommandBufferError(
                    f"binding table slot {index // 2} of command buffer {self.id}: bytes "
                    f"[{offset}, {offset + length}) of a buffer of {buffer.length_bytes} bytes"
                )
            table[index] = buffer.pointer + offset
            table[index + 1] = length
            index += 2

    def _import(self, slot: int, buffer: Any) -> HostBuffer:
        """Another device's buffer; the caller's table keeps its memory."""
        where = f"binding table slot {slot} of command buffer {self.id}"
        if not buffer.pointer:
            raise CommandBufferError(f"{where}: the buffer is closed or deallocated memory")
        found = self._allocator.import_buffer(buffer)
        if found is None:
            raise CommandBufferError(
                f"{where}: the buffer is memory of {buffer.device.id} that the host cannot see"
            )
        return found

    def _raise(self, error: int) -> None:
        assert self.packed is not None
        index, kind, value = records.decode_error(error)
        where = f"{self.packed.origins[index].describe()} of command buffer {self.id}"
        if kind == records.ERROR_KERNEL:
            raise CommandBufferError(f"{where}: the kernel returned status {value}")
        if kind == records.ERROR_COUNTS:
            raise CommandBufferError(
                f"{where}: the workgroup counts read from the buffer are out of range "
                "(x * y at most 2^40, z at most 65535)"
            )
        raise CommandBufferError(
            f"{where}: binding {value} is outside the buffer that the submission binds to its slot"
        )


def _aligned_words(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Zeroed 64-bit words on a cache line of their own."""
    raw = np.zeros(count + 8, np.int64)
    start = (-address_of(raw) % 64) // 8
    return raw[start : start + count]
