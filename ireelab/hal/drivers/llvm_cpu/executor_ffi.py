"""executor.ll as callable native code, and the threads that help it.

The native threads are plain pthreads inside :func:`worker_main` of executor.ll: they never enter
Python, never hold the GIL, and are joined by :meth:`WorkerPool.close`.
"""

from __future__ import annotations

import ctypes
import os
import sys
import weakref
from functools import cache
from importlib.resources import files

import numpy as np

from ireelab.errors import DeviceError
from ireelab.hal.drivers.llvm_cpu.llvm_ffi import JitModule, host_architecture
from ireelab.hal.drivers.llvm_cpu.records import JOB_COUNTS, JOB_PROFILE, JOB_WORDS, LANE_WORDS
from ireelab.hal.host_memory import address_of

# time.perf_counter_ns() reads this clock: CLOCK_MONOTONIC, on macOS CLOCK_UPTIME_RAW.
_CLOCK = 8 if sys.platform == "darwin" else 1

_X86 = """
declare void @llvm.x86.sse2.pause()
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
define internal void @cpu_relax() {
  call void @llvm.x86.sse2.pause()
  ret void
}
; IREE's runtime flushes denormals (flush to zero, denormals are zero) around every kernel.
define internal i64 @flush_denormals() {
  %control = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %control)
  %old = load i32, ptr %control
  %new = or i32 %old, 32832
  store i32 %new, ptr %control
  call void @llvm.x86.sse.ldmxcsr(ptr %control)
  %result = zext i32 %old to i64
  ret i64 %result
}
define internal void @restore_fpu(i64 %mode) {
  %control = alloca i32
  %old = trunc i64 %mode to i32
  store i32 %old, ptr %control
  call void @llvm.x86.sse.ldmxcsr(ptr %control)
  ret void
}
"""

_ARM = """
declare void @llvm.aarch64.hint(i32)
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)
define internal void @cpu_relax() {
  call void @llvm.aarch64.hint(i32 1)
  ret void
}
define internal i64 @flush_denormals() {
  %old = call i64 @llvm.aarch64.get.fpcr()
  %new = or i64 %old, 16777216
  call void @llvm.aarch64.set.fpcr(i64 %new)
  ret i64 %old
}
define internal void @restore_fpu(i64 %mode) {
  call void @llvm.aarch64.set.fpcr(i64 %mode)
  ret void
}
"""

_OTHER = """
define internal void @cpu_relax() {
  ret void
}
define internal i64 @flush_denormals() {
  ret i64 0
}
define internal void @restore_fpu(i64 %mode) {
  ret void
}
"""


class Executor:
    """The compiled executor. ``execute(job_address)`` returns the job's error, 0 for none."""

    def __init__(self) -> None:
        text = (
            files("ireelab.hal.drivers.llvm_cpu")
            .joinpath("executor.ll")
            .read_text(encoding="utf-8")
        )
        machine = {"x86_64": _X86, "arm_64": _ARM}.get(host_architecture(), _OTHER)
        module = JitModule(text.replace("$CLOCK", str(_CLOCK)) + machine, name="executor")
        self._module = module
        # uint64_t execute(job_t* job)
        self.execute = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_size_t)(module.address("execute"))
        # uint64_t measure_stamps(job_t* job, uint32_t count)
        self._measure = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_size_t, ctypes.c_uint32)(
            module.address("measure_stamps")
        )
        # void stop_pool(pool_t* pool)
        self.stop_pool = ctypes.CFUNCTYPE(None, ctypes.c_size_t)(module.address("stop_pool"))
        self.worker_main = module.address("worker_main")

    def stamp_overhead_ns(self) -> int:
        """Nanoseconds that profiling adds to one command (two stamps)."""
        count = 10_000
        lanes = np.zeros(count * LANE_WORDS, np.int64)
        job = np.zeros(JOB_WORDS, np.int64)
        job[JOB_PROFILE] = address_of(lanes)
        job[JOB_COUNTS] = 1 << 32  # one participant
        return int(self._measure(address_of(job), count)) // count


@cache
def executor() -> Executor:
    """The process's executor, compiled on first use (tens of milliseconds)."""
    return Executor()


_POOL_BYTES = 512
_CONDITION_OFFSET = 128


class WorkerPool:
    """Threads that help the submitting one. ``address`` is the native pool, 0 without threads."""

    def __init__(self, helpers: int) -> None:
        """Start ``helpers`` native threads; DeviceError when the system refuses."""
        self._state = np.zeros(_POOL_BYTES // 8, np.int64)
        self.address = address_of(self._state) if helpers else 0
        self._threads: list[int] = []
        if not helpers:
            self._finalizer = None
            return
        libc = ctypes.CDLL(None)
        # int pthread_mutex_init(pthread_mutex_t*, const pthread_mutexattr_t*)
        libc.pthread_mutex_init(ctypes.c_void_p(self.address), None)
        # int pthread_cond_init(pthread_cond_t*, const pthread_condattr_t*)
        libc.pthread_cond_init(ctypes.c_void_p(self.address + _CONDITION_OFFSET), None)
        self._workers = np.zeros((helpers, 2), np.int64)
        self._finalizer = weakref.finalize(
            self, _join, self._threads, self.address, os.getpid(), (self._state, self._workers)
        )
        for index in range(helpers):
            self._workers[index] = (self.address, index + 1)
            thread = ctypes.c_size_t()
            argument = address_of(self._workers) + 16 * index
            # int pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)
            failed = libc.pthread_create(
                ctypes.byref(thread), None, ctypes.c_void_p(executor().worker_main),
                ctypes.c_void_p(argument),
            )  # fmt: skip
            if failed:
                self.close()
                raise DeviceError(
                    f"the system refused worker thread {index + 1} of {helpers} (errno {failed}); "
                    "use fewer: llvm-cpu:threads=N"
                )
            self._threads.append(thread.value)

    def close(self) -> None:
        """Stop and join the threads; idempotent. Also happens at interpreter exit."""
        if self._finalizer is not None:
            self._finalizer()
        self.address = 0


def _join(threads: list[int], address: int, process: int, keep_alive: object) -> None:
    if os.getpid() != process:
        return  # a forked child: the threads stayed with the parent
    executor().stop_pool(address)
    libc = ctypes.CDLL(None)
    for thread in threads:
        # int pthread_join(pthread_t, void**)
        libc.pthread_join(ctypes.c_size_t(thread), None)
