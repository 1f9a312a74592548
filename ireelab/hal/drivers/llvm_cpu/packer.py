"""From a command buffer's record to the arrays that executor.ll walks.

Barriers cut the record into segments; an indirect dispatch is a segment of its own, because its
tickets are only known once the commands before it have ended.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.errors import CommandBufferError
from ireelab.hal.command_buffer import (
    BindingRef,
    CopyBuffer,
    Dispatch,
    DispatchIndirect,
    ExecutionBarrier,
    FillBuffer,
    LogEntry,
    UpdateBuffer,
    Workgroups,
)
from ireelab.hal.drivers.llvm_cpu import records
from ireelab.hal.drivers.llvm_cpu.executable import LlvmCpuExecutable
from ireelab.hal.drivers.llvm_cpu.library_ffi import Kernel, Library
from ireelab.hal.drivers.queue_rules import check_pattern
from ireelab.hal.host_memory import HostAllocator, HostBuffer, address_of

TICKETS_A_WORKER = 16
TRANSFER_TICKET_BYTES = 1 << 20
EAGER_BYTES = 1 << 20
"""A segment that touches this much calls the other threads at once."""

_MAX_WORKGROUPS = 1 << 40
_BINDINGS_FIELD, _CONSTANTS_FIELD = 4, 19  # of records.COMMAND


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a packed command comes from: what events and errors say about it."""

    kind: str
    name: str
    log_index: int
    workgroups: Workgroups | None
    bytes: int
    executable: str
    source_locations: tuple[str, ...]
    location: str

    def describe(self) -> str:
        place = f" at {self.location}" if self.location else ""
        return f"command {self.log_index} ({self.kind} {self.name}{place})"


@dataclass(frozen=True, slots=True)
class PackedCommands:
    """The arrays, what they point into (``keep``), and what a call must know about them."""

    commands: npt.NDArray[np.uint8]
    segments: npt.NDArray[np.uint8]
    segment_count: int
    origins: tuple[Origin, ...]
    segment_starts: tuple[int, ...]
    barriers: tuple[tuple[int, int], ...]  # (log index, number of segments before it)
    binding_capacity: int
    local_memory_bytes: int
    has_indirect: bool
    has_parallelism: bool
    eager: bool
    keep: tuple[Any, ...]


def pack(
    identity: int, log: Sequence[LogEntry], binding_capacity: int, participants: int,
    allocator: HostAllocator,
) -> PackedCommands:  # fmt: skip
    """Pack a record; CommandBufferError for a command that would read outside its operands."""
    packer = _Packer(identity, binding_capacity, participants, allocator)
    for index, (kind, fields) in enumerate(log):
        packer.add(index, kind, fields)
    return packer.finish()


