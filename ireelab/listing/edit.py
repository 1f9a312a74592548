"""Programs with the code of one executable replaced."""

from __future__ import annotations

from ireelab.errors import ExecutableMismatch, InvalidCode
from ireelab.hal.drivers.llvm_cpu.assembly import link_kernel
from ireelab.hal.drivers.llvm_cpu.trial import check_compiles
from ireelab.hal.drivers.vulkan import vke1
from ireelab.listing.binaries import Binary, binaries
from ireelab.listing.llvm_lines import functions
from ireelab.program import Program

_QUERY = "iree_hal_executable_library_query"


def with_llvm_ir(program: Program, name: str, text: str) -> Program:
    """``Program.with_llvm_ir``."""
    binary, kernel = _find(program, name)
    if binary.cpu is None:
        raise ExecutableMismatch(
            f"{name!r} has no LLVM IR here: {binary.absent() or 'it is SPIR-V'}"
        )
    defined = {function.name for function in functions(text)}
    if _QUERY in defined:
        check_compiles(text, name=name)
        return _with_ir(program, binary, text)
    if kernel is None or defined != {kernel}:
        wanted = f"the function {kernel!r}" if kernel else f"the whole module (with {_QUERY!r})"
        raise InvalidCode(f"the LLVM IR for {name!r} must define {wanted}; it defines {defined}")
    old = next(f for f in functions(binary.cpu.text) if f.name == kernel)
    lines = binary.cpu.text.split("\n")
    module = "\n".join((*lines[: old.first - 1], text.strip("\n"), *lines[old.end - 1 :]))
    try:
        check_compiles(module, name=name)
    except InvalidCode as error:
        given = error.line - old.first + 1
        length = text.strip("\n").count("\n") + 1
        skipped = len(text) - len(text.lstrip("\n"))
        if not 1 <= given <= length:
            raise
        message = str(error).replace(f"line {error.line}", f"line {given + skipped}", 1)
        raise InvalidCode(message, line=given + skipped) from None
    return _with_ir(program, binary, module)


def with_recompiled(program: Program, kernel: str, other: Program | bytes) -> Program:
    """The program with a kernel as another compilation made it.

    ``other`` is a program that carries the LLVM IR of the kernel, or an executable with it in
    Vulkan's format.

    Raises:
        ExecutableMismatch: the kernel is not there, or expects something else of its caller.
    """
    binary, found = _find(program, kernel)
    if found is None:
        raise KeyError(f"{kernel!r} is no kernel of {program.name!r}")
    if isinstance(other, bytes):
        return program.with_parts(binaries={binary.digest: _spliced(binary.data, found, other)})
    texts = [text for text in other.llvm_ir.values() if f"@{found}(" in text]
    if binary.cpu is None or len(texts) != 1:
        raise ExecutableMismatch(f"{kernel!r} has no LLVM IR in both compilations")
    linked = link_kernel(binary.cpu.text, texts[0], found, name=binary.name)
    check_compiles(linked, name=binary.name)
    return _with_ir(program, binary, linked)


def _with_ir(program: Program, binary: Binary, text: str) -> Program:
    return program.with_parts(llvm_ir={binary.digest: text})


def _find(program: Program, name: str) -> tuple[Binary, str | None]:
    """An executable by name or digest, or by a kernel in it, which is then named too."""
    kernel = name.rpartition("::")[2]
    found = binaries(program)
    for binary in found:
        if kernel in binary.entry_points:
            return binary, kernel
    for binary in found:
        if name and name in (binary.name, binary.digest):
            return binary, None
    known = ", ".join(kernel for binary in found for kernel in binary.entry_points)
    raise KeyError(f"{program.name!r} has no executable or kernel {name!r}; kernels: {known}")


def _spliced(data: bytes, kernel: str, other: bytes) -> bytes:
    """A Vulkan executable with the SPIR-V module of one kernel taken from another."""
    mine, theirs = vke1.parse(data), vke1.parse(other)
    old = next(p for p in mine.pipelines if p.entry_point == kernel)
    new = next((p for p in theirs.pipelines if p.entry_point == kernel), None)
    if new is None:
        raise ExecutableMismatch(f"the other executable has no kernel {kernel!r}")
    if (
        _interface(mine, old) != _interface(theirs, new)
        or sum(p.module == old.module for p in mine.pipelines) > 1
    ):
        raise ExecutableMismatch(
            f"{kernel!r} now expects other bindings, constants or another subgroup size; "
            "compile the whole program with these flags"
        )
    return vke1.with_module(data, old.module, theirs.modules[new.module])


def _interface(executable: vke1.ExecutableDef, pipeline: vke1.Pipeline) -> tuple[object, ...]:
    layout = executable.layouts[pipeline.layout]
    sets = tuple(executable.set_layouts[ordinal] for ordinal in layout.sets)
    return sets, layout.push_ranges, pipeline.subgroup_size, pipeline.abi, pipeline.addresses
