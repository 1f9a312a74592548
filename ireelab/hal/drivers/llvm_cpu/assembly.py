"""What the JIT makes of LLVM IR, to look at: optimised IR, assembly, object code."""

# llvmlite has no annotations.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
from __future__ import annotations

import re
from dataclasses import dataclass

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.llvm_cpu.llvm_ffi import (
    LLVM_LOCK,
    check_host,
    new_context,
    optimise,
    parse_module,
    target_machine,
)


@dataclass(frozen=True, slots=True)
class Assembly:
    """A module after the middle end, as assembly with comments on spills, and as an object file."""

    optimised: str
    assembly: str
    object_code: bytes


def assemble(text: str, *, name: str) -> Assembly:
    """Compile LLVM IR with the JIT's settings; ExecutableMismatch says what is wrong with it."""
    with LLVM_LOCK:
        module = parse_module(text, name, new_context())
        check_host(module, text, name)
        machine = target_machine()
        optimise(module, machine)
        machine.set_asm_verbosity(True)
        return Assembly(str(module), machine.emit_assembly(module), machine.emit_object(module))


def link_kernel(base: str, other: str, kernel: str, *, name: str) -> str:
    """The module ``base`` with the function ``kernel`` of the module ``other`` in place of its own.

    Both are libraries of IREE's; the answer is LLVM 22 text.
    """
    _check_self_contained(base, name)
    _check_self_contained(other, kernel)
    with LLVM_LOCK:
        context = new_context()
        destination = parse_module(_without(base, kernel), name, context)
        source = parse_module(_only(other, kernel), name, context)
        try:
            destination.link_in(source)
            destination.get_function(kernel).linkage = "internal"
            destination.verify()
        except (RuntimeError, NameError) as error:
            raise ExecutableMismatch(f"{kernel!r} does not fit into {name!r}: {error}") from error
        return str(destination)


def _check_self_contained(text: str, name: str) -> None:
    """Imports and constants are numbered within a library, and so cannot move to another."""
    if "%iree_hal_executable_import_table_v0_t zeroinitializer" not in text:
        raise ExecutableMismatch(f"{name!r} imports functions: its kernels cannot be replaced")
    if "%iree_hal_executable_constant_table_v0_t zeroinitializer" not in text:
        raise ExecutableMismatch(f"{name!r} has constants: its kernels cannot be replaced")


def _definition(text: str, function: str) -> re.Match[str]:
    pattern = rf'^define (?P<head>[^\n]*@"?{re.escape(function)}"?\([^\n]*)\{{\n.*?^\}}$'
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ExecutableMismatch(f"the LLVM IR does not define {function!r}")
    return found


def _without(text: str, kernel: str) -> str:
    """A declaration in place of the kernel, for the linker to fill."""
    found = _definition(text, kernel)
    arity = found["head"].rpartition("(")[2].count("%")
    declaration = f"declare i32 @{kernel}({', '.join(['ptr'] * arity)})"
    return text[: found.start()] + declaration + text[found.end() :]


def _only(text: str, kernel: str) -> str:
    """The kernel visible to the linker; the library's own entry point, which goes unused, not."""
    found = _definition(text, kernel)
    head = re.sub(r"^define (internal |dso_local )*", "define ", found[0])
    text = text[: found.start()] + head + text[found.end() :]
    return text.replace(
        "define dso_local dllexport ptr @iree_hal_executable_library_query(",
        "define internal ptr @iree_hal_executable_library_query(",
    )