class _Packer:
    def __init__(
        self, identity: int, binding_capacity: int, participants: int, allocator: HostAllocator
    ) -> None:
        self.identity = identity
        self.capacity = binding_capacity
        self.participants = participants
        self.allocator = allocator
        self.bindings = array("q")
        self.constants = array("I")
        # Tuples of Struct fields; addresses of bindings and constants are filled in at the end,
        # when their arrays no longer move.
        self.rows: list[list[int]] = []
        self.row_bindings: list[int] = []
        self.row_constants: list[int] = []
        self.origins: list[Origin] = []
        self.segments: list[tuple[int, int, int, int]] = []
        self.barriers: list[tuple[int, int]] = []
        self.segment_first = 0
        self.segment_tickets = 0
        self.segment_bytes = 0
        self.local_memory_bytes = 0
        self.parallel = False
        self.eager = False
        self.keep: list[Any] = []
        self.index = 0
        self.location = ""
        self.kind = ""

    def add(self, index: int, kind: type, fields: tuple[Any, ...]) -> None:
        self.index = index
        self.kind = kind.__name__
        if kind is Dispatch:
            self._dispatch(*fields)
        elif kind is DispatchIndirect:
            self._dispatch_indirect(*fields)
        elif kind is ExecutionBarrier:
            self._close_segment(indirect=False)
            self.barriers.append((index, len(self.segments)))
        elif kind is CopyBuffer:
            self._copy(*fields)
        elif kind is FillBuffer:
            self._fill(*fields)
        elif kind is UpdateBuffer:
            self._update(*fields)

    def finish(self) -> PackedCommands:
        self._close_segment(indirect=False)
        binding_base = self.bindings.buffer_info()[0]
        constant_base = self.constants.buffer_info()[0]
        commands = np.zeros(max(len(self.rows), 1) * records.COMMAND.size, np.uint8)
        for number, row in enumerate(self.rows):
            row[_BINDINGS_FIELD] = binding_base + self.row_bindings[number] * 8
            row[_CONSTANTS_FIELD] = constant_base + self.row_constants[number] * 4
            records.COMMAND.pack_into(commands.data, number * records.COMMAND.size, *row)
        segments = np.zeros(max(len(self.segments), 1) * records.SEGMENT.size, np.uint8)
        for number, (first, end, tickets, indirect) in enumerate(self.segments):
            records.SEGMENT.pack_into(
                segments.data, number * records.SEGMENT.size,
                first, end, tickets, indirect, 0, 0, 0, 0, 0, 0, 0, 0,
            )  # fmt: skip
        return PackedCommands(
            commands=commands,
            segments=segments,
            segment_count=len(self.segments),
            origins=tuple(self.origins),
            segment_starts=tuple(segment[0] for segment in self.segments),
            barriers=tuple(self.barriers),
            binding_capacity=self.capacity,
            local_memory_bytes=self.local_memory_bytes,
            has_indirect=any(segment[3] for segment in self.segments),
            has_parallelism=self.participants > 1 and self.parallel,
            eager=self.eager,
            keep=(self.bindings, self.constants, self.keep),
        )

    # --- commands ---------------------------------------------------------------------

    def _dispatch(
        self, executable: Any, ordinal: int, workgroups: Workgroups, constants: Sequence[int],
        bindings: Sequence[BindingRef], flags: int, location: str,
    ) -> None:  # fmt: skip
        self.location = location
        x, y, z = workgroups
        total = x * y * z
        if min(workgroups) < 0 or total > _MAX_WORKGROUPS or max(x, y) >= 1 << 32 or z > 65535:
            raise self._error(f"workgroup counts {workgroups} are out of range (z at most 65535)")
        chunk = max(1, total)
        if self.participants > 1:
            chunk = max(1, total // (self.participants * TICKETS_A_WORKER))
        tickets = -(-total // chunk)
        self._kernel(
            records.DISPATCH, executable, ordinal, workgroups, constants, bindings, None,
            (tickets, chunk, total),
        )  # fmt: skip

    def _dispatch_indirect(
        self, executable: Any, ordinal: int, counts: BindingRef, constants: Sequence[int],
        bindings: Sequence[BindingRef], flags: int, location: str,
    ) -> None:  # fmt: skip
        self.location = location
        self._close_segment(indirect=False)
        counts = BindingRef(counts.buffer, counts.slot, counts.offset_bytes, 12)
        self._kernel(
            records.DISPATCH_INDIRECT, executable, ordinal, None, constants, bindings, counts,
            (0, 0, 0),
        )  # fmt: skip
        self.parallel = True
        self._close_segment(indirect=True)

    def _kernel(
        self, kind: int, executable: Any, ordinal: int, workgroups: Workgroups | None,
        constants: Sequence[int], bindings: Sequence[BindingRef], counts: BindingRef | None,
        cut: tuple[int, int, int],
    ) -> None:  # fmt: skip
        library, kernel = self._find_kernel(executable, ordinal)
        function = kernel.function
        if len(bindings) != function.binding_count or len(constants) != function.constant_count:
            raise self._error(
                f"{function.name!r} takes {function.binding_count} bindings and "
                f"{function.constant_count} constants, got {len(bindings)} and {len(constants)}"
            )
        first_binding = len(self.bindings)
        size_bytes = 0
        for number, reference in enumerate(bindings):
            size_bytes += self._binding(reference, number)
        if counts is not None:
            self._binding(counts, len(bindings))
        first_constant = len(self.constants)
        self.constants.extend([value & 0xFFFFFFFF for value in constants])
        x, y, z = workgroups or (0, 0, 0)
        size = function.workgroup_size
        self.keep.append(library)
        self.local_memory_bytes = max(self.local_memory_bytes, function.local_memory_bytes)
        row = [
            kind, len(bindings), kernel.address, library.environment_address, 0, 0,
            self.segment_tickets, *cut,
            size[0], size[1], size[2], len(constants), x, y, z,
            min(self.participants, 255), len(bindings), 0, 0, 0,
            function.local_memory_bytes, 0, 0,
        ]  # fmt: skip
        self._append(row, first_binding, first_constant, cut[0], size_bytes)
        self.origins.append(
            Origin("dispatch", function.name, self.index, workgroups, size_bytes, library.name,
                   function.source_locations, self.location)
        )  # fmt: skip

    def _copy(self, source: BindingRef, target: BindingRef, location: str) -> None:
        self.location = location
        if source.length_bytes != target.length_bytes:
            raise self._error(
                f"source and target differ in length: {source.length_bytes} and "
                f"{target.length_bytes} bytes"
            )
        first_binding = len(self.bindings)
        size_bytes = self._binding(source, 0)
        self._binding(target, 1)
        self._transfer(records.COPY, 2, 0, first_binding, size_bytes, "copy")

    def _fill(self, target: BindingRef, pattern: bytes, location: str) -> None:
        self.location = location
        first_binding = len(self.bindings)
        size_bytes = self._binding(target, 0)
        check_pattern(pattern, size_bytes)
        word = int.from_bytes(pattern * (8 // len(pattern)), "little")
        self._transfer(records.FILL, 1, word, first_binding, size_bytes, "fill")

    def _update(self, target: BindingRef, data: bytes, location: str) -> None:
        self.location = location
        source = np.frombuffer(data or b"\0", np.uint8)  # NumPy takes no empty bytes
        self.keep.append(source)
        first_binding = len(self.bindings)
        self.bindings.extend((-1, address_of(source), len(data)))
        size_bytes = self._binding(target, 1)
        if size_bytes != len(data):
            raise self._error(f"{len(data)} bytes of data for a target of {size_bytes} bytes")
        self._transfer(records.COPY, 2, 0, first_binding, size_bytes, "update")

    def _transfer(
        self, kind: int, count: int, pattern: int, first_binding: int, size_bytes: int, name: str
    ) -> None:
        if size_bytes < 0:
            raise self._error("a transfer into a binding slot needs an explicit length")
        chunk = TRANSFER_TICKET_BYTES if self.participants > 1 else max(size_bytes, 1)
        tickets = -(-size_bytes // chunk)
        row = [
            kind, count, 0, 0, 0, pattern, self.segment_tickets, tickets, chunk, size_bytes,
            *itertools.repeat(0, 15),
        ]  # fmt: skip
        self._append(row, first_binding, len(self.constants), tickets, size_bytes)
        label = f"{name} {size_bytes} B"
        self.origins.append(
            Origin(name, label, self.index, None, size_bytes, "", (), self.location)
        )

    # --- parts ------------------------------------------------------------------------

    def _append(
        self, row: list[int], binding: int, constant: int, tickets: int, size_bytes: int
    ) -> None:
        self.rows.append(row)
        self.row_bindings.append(binding)
        self.row_constants.append(constant)
        self.segment_tickets += tickets
        self.segment_bytes += max(size_bytes, 0)

    def _close_segment(self, *, indirect: bool) -> None:
        end = len(self.rows)
        if end > self.segment_first:
            self.segments.append((self.segment_first, end, self.segment_tickets, int(indirect)))
            if self.segment_tickets > 1:
                self.parallel = True
                self.eager = self.eager or self.segment_bytes >= EAGER_BYTES
        self.segment_first = end
        self.segment_tickets = 0
        self.segment_bytes = 0

    def _binding(self, reference: BindingRef, number: int) -> int:
        """Append one binding; returns its length in bytes, -1 when only the submission knows."""
        offset, length = reference.offset_bytes, reference.length_bytes
        buffer = reference.buffer
        if buffer is None:
            if not 0 <= reference.slot < self.capacity:
                raise self._error(
                    f"binding {number} names slot {reference.slot}; the command buffer has "
                    f"{self.capacity} slots"
                )
            self.bindings.extend((reference.slot, offset, length))
            return length
        if not isinstance(buffer, HostBuffer):
            buffer = self.allocator.import_buffer(buffer)
        if buffer is None or not buffer.pointer:
            raise self._error(f"binding {number}: the buffer is closed, or the host cannot see it")
        if length < 0:
            length = buffer.length_bytes - offset
        if offset < 0 or length < 0 or offset + length > buffer.length_bytes:
            raise self._error(
                f"binding {number} covers bytes [{offset}, {offset + length}) of a buffer of "
                f"{buffer.length_bytes} bytes"
            )
        self.keep.append(buffer.storage)
        self.bindings.extend((-1, buffer.pointer + offset, length))
        return length

    def _find_kernel(self, executable: Any, ordinal: int) -> tuple[Library, Kernel]:
        if not isinstance(executable, LlvmCpuExecutable) or executable.library is None:
            raise self._error("the executable is closed or of another device")
        kernels = executable.library.kernels
        if not 0 <= ordinal < len(kernels):
            raise self._error(
                f"executable {executable.name!r} has {len(kernels)} entry points, no {ordinal}"
            )
        return executable.library, kernels[ordinal]

    def _error(self, problem: str) -> CommandBufferError:
        place = f" at {self.location}" if self.location else ""
        return CommandBufferError(
            f"command {self.index} ({self.kind}{place}) of command buffer {self.identity}: "
            f"{problem}"
        )
