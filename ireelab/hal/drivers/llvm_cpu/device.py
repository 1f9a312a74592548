"""The CPU as a HAL device. Mirrors ``runtime/src/iree/hal/drivers/local_task``.

Submissions run on the submitting thread; long ones are helped by native threads.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ireelab.errors import DeviceUnavailable
from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.drivers.host_device import HostDevice
from ireelab.hal.drivers.llvm_cpu.command_buffer import LlvmCpuCommandBuffer
from ireelab.hal.drivers.llvm_cpu.events import command_events
from ireelab.hal.drivers.llvm_cpu.executable import LlvmCpuExecutable, supported_formats
from ireelab.hal.drivers.llvm_cpu.executor_ffi import WorkerPool, executor
from ireelab.hal.host_memory import HostBuffer

if TYPE_CHECKING:
    from ireelab.hal.command_buffer import BindingTable

MAX_DEFAULT_THREADS = 16
_IREE_IDS = ("local", "local-sync", "local-task", "llvm-cpu")
"""What a program may call this device; IREE's compiler asks for ``local*``."""


class LlvmCpuDevice(HostDevice):
    """``threads`` counts the submitting thread; ``memory_limit_bytes`` bounds what is allocated.

    ``ordinal`` tells several apart that one program uses; those are ``concurrent``.
    """

    command_buffer_type = LlvmCpuCommandBuffer

    def __init__(
        self, *, threads: int | None = None, memory_limit_bytes: int | None = None,
        ordinal: int = 0, concurrent: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            f"llvm-cpu:{ordinal}", "llvm-cpu", memory_limit_bytes, concurrent=concurrent
        )
        self.threads = threads or min(_usable_cpus(), MAX_DEFAULT_THREADS)
        self._executor = executor()
        self._workers = WorkerPool(self.threads - 1)

    def query_i64(self, category: str, key: str) -> int | None:
        if category == "hal.device.id":
            return int(any(fnmatchcase(name, key) for name in _IREE_IDS))
        if category == "hal.executable.format":
            return int(key in supported_formats())
        if (category, key) in (("hal.device", "concurrency"), ("hal.dispatch", "concurrency")):
            return self.threads if category == "hal.dispatch" else 1
        return None

    def create_executable(
        self,
        format: str,
        data: bytes | memoryview,
        constants: bytes,
        *,
        llvm_ir: str | None = None,
    ) -> LlvmCpuExecutable:
        return LlvmCpuExecutable(format, data, constants, llvm_ir)

    def create_command_buffer(
        self, modes: int, categories: int, affinity: int, binding_capacity: int
    ) -> LlvmCpuCommandBuffer:
        self._check_open()
        return LlvmCpuCommandBuffer(
            modes, categories, affinity, binding_capacity, self._executor, self._workers,
            self.threads, self.allocator,
        )  # fmt: skip

    def profiling_overhead_ns(self) -> int:
        return self._executor.stamp_overhead_ns()

    def close(self) -> None:
        if self._closed:
            return
        self._end_thread()
        self._closed = True
        self._workers.close()
        self.allocator.trim()

    def _run(self, command_buffer: CommandBuffer, bindings: BindingTable, submission: int) -> None:
        assert isinstance(command_buffer, LlvmCpuCommandBuffer)
        if self._events is None:
            command_buffer.run(bindings)
            return
        lanes = command_buffer.run_profiled(bindings)
        packed = command_buffer.packed
        assert packed is not None
        self._pending_events.append(
            partial(command_events, packed, lanes, self.queue_name, command_buffer.id, submission)
        )

    def _write_fill(self, target: HostBuffer, offset: int, length: int, pattern: bytes) -> None:
        span: npt.NDArray[np.uint8] = target.map()[offset : offset + length]
        rows = np.ndarray((length // len(pattern), len(pattern)), np.uint8, span.data)
        rows[:] = np.frombuffer(pattern, np.uint8)

    def _write(self, target: HostBuffer, offset: int, data: bytes | memoryview) -> None:
        target.map()[offset : offset + len(data)] = np.frombuffer(data, np.uint8)

    def _move(
        self,
        source: HostBuffer,
        source_offset: int,
        target: HostBuffer,
        target_offset: int,
        length: int,
    ) -> None:
        data = source.map()[source_offset : source_offset + length]
        target.map()[target_offset : target_offset + length] = data


def create_from_options(
    options: dict[str, str], *, ordinal: int = 0, concurrent: bool = False
) -> LlvmCpuDevice:
    """A device from ``threads=N`` and ``memory_limit=BYTES``; DeviceUnavailable for bad values."""
    values: dict[str, int] = {}
    for key, text in options.items():
        if not text.isdecimal() or int(text) < 1:
            raise DeviceUnavailable(f"llvm-cpu:{key}={text}: {key} is a whole number, at least 1")
        values[key] = int(text)
    return LlvmCpuDevice(
        threads=values.get("threads"), memory_limit_bytes=values.get("memory_limit"),
        ordinal=ordinal, concurrent=concurrent,
    )  # fmt: skip


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
