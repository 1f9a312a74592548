"""The ``hal`` module: one method per import, on real HAL objects.

Method ``command_buffer_dispatch`` is import ``hal.command_buffer.dispatch``; arguments follow the
import's, variadic spans arrive as tuples. Recording and queue operations are in
``hal_recording.py`` and ``hal_queue.py``. Mirrors IREE's
``compiler/src/iree/compiler/Dialect/HAL/hal.imports.mlir`` and ``runtime/src/iree/modules/hal``.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from ireelab.errors import InvalidInput, UnsupportedImport, VMError
from ireelab.hal.allocator import Allocator
from ireelab.hal.buffer import Buffer, BufferView
from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.device import Device
from ireelab.hal.element_type import element_type_name
from ireelab.hal.executable import Executable
from ireelab.hal.file import File
from ireelab.hal.semaphore import Fence
from ireelab.vm.hal_queue import InlineQueue, QueueImports
from ireelab.vm.hal_recording import RecordingImports
from ireelab.vm.scheduler import Wait
from ireelab.vm.shared_memory import SharedMemory
from ireelab.vm.values import INVALID_ARGUMENT, OUT_OF_RANGE, REF_CLASSES, VMBuffer

# Imports whose last argument is the source location of the call.
LOCATED_IMPORTS = frozenset(
    f"hal.command_buffer.{name}"
    for name in (
        *("dispatch", "dispatch.indirect", "fill_buffer", "update_buffer", "copy_buffer"),
        "execution_barrier",
    )
)

# Collectives: a program that has them runs until it calls one.
UNSUPPORTED_IMPORTS = frozenset(
    f"hal.{name}"
    for name in (
        *("channel.create", "channel.split", "channel.rank_and_count"),
        "command_buffer.collective",
    )
)

REF_CLASSES.update(
    {
        "!hal.allocator": Allocator,
        "!hal.buffer": Buffer,
        "!hal.buffer_view": BufferView,
        "!hal.command_buffer": CommandBuffer,
        "!hal.device": Device,
        "!hal.executable": Executable,
        "!hal.fence": Fence,
        "!hal.file": File,
    }
)

_DEFERRED = 17  # IREE's status of a fence that is not signaled yet
_WHOLE = -1  # a length that means "to the end"
_READ_ACCESS = 1


class HalModule(RecordingImports, QueueImports):
    """The imports of one context, over its devices."""

    def __init__(
        self,
        devices: Sequence[Device],
        llvm_ir: Mapping[str, str],
        binaries: Mapping[str, bytes],
        *,
        inline: bool = False,
    ) -> None:
        """``inline``: every operation ends in the call that submits it, so that no fence is needed.

        That holds on one synchronous device for programs that are given no fences.
        """
        self._inline = inline
        self._devices = tuple(devices)
        self.shared = SharedMemory(devices) if len(devices) > 1 else None
        self._llvm_ir = llvm_ir
        self._binaries = binaries
        self._executables: list[Executable] = []
        self._command_buffers: WeakSet[CommandBuffer] = WeakSet()
        # How many owners asynchronous code gave an allocation; absent means one.
        self._owners: WeakKeyDictionary[Buffer, int] = WeakKeyDictionary()

    def resolve(self, name: str) -> Callable[..., Any] | None:
        """The function behind an import ``hal.<name>``, None if there is no such function."""
        if name in UNSUPPORTED_IMPORTS:
            return unsupported(name)
        method = name.removeprefix("hal.").replace(".", "_")
        instead = InlineQueue if self._inline else self.shared
        return getattr(instead, method, None) or getattr(self, method, None)

    def close(self) -> None:
        """Closes what the program created; idempotent."""
        for command_buffer in list(self._command_buffers):
            command_buffer.close()
        for executable in self._executables:
            executable.close()
        self._executables = []
        if self.shared is not None:
            self.shared.device.allocator.trim()

    # --- devices --------------------------------------------------------------------

    def devices_count(self) -> int:
        return len(self._devices)

    def devices_get(self, index: int) -> Device | None:
        return self._devices[index] if 0 <= index < len(self._devices) else None

    def device_allocator(self, device: Device) -> Allocator:
        return device.allocator

    def device_query_i64(
        self, device: Device, category: VMBuffer, key: VMBuffer
    ) -> tuple[int, int]:
        """(1, value), or (0, 0) where the device does not know."""
        value = device.query_i64(category.text(), key.text())
        return (0, 0) if value is None else (1, value)

    # --- allocators and buffers -----------------------------------------------------

    def allocator_select(
        self, _memory: int, _usage: int, _flags: int, choices: Sequence[tuple[Device, int]]
    ) -> tuple[Device, int]:
        """The first candidate: there is one device (see ``shared_memory.py`` for several)."""
        return choices[0]

    def allocator_allocate(
        self, allocator: Allocator, _affinity: int, memory: int, usage: int, size: int
    ) -> Buffer:
        return allocator.allocate(memory, usage, size)

    def allocator_import(
        self,
        allocator: Allocator,
        attempt: int,
        _affinity: int,
        memory: int,
        usage: int,
        source: VMBuffer,
        offset: int,
        length: int,
    ) -> Buffer | None:
        """A buffer over host bytes in place; with ``attempt``, None where that takes a copy.

        Constants of the program are never lent out: compiled code may write to what it imports
        (a sort works in place), and they serve every context of the program.
        """
        if not source.writable:
            if attempt:
                return None
            raise VMError("read-only memory cannot be imported in place", status=7)
        span = source.span(offset, len(source.data) - offset if length == _WHOLE else length)
        array = np.frombuffer(span, np.uint8)
        if attempt and array.ctypes.data % 64:
            return None
        return allocator.import_host(array, memory, usage)

    def buffer_assert(
        self,
        buffer: Buffer,
        message: VMBuffer,
        _allocator: Allocator,
        minimum_bytes: int,
        memory: int,
        usage: int,
    ) -> None:
        if buffer.length_bytes < minimum_bytes:
            raise InvalidInput(
                f"{message.text()}: a buffer of {buffer.length_bytes} bytes is given, "
                f"{minimum_bytes} are needed"
            )
        if memory & ~buffer.memory_type or usage & ~buffer.usage:
            raise InvalidInput(
                f"{message.text()}: the buffer has memory type {buffer.memory_type:#x} and usage "
                f"{buffer.usage:#x}, the program needs {memory:#x} and {usage:#x}"
            )

    def buffer_allocation_preserve(self, buffer: Buffer) -> None:
        self._owners[buffer] = self._owners.get(buffer, 1) + 1

    def buffer_allocation_discard(self, buffer: Buffer) -> int:
        """Drops one owner; 1 where it was the last."""
        owners = self._owners.get(buffer, 1)
        self._owners[buffer] = owners - 1
        return int(owners == 1)

    def buffer_allocation_is_terminal(self, buffer: Buffer) -> int:
        return int(self._owners.get(buffer, 1) == 1)

    def buffer_subspan(self, buffer: Buffer, offset: int, length: int) -> Buffer:
        return _subspan(buffer, offset, length)

    def buffer_length(self, buffer: Buffer) -> int:
        return buffer.length_bytes

    def buffer_load(self, buffer: Buffer, offset: int, length: int) -> int:
        """Up to 4 bytes, zero-extended, as a signed i32."""
        if not 0 < length <= 4:
            raise VMError(f"cannot load {length} bytes into an i32", status=INVALID_ARGUMENT)
        data = buffer.read(offset, length)
        return int.from_bytes(data.ljust(4, b"\0"), "little", signed=True)

    def buffer_store(self, value: int, buffer: Buffer, offset: int, length: int) -> None:
        if not 0 < length <= 4:
            raise VMError(f"cannot store {length} bytes of an i32", status=INVALID_ARGUMENT)
        buffer.write(offset, (value & 0xFFFF_FFFF).to_bytes(4, "little")[:length])

    # --- buffer views ---------------------------------------------------------------

    def buffer_view_create(
        self,
        buffer: Buffer,
        offset: int,
        length: int,
        element_type: int,
        encoding_type: int,
        shape: tuple[int, ...],
    ) -> BufferView:
        return BufferView(_subspan(buffer, offset, length), shape, element_type, encoding_type)

    def buffer_view_assert(
        self,
        view: BufferView,
        message: VMBuffer,
        element_type: int,
        _encoding_type: int,
        shape: tuple[int, ...],
    ) -> None:
        if view.shape != shape or view.element_type != element_type:
            if view.shape == shape and _same_storage(view.element_type, element_type):
                return
            expected = "x".join([*map(str, shape), element_type_name(element_type)])
            raise InvalidInput(f"{message.text()}: expected {expected}, got {view!r}")

    def buffer_view_buffer(self, view: BufferView) -> Buffer:
        return view.buffer

    def buffer_view_element_type(self, view: BufferView) -> int:
        return view.element_type

    def buffer_view_encoding_type(self, view: BufferView) -> int:
        return view.encoding_type

    def buffer_view_rank(self, view: BufferView) -> int:
        return len(view.shape)

    def buffer_view_dim(self, view: BufferView, index: int) -> int:
        if not 0 <= index < len(view.shape):
            raise VMError(f"{view!r} has no dimension {index}", status=OUT_OF_RANGE)
        return view.shape[index]

    def buffer_view_trace(self, key: VMBuffer, views: Sequence[BufferView]) -> None:
        """Prints tensors that the program traces (``flow.tensor.trace``), as IREE does."""
        print(f"=== {key.text()} ===", file=sys.stderr)
        for view in views:
            print(f"{view!r} {view.to_numpy()}", file=sys.stderr)

    # --- executables and command buffers ---------------------------------------------

    def executable_create(
        self,
        device: Device,
        _affinity: int,
        executable_format: VMBuffer,
        data: VMBuffer,
        constants: VMBuffer | None,
    ) -> Executable:
        """Loads an executable, from its LLVM IR or what replaces it where the program has that."""
        known = bool(self._llvm_ir or self._binaries)
        digest = hashlib.sha256(data.data).hexdigest() if known else ""
        replaced = self._binaries.get(digest)
        executable = device.create_executable(
            executable_format.text(),
            data.data if replaced is None else memoryview(replaced),
            bytes(constants.data) if constants is not None else b"",
            llvm_ir=self._llvm_ir.get(digest),
        )
        self._executables.append(executable)
        return executable

    def executable_lookup_function(self, executable: Executable, name: VMBuffer) -> int:
        return executable.lookup(name.text())

    def ex_file_from_memory(
        self,
        _device: Device,
        _affinity: int,
        access: int,
        buffer: VMBuffer,
        offset: int,
        length: int,
        _flags: int,
    ) -> File:
        if access & ~_READ_ACCESS:
            raise VMError("files over program memory can only be read", status=7)
        return File(buffer.span(offset, length))

    def command_buffer_create(
        self, device: Device, modes: int, categories: int, affinity: int, capacity: int
    ) -> CommandBuffer:
        command_buffer = device.create_command_buffer(modes, categories, affinity, capacity)
        self._command_buffers.add(command_buffer)
        return command_buffer

    # --- fences ---------------------------------------------------------------------

    def fence_create(self, device: Device, _flags: int) -> Fence:
        return device.create_fence()

    def fence_join(self, _flags: int, fences: Sequence[Fence | None]) -> Fence:
        return Fence.join(fences)

    def fence_query(self, fence: Fence | None) -> int:
        """0 where signaled, DEFERRED where not; raises the failure of a failed one."""
        return 0 if fence is None or fence.is_signaled() else _DEFERRED

    def fence_signal(self, fence: Fence) -> None:
        fence.signal()

    def fence_fail(self, fence: Fence, status: int) -> None:
        fence.fail(VMError("the program failed a fence", status=status))

    def fence_await(
        self, timeout_millis: int, _flags: int, fences: Sequence[Fence | None]
    ) -> int | Wait:
        """0 where all are signaled, else what the invocation has to wait for."""
        pending = [f for f in fences if f is not None and not f.is_signaled()]
        if not pending:
            return 0
        infinite = timeout_millis & 0xFFFF_FFFF == 0xFFFF_FFFF
        return Wait(pending, None if infinite else time.monotonic() + timeout_millis / 1e3)


def unsupported(name: str) -> Callable[..., NoReturn]:
    """A function that raises when called: its program runs as long as it is not."""

    def call(*_arguments: object) -> NoReturn:
        raise UnsupportedImport(f"import {name!r} is not provided by this runtime")

    return call


def _subspan(buffer: Buffer, offset: int, length: int) -> Buffer:
    if length == _WHOLE:
        length = buffer.length_bytes - offset
    if not offset and length == buffer.length_bytes:
        return buffer
    return buffer.subspan(offset, length)


def _same_storage(given: int, expected: int) -> bool:
    """Whether two element types differ only in signedness, which programs ignore."""
    integers = (0x10, 0x11, 0x12)
    return (
        given & 0xFF == expected & 0xFF and given >> 24 in integers and expected >> 24 in integers
    )
