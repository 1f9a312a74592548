"""The executables that a program holds, each with the code that can be shown of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ireelab.hal.drivers.vulkan import vke1
from ireelab.hal.drivers.vulkan.spirv import analyze
from ireelab.listing.cpu import CpuModule
from ireelab.listing.spirv import decode
from ireelab.listing.spirv_text import SpirvCounts, count, disassemble
from ireelab.listing.vm import executable_uses
from ireelab.program import Program

_ELF_FORMATS = ("embedded-elf-", "system-elf-")
_LOCAL_PAGE_BYTES = 4096
_SOURCE_NAME = re.compile(r'^source_filename = "([^"]*)"', re.MULTILINE)
_FUNCTIONS = re.compile(r"@iree_hal_executable_library_query_v0_funcs = .*? \[(ptr @.*)\]")
_ATTRIBUTES = re.compile(
    r"%iree_hal_executable_dispatch_attrs_v0_t \{ i64 \d+, i16 (\d+), i8 (\d+), i8 (\d+),"
    r" i32 (\d+), i32 (\d+), i16 (\d+)"
)
_BUFFER_TYPES = {6: "uniform_buffer", 7: "storage_buffer"}
_ABIS = {vke1.ABI_DESCRIPTORS: "descriptors", vke1.ABI_ADDRESSES: "addresses"}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a kernel is given.

    ``bindings`` are kinds of buffers, ``constants`` 32-bit words (push constants on Vulkan),
    ``workgroup_size`` the threads of a workgroup. ``subgroup_size`` is 0 where any will do, and
    ``local_memory_bytes`` what the threads of a workgroup share.
    """

    bindings: tuple[str, ...]
    constants: int
    workgroup_size: tuple[int, int, int]
    subgroup_size: int
    local_memory_bytes: int

    def to_json(self) -> dict[str, object]:
        """The fields, tuples as lists."""
        return {
            "bindings": list(self.bindings),
            "constants": self.constants,
            "workgroup_size": list(self.workgroup_size),
            "subgroup_size": self.subgroup_size,
            "local_memory_bytes": self.local_memory_bytes,
        }


@dataclass(frozen=True, slots=True)
class SpirvKernel:
    """One SPIR-V module: its disassembly, with a source position for each line or ""."""

    name: str
    version: tuple[int, int]
    capabilities: tuple[str, ...]
    abi: str
    code_bytes: int
    lines: tuple[str, ...]
    locations: tuple[str, ...]
    counts: SpirvCounts


class Binary:
    """One executable of a program, as its device gets it. Its code is read when asked for."""

    def __init__(
        self, program: Program, format_: str, rodata: int, entry_points: tuple[str, ...]
    ) -> None:
        embedded = bytes(program.module.rodata[rodata])
        self.digest = hashlib.sha256(embedded).hexdigest()
        self.data = program.binaries.get(self.digest, embedded)
        self.format = format_
        self.rodata = rodata
        text = program.llvm_ir.get(self.digest)
        self.cpu = None if text is None else CpuModule(text, name=_name(text))
        self.name = self.cpu.name if self.cpu else ""
        self._looked_up = entry_points

    @property
    def entry_points(self) -> tuple[str, ...]:
        """The kernels, in the executable's order where that is known."""
        if self.cpu is not None:
            return tuple(_attributes(self.cpu.text))
        if self._vulkan is not None:
            return tuple(pipeline.entry_point for pipeline in self._vulkan.pipelines)
        return self._looked_up

    @cached_property
    def _vulkan(self) -> vke1.ExecutableDef | None:
        return vke1.parse(self.data) if self.data[:4] == vke1.MAGIC else None

    @property
    def modules(self) -> tuple[bytes, ...]:
        """The SPIR-V modules."""
        return self._vulkan.modules if self._vulkan else ()

    def absent(self) -> str:
        """Why there is no code to show; "" where there is."""
        if self.cpu is not None or self._vulkan is not None:
            return ""
        if self.format.startswith(_ELF_FORMATS):
            return (
                "The program came without the LLVM IR of its executables; "
                "compile its source with il.compile to see their code."
            )
        return f"Code of format {self.format} is not read here."

    def layout(self, entry_point: str) -> Layout | None:
        """What a kernel is given; None where the executable does not say."""
        if self.cpu is not None:
            return _attributes(self.cpu.text).get(entry_point)
        if self._vulkan is None:
            return None
        pipeline = next(p for p in self._vulkan.pipelines if p.entry_point == entry_point)
        layout = self._vulkan.layouts[pipeline.layout]
        needs = analyze(self._vulkan.modules[pipeline.module])
        sizes = {entry.name: entry.workgroup_size for entry in needs.entry_points}
        if pipeline.abi == vke1.ABI_ADDRESSES:
            bindings = ("address",) * pipeline.addresses.binding_count
            constants = pipeline.addresses.constant_count
        else:
            bindings = tuple(
                _BUFFER_TYPES.get(binding.type, f"descriptor {binding.type}")
                for ordinal in layout.sets
                for binding in self._vulkan.set_layouts[ordinal]
            )
            constants = sum(r.size_bytes for r in layout.push_ranges) // 4
        return Layout(
            bindings,
            constants,
            sizes.get(entry_point, (1, 1, 1)),
            pipeline.subgroup_size or needs.subgroup_size,
            needs.shared_memory_bytes,
        )

    def spirv(self, entry_point: str) -> SpirvKernel | None:
        """The disassembly of a kernel's module; None where it is not SPIR-V.

        Raises:
            ExecutableMismatch: the module is corrupt.
        """
        if self._vulkan is None:
            return None
        pipeline = next(p for p in self._vulkan.pipelines if p.entry_point == entry_point)
        code = self._vulkan.modules[pipeline.module]
        module = decode(code)
        return SpirvKernel(
            name=entry_point,
            version=module.version,
            capabilities=tuple(
                str(i.operands[0]) for i in module.instructions if i.opcode == "OpCapability"
            ),
            abi=_ABIS.get(pipeline.abi, str(pipeline.abi)),
            code_bytes=len(code),
            lines=disassemble(module),
            locations=tuple(instruction.location for instruction in module.instructions),
            counts=count(module),
        )


def binaries(program: Program) -> tuple[Binary, ...]:
    """The executables that a program creates.

    Raises:
        ProgramError, ExecutableMismatch: the program or an executable is corrupt.
    """
    return tuple(
        Binary(program, use.format, use.rodata, use.entry_points)
        for use in executable_uses(program)
    )


def _name(llvm_ir: str) -> str:
    found = _SOURCE_NAME.search(llvm_ir)
    return found[1] if found else "executable"


def _attributes(llvm_ir: str) -> Mapping[str, Layout]:
    """Kernel -> layout, from the constants that IREE's runtime reads."""
    names = _FUNCTIONS.search(llvm_ir)
    if names is None:
        return {}
    kernels = re.findall(r'@"?([\w$.-]+)"?', names[1])
    found: dict[str, Layout] = {}
    for kernel, match in zip(kernels, _ATTRIBUTES.finditer(llvm_ir), strict=False):
        pages, constants, bindings, x, y, z = map(int, match.groups())
        found[kernel] = Layout(
            ("storage_buffer",) * bindings, constants, (x, y, z), 0, pages * _LOCAL_PAGE_BYTES
        )
    return found
