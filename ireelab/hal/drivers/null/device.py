"""A device that accepts everything and runs nothing. Mirrors ``hal/drivers/null``.

Buffers are host memory, fences are signaled, command buffers keep their record: enough to load a
program and look at what it would do, and the skeleton to copy for a new driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.drivers.host_device import HostDevice
from ireelab.hal.executable import Executable, ExecutableFunction
from ireelab.hal.host_memory import HostBuffer

if TYPE_CHECKING:
    from ireelab.hal.command_buffer import BindingTable


class NullExecutable(Executable):
    """Bytes that are never looked at: an entry point exists as soon as somebody asks for it."""

    def __init__(self, format: str) -> None:
        self.name = "null"
        self.format = format
        self.functions: tuple[ExecutableFunction, ...] = ()

    def lookup(self, name: str) -> int:
        for ordinal, function in enumerate(self.functions):
            if function.name == name:
                return ordinal
        # The counts are unknown, so validation has nothing to check dispatches against.
        self.functions = (*self.functions, ExecutableFunction(name, -1, -1))
        return len(self.functions) - 1

    def close(self) -> None:
        self.functions = ()


class NullCommandBuffer(CommandBuffer):
    """Only the record."""

    def _finalize(self) -> None:
        """The record is the driver's form."""

    def _close(self) -> None:
        """The base class has dropped the record."""


class NullDevice(HostDevice):
    """Runs nothing."""

    command_buffer_type = NullCommandBuffer

    def __init__(self, ordinal: int = 0) -> None:
        super().__init__(f"null:{ordinal}", "null")

    def query_i64(self, category: str, key: str) -> int | None:
        if category == "hal.device.id":
            return int(key in ("null", "null*", "*"))
        if category == "hal.executable.format":
            return 1
        return None

    def create_executable(
        self, format: str, data: memoryview, constants: bytes, *, llvm_ir: str | None = None
    ) -> NullExecutable:
        return NullExecutable(format)

    def create_command_buffer(
        self, modes: int, categories: int, affinity: int, binding_capacity: int
    ) -> NullCommandBuffer:
        return NullCommandBuffer(modes, categories, affinity, binding_capacity)

    def close(self) -> None:
        self._closed = True
        self.allocator.trim()

    def _run(self, command_buffer: CommandBuffer, bindings: BindingTable, submission: int) -> None:
        """Nothing runs."""

    def _write_fill(self, target: HostBuffer, offset: int, length: int, pattern: bytes) -> None:
        """Nothing runs."""

    def _write(self, target: HostBuffer, offset: int, data: bytes | memoryview) -> None:
        """Nothing runs."""

    def _move(
        self,
        source: HostBuffer,
        source_offset: int,
        target: HostBuffer,
        target_offset: int,
        length: int,
    ) -> None:
        """Nothing runs."""
