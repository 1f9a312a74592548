"""What the HAL tests share: drivers, compiled kernels, a hand-written library, short-hands."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ireelab.device_target import vulkan_flags
from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import BindingRef
from ireelab.hal.device import Device
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.registry import create_device, devices
from ireelab.hal.types import BufferUsage, MemoryType
from ireelab.hal.validation import ValidatedDevice

DRIVERS = ("null", "llvm-cpu", "vulkan")
"""A new driver adds its name here."""

VULKAN = "vulkan:validate=1,cache=0"
"""With Khronos' validation layer, synchronisation checks on: any message fails the test."""

ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm_64", "arm64": "arm_64"}[platform.machine()]
ELF_FORMAT = f"embedded-elf-{ARCHITECTURE}"

USAGE = int(BufferUsage.DEFAULT | BufferUsage.MAPPING | BufferUsage.DISPATCH_INDIRECT_PARAMETERS)
MEMORY = int(MemoryType.DEVICE_LOCAL | MemoryType.HOST_VISIBLE)


_IREE_COMPILE = str(Path(sys.executable).parent / "iree-compile")
_TARGET = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
)


@dataclass(frozen=True)
class Kernels:
    """One executable in each driver's format."""

    elf: bytes
    llvm_ir: str
    spirv: bytes = b""
    workgroups: tuple[int, int, int] = (1, 1, 1)  # of a program with one dispatch


def never_ending(device: Device, patch: pytest.MonkeyPatch) -> None:
    """From now on the device says that nothing more has ended."""
    assert isinstance(device, VulkanDevice)
    patch.setattr(device.core.queues.main, "_get_counter", lambda *_: 0)


def dispatch_workgroups(source: Path) -> tuple[int, int, int]:
    """The workgroup counts of the one dispatch of a program, from its HAL-level IR."""
    command = [_IREE_COMPILE, *_TARGET, "--compile-to=hal", str(source), "-o", "-"]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    (found,) = re.findall(r"workgroups\(\[%c(\d+), %c(\d+), %c(\d+)\]\)", result.stdout)
    return (int(found[0]), int(found[1]), int(found[2]))


def compile_executable(source: Path, folder: Path, *flags: str) -> Kernels:
    """Run iree-compile; the ELF file and the LLVM IR of the one executable in ``source``."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        _IREE_COMPILE,
        *_TARGET,
        f"--iree-hal-dump-executable-intermediates-to={folder}",
        f"--iree-hal-dump-executable-binaries-to={folder}",
        *flags,
        str(source),
        "-o",
        str(folder / "out.bin"),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    binaries = sorted(folder.glob("*.so")) or [folder / "out.bin"]
    texts = sorted(folder.glob("*.codegen.ll"))
    assert len(binaries) == len(texts) == 1, (binaries, texts)
    return Kernels(binaries[0].read_bytes(), texts[0].read_text())


def image(device: Device, kernels: Kernels) -> tuple[str, memoryview]:
    """Format and bytes of the executable for a device."""
    if device.driver == "vulkan":
        return "vulkan-spirv-fb", memoryview(kernels.spirv)
    return ELF_FORMAT, memoryview(kernels.elf)


def vulkan_missing() -> str:
    """Why there is no Vulkan device to test on, "" where there is one."""
    problems = [d.reason for d in devices() if d.driver == "vulkan" and not d.available]
    return problems[0] if problems else ""


def require_vulkan() -> None:
    """Skip the test without a Vulkan device; in CI, fail it."""
    problem = vulkan_missing()
    if problem and os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"CI must have a Vulkan device: {problem}")
    if problem:
        pytest.skip(problem)


def assert_quiet(device: Device) -> None:
    """The validation layer has said nothing, not even about what closing left behind."""
    inner = device.inner if isinstance(device, ValidatedDevice) else device
    if isinstance(inner, VulkanDevice):
        assert inner.core.logical.instance.messages == []


@contextmanager
def quiet_vulkan() -> Generator[VulkanDevice]:
    """A device under the validation layer; the test fails if the layer says anything."""
    require_vulkan()
    device = create_device(VULKAN)
    assert isinstance(device, VulkanDevice)
    with device:
        yield device
    assert_quiet(device)


def compile_vulkan(source: Path, out: Path, *flags: str) -> bytes:
    """Run iree-compile for the Vulkan device of this machine."""
    return compile_for(source, out, *vulkan_flags("", flags), *flags)


def compile_for(source: Path, out: Path, *flags: str) -> bytes:
    """Run iree-compile."""
    command = [_IREE_COMPILE, *flags, str(source), "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return out.read_bytes()


def allocate(device: Device, size_bytes: int, usage: int = USAGE) -> Buffer:
    return device.allocator.allocate(MEMORY, usage, size_bytes)


def whole(buffer: Buffer) -> BindingRef:
    return BindingRef(buffer, 0, 0, buffer.length_bytes)


def slot(index: int, length_bytes: int, offset_bytes: int = 0) -> BindingRef:
    return BindingRef(None, index, offset_bytes, length_bytes)


def ints(buffer: Buffer) -> list[int]:
    return np.frombuffer(buffer.read(), np.int32).tolist()


_HAND_WRITTEN = """
target triple = "TRIPLE"
@name = private constant [5 x i8] c"hand\\00"
@header = private constant { i32, ptr, i32, i32 } { i32 VERSION, ptr @name, i32 0, i32 SANITIZER }
@n0 = private constant [5 x i8] c"fail\\00"
@n1 = private constant [6 x i8] c"local\\00"
@n2 = private constant [9 x i8] c"constant\\00"
@n3 = private constant [7 x i8] c"halves\\00"
@names = private constant [4 x ptr] [ptr @n0, ptr @n1, ptr @n2, ptr @n3]
@ptrs = private constant [4 x ptr] [ptr @fail, ptr @local, ptr @constant, ptr @halves]
%Attrs = type { i64, i16, i8, i8, i32, i32, i16, i16, [5 x i64] }
@attrs = private constant [4 x %Attrs] [
  %Attrs { i64 0, i16 0, i8 1, i8 0, i32 1, i32 1, i16 1, i16 0, [5 x i64] zeroinitializer },
  %Attrs { i64 0, i16 2, i8 0, i8 1, i32 1, i32 1, i16 1, i16 0, [5 x i64] zeroinitializer },
  %Attrs { i64 0, i16 0, i8 0, i8 1, i32 1, i32 1, i16 1, i16 0, [5 x i64] zeroinitializer },
  %Attrs { i64 0, i16 0, i8 0, i8 2, i32 1, i32 1, i16 1, i16 0, [5 x i64] zeroinitializer }]
