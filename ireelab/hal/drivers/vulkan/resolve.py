"""The memory behind the bindings of a HAL record: named buffers, and slots of a binding table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ireelab.errors import CommandBufferError
from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import BindingRef, BindingTable
from ireelab.hal.drivers.vulkan.buffer import VulkanAllocator, VulkanBuffer
from ireelab.hal.drivers.vulkan.memory import Block
from ireelab.hal.drivers.vulkan.recording import Range


@dataclass(frozen=True, slots=True)
class Span:
    """A resolved binding: bytes of a block."""

    block: Block
    offset_bytes: int
    length_bytes: int


class Resolver:
    """Resolves for one record and binding table; what it raises names the command of :meth:`at`.

    ``identity`` is the HAL command buffer's. Memory that the record itself names is added to
    ``kept``; that of slots belongs to the caller.
    """

    def __init__(
        self, allocator: VulkanAllocator, identity: int, table: BindingTable, kept: list[Any]
    ) -> None:
        self.kept = kept
        self.index = 0
        self.location = ""
        self._allocator = allocator
        self._identity = identity
        self._table = table
        self._kind = ""
        self._imported: dict[int, VulkanBuffer] = {}

    def at(self, index: int, kind: type, location: Any) -> None:
        """Go on to a command."""
        self.index, self._kind = index, kind.__name__
        self.location = location if isinstance(location, str) else ""

    def error(self, problem: str) -> CommandBufferError:
        place = f" at {self.location}" if self.location else ""
        return CommandBufferError(
            f"command {self.index} ({self._kind}{place}) of command buffer {self._identity}: "
            f"{problem}"
        )

    def spans(self, references: Sequence[BindingRef]) -> list[Span]:
        return [self.span(reference, number) for number, reference in enumerate(references)]

    def span(self, reference: BindingRef, number: int = 0) -> Span:
        """Binding ``number`` of the command, with its memory kept."""
        buffer, offset = reference.buffer, reference.offset_bytes
        length = reference.length_bytes
        end_bytes = None
        if buffer is None:
            slot = reference.slot
            if not 0 <= slot < len(self._table):
                raise self.error(
                    f"binding {number} names slot {reference.slot}, which is not bound"
                )
            buffer, table_offset, table_length = self._table[reference.slot]
            if table_length >= 0:
                end_bytes = table_offset + table_length
            offset += table_offset
        memory = self._own(buffer)
        if memory is None or memory.storage is None:
            problem = "out of reach" if memory is None else "closed or deallocated memory"
            raise self.error(f"binding {number}: the buffer is {problem}")
        end_bytes = memory.length_bytes if end_bytes is None else end_bytes
        if length < 0:
            length = end_bytes - offset
        if offset < 0 or length < 0 or offset + length > min(end_bytes, memory.length_bytes):
            raise self.error(
                f"binding {number} covers bytes [{offset}, {offset + length}) of a buffer of "
                f"{memory.length_bytes} bytes"
            )
        if reference.buffer is not None:
            self.kept.append(memory.storage)
        block = memory.storage.block
        return Span(block, memory.pointer - block.base + offset, length)

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


def bound_ranges(table: BindingTable) -> list[Range]:
    """The memory of a binding table, as far as it is this driver's."""
    return [
        (buffer.pointer + offset, length if length >= 0 else buffer.length_bytes - offset)
        for buffer, offset, length in table
        if isinstance(buffer, VulkanBuffer)
    ]
