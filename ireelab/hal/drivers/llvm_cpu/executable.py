"""Executables of this driver: LLVM IR compiled here, or IREE's ELF files."""

from __future__ import annotations

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.llvm_cpu.library_ffi import QUERY_SYMBOL, Library
from ireelab.hal.drivers.llvm_cpu.llvm_ffi import JitModule, host_architecture, processor_data
from ireelab.hal.drivers.llvm_cpu.loader_ffi import LoadedLibrary
from ireelab.hal.executable import Executable

FORMAT_PREFIXES = ("embedded-elf-", "system-elf-")


class LlvmCpuExecutable(Executable):
    """A library of kernels. ``library`` is None once closed."""

    def __init__(
        self, format: str, data: bytes | memoryview, constants: bytes, llvm_ir: str | None
    ) -> None:
        architecture = _architecture(format)
        code: JitModule | LoadedLibrary
        if llvm_ir is not None:
            code = JitModule(llvm_ir, name="executable")
        else:
            code = LoadedLibrary(data, architecture)
        library = Library(code.address(QUERY_SYMBOL), code, constants, processor_data())
        self.library: Library | None = library
        self.format = format
        self.name = library.name
        self.functions = tuple(kernel.function for kernel in library.kernels)
        self._ordinals = {function.name: i for i, function in enumerate(self.functions)}

    def lookup(self, name: str) -> int:
        ordinal = self._ordinals.get(name)
        return super().lookup(name) if ordinal is None else ordinal

    def close(self) -> None:
        # Command buffers that use the library hold it themselves.
        self.library = None


def supported_formats() -> tuple[str, ...]:
    """The formats that ``create_executable`` takes on this machine."""
    return tuple(prefix + host_architecture() for prefix in FORMAT_PREFIXES)


def _architecture(format: str) -> str:
    for prefix in FORMAT_PREFIXES:
        if format.startswith(prefix):
            architecture = format.removeprefix(prefix)
            break
    else:
        raise ExecutableMismatch(
            f"llvm-cpu cannot run executables of format {format!r}; it runs "
            f"{' and '.join(supported_formats())}: compile with --iree-hal-target-device=local"
        )
    if architecture != host_architecture():
        raise ExecutableMismatch(
            f"the executable is for {architecture}, this machine is {host_architecture()}; "
            "compile the program for this machine"
        )
    return architecture