@import = private constant [11 x i8] c"IMPORT_NAM\\00"
@imports = private constant [1 x ptr] [ptr @import]
%Exports = type { i32, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr }
%Library = type { ptr, { i32, ptr }, %Exports, i32, { i32, ptr } }
@library = private constant %Library { ptr @header, { i32, ptr } { i32 IMPORTS, ptr @imports },
  %Exports { i32 4, ptr @ptrs, ptr @attrs, ptr null, ptr null, ptr @names, ptr null, ptr null,
             ptr null, ptr null }, i32 CONSTANTS, { i32, ptr } zeroinitializer }
define ptr @iree_hal_executable_library_query(i32 %max, ptr %environment) {
  ret ptr @library
}

; Fails with status 7 in the workgroup that the constant names.
define i32 @fail(ptr %env, ptr %ds, ptr %ws) {
  %x = load i32, ptr %ws
  %k.p = getelementptr i8, ptr %ds, i64 24
  %k = load ptr, ptr %k.p
  %which = load i32, ptr %k
  %hit = icmp eq i32 %x, %which
  %code = select i1 %hit, i32 7, i32 0
  ret i32 %code
}

; Fills all of its local memory with its workgroup id, waits, and reports how much is still so.
define i32 @local(ptr %env, ptr %ds, ptr %ws) {
entry:
  %x = load i32, ptr %ws
  %mem.p = getelementptr i8, ptr %ws, i64 16
  %mem = load ptr, ptr %mem.p
  %size.p = getelementptr i8, ptr %ws, i64 24
  %size = load i32, ptr %size.p
  %words = udiv i32 %size, 4
  br label %write
write:
  %i = phi i32 [ 0, %entry ], [ %i1, %write ]
  %w = getelementptr i32, ptr %mem, i32 %i
  store volatile i32 %x, ptr %w
  %i1 = add i32 %i, 1
  %more = icmp ult i32 %i1, %words
  br i1 %more, label %write, label %read
read:
  %j = phi i32 [ 0, %write ], [ %j1, %read ]
  %sum = phi i32 [ 0, %write ], [ %sum1, %read ]
  %r = getelementptr i32, ptr %mem, i32 %j
  %v = load volatile i32, ptr %r
  %same = icmp eq i32 %v, %x
  %one = zext i1 %same to i32
  %sum1 = add i32 %sum, %one
  %j1 = add i32 %j, 1
  %again = icmp ult i32 %j1, %words
  br i1 %again, label %read, label %done
done:
  %b.p = getelementptr i8, ptr %ds, i64 32
  %b = load ptr, ptr %b.p
  %out = load ptr, ptr %b
  %o = getelementptr i32, ptr %out, i32 %x
  store i32 %sum1, ptr %o
  ret i32 0
}

; Writes the executable's first constant.
define i32 @constant(ptr %env, ptr %ds, ptr %ws) {
  %k = load ptr, ptr %env
  %v = load i32, ptr %k
  %b.p = getelementptr i8, ptr %ds, i64 32
  %b = load ptr, ptr %b.p
  %out = load ptr, ptr %b
  store i32 %v, ptr %out
  ret i32 0
}

; out[x] = in[x] * 0.5, one float a workgroup: shows how denormals are treated.
define i32 @halves(ptr %env, ptr %ds, ptr %ws) {
  %x = load i32, ptr %ws
  %b.p = getelementptr i8, ptr %ds, i64 32
  %b = load ptr, ptr %b.p
  %in = load ptr, ptr %b
  %b1 = getelementptr ptr, ptr %b, i32 1
  %out = load ptr, ptr %b1
  %p = getelementptr float, ptr %in, i32 %x
  %v = load float, ptr %p
  %h = fmul float %v, 5.000000e-01
  %q = getelementptr float, ptr %out, i32 %x
  store float %h, ptr %q
  ret i32 0
}
"""


def hand_written_library(
    *, version: int = 6, sanitizer: int = 0, constants: int = 1, import_name: str = ""
) -> str:
    """LLVM IR of a library with kernels that no compiler would emit."""
    triple = {"x86_64": "x86_64-unknown-unknown", "arm_64": "aarch64-unknown-unknown"}
    assert len(import_name) in (0, 10)
    values = {
        "TRIPLE": triple[ARCHITECTURE],
        "VERSION": str(version),
        "SANITIZER": str(sanitizer),
        "CONSTANTS": str(constants),
        "IMPORTS": str(int(bool(import_name))),
        "IMPORT_NAM": import_name or "unused_____"[:10],
    }
    text = _HAND_WRITTEN
    for key in sorted(values, key=len, reverse=True):
        text = text.replace(key, values[key])
    return text
