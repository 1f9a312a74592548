"""A program: the bytes of a ``.vmfb``, and what this project knows beside them.

``Program`` is where the compile path and the run path meet. The bytes are IREE's own deployable
format; programs compiled here also carry the LLVM IR of their CPU executables, and edited ones
what replaces an executable.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ireelab.errors import ProgramError, UnknownFunction

if TYPE_CHECKING:
    import numpy.typing as npt

    from ireelab.vm.module import BytecodeModule, FunctionDef
    from ireelab.vm.parameters_module import Scopes
    from ireelab.vm.translate import Translation

_ALIGNMENT_BYTES = 64  # of read-only data, so that devices can use it in place
_NO_IR: Mapping[str, str] = MappingProxyType({})
_NO_BINARIES: Mapping[str, bytes] = MappingProxyType({})
_NO_PARAMETERS: Scopes = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Function:
    """An exported function.

    ``arguments`` and ``results`` are letters of IREE's calling convention (``i`` i32, ``I`` i64,
    ``f`` f32, ``F`` f64, ``r`` reference), the two fences of an asynchronous function left out.
    ``declaration`` is the source-level signature (``iree.abi.declaration``), "" where unknown.
    ``yields`` says that the function may wait for a device.
    """

    name: str
    calling_convention: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    declaration: str
    yields: bool
    asynchronous: bool

    @property
    def result_types(self) -> tuple[str, ...]:
        """IREE's type of each result that is a plain number; "ref" for arrays."""
        from ireelab.vm.convention import VALUE_NAMES

        return tuple(VALUE_NAMES[letter] for letter in self.results)


class Program:
    """A ``.vmfb`` plus, for programs compiled here, the LLVM IR of its CPU executables.

    ``llvm_ir`` maps the SHA-256 hex digest of an executable's binary, as embedded in the
    ``.vmfb``, to its LLVM IR text, ``binaries`` to the binary that a device gets instead.
    ``parameters`` are values that the bytes only name. The bytes are decoded when first needed;
    ``ProgramError`` then says what is wrong with them.
    """

    def __init__(
        self,
        vmfb: bytes,
        *,
        llvm_ir: Mapping[str, str] = _NO_IR,
        binaries: Mapping[str, bytes] = _NO_BINARIES,
        name: str = "program",
        edited: bool = False,
        parameters: Scopes = _NO_PARAMETERS,
    ) -> None:
        self.name = name
        self.edited = edited
        self.parameters: Scopes = parameters
        self.llvm_ir: Mapping[str, str] = MappingProxyType(dict(llvm_ir))
        self.binaries: Mapping[str, bytes] = MappingProxyType(dict(binaries))
        self._data = _aligned(len(vmfb))
        self._data[:] = np.frombuffer(vmfb, np.uint8)
        self._data.flags.writeable = False

    @cached_property
    def module(self) -> BytecodeModule:
        """The decoded module; its read-only data are views of this program's bytes."""
        from ireelab.vm.module import read

        return read(self._data.data)

    @cached_property
    def translation(self) -> Translation:
        """Every function as generated Python, compiled once."""
        from ireelab.vm.hal_module import LOCATED_IMPORTS
        from ireelab.vm.translate import translate

        return translate(self.module, LOCATED_IMPORTS)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The exported functions a user can call, in the program's order."""
        return tuple(
            self._function(name, self.module.functions[ordinal])
            for name, ordinal in self.module.exports.items()
            if not name.startswith("__")
        )

    def function(self, name: str | None = None) -> Function:
        """The function of that name, or the only one; ``UnknownFunction`` lists what there is."""
        if name is None and len(self.functions) == 1:
            return self.functions[0]
        for function in self.functions:
            if function.name == name:
                return function
        raise self._unknown(name)

    def function_def(self, name: str) -> FunctionDef:
        """The definition of any function, internal ones included."""
        found = self.module.by_name.get(name)
        if found is None:
            raise self._unknown(name)
        return found

    def with_llvm_ir(self, executable: str, text: str) -> Program:
        """This program with the LLVM IR of one kernel, or of a whole executable, replaced.

        Args:
            executable: a kernel (``function``, or ``executable::function``), or the name of an
                executable of the program, such as ``mlp_linked``.
            text: the kernel's ``define``, which may use what its module declares, or a whole
                module. It is compiled once, in another process, before it is taken; a kernel that
                writes where it must not takes this process with it all the same.

        Raises:
            KeyError: no such executable.
            ExecutableMismatch: it has no LLVM IR.
            InvalidCode: LLVM refuses the text, or it defines another function; with its line.
        """
        from ireelab.listing.edit import with_llvm_ir

        return with_llvm_ir(self, executable, text)

    def with_kernel(self, kernel: str, other: Program | bytes) -> Program:
        """This program with a kernel as another compilation made it: see ``Trace.recompile``.

        Args:
            other: a program that carries the kernel's LLVM IR, or an executable with its SPIR-V.

        Raises:
            KeyError: no such kernel.
            ExecutableMismatch: it cannot take this kernel's place.
        """
        from ireelab.listing.edit import with_recompiled

        return with_recompiled(self, kernel, other)

    def with_parts(
        self, *, llvm_ir: Mapping[str, str] = _NO_IR, binaries: Mapping[str, bytes] = _NO_BINARIES
    ) -> Program:
        """This program with executables replaced, by the digest of their binary; unchecked."""
        return Program(
            self.to_bytes(),
            llvm_ir={**self.llvm_ir, **llvm_ir},
            binaries={**self.binaries, **binaries},
            name=self.name,
            edited=True,
            parameters=self.parameters,
        )

    def with_parameters(self, scopes: Mapping[str, Any]) -> Program:
        """This program with its parameters (``#flow.parameter.named``, ``#stream.parameter``).

        Args:
            scopes: by scope ("" for parameters without one) an ``.irpa``, ``.safetensors`` or
                ``.gguf`` file, a mapping from keys to arrays, or a list of those. Files are mapped
                into memory. Only arrays can be written by the program.

        Raises:
            ParameterError: a file is missing or damaged.
        """
        from ireelab.vm.parameters_module import scopes_of

        return Program(
            self.to_bytes(),
            llvm_ir=self.llvm_ir,
            binaries=self.binaries,
            name=self.name,
            edited=self.edited,
            parameters=MappingProxyType({**self.parameters, **scopes_of(scopes)}),
        )

    def to_bytes(self) -> bytes:
        """The ``.vmfb`` as given; replaced executables are not in it."""
        return self._data.tobytes()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the ``.vmfb``; ``ProgramError`` for one with replaced executables."""
        if self.edited:
            raise ProgramError(
                f"{self.name!r} has replaced executables, which a .vmfb compiled before cannot "
                "hold; to_bytes() gives the program without them"
            )
        Path(path).write_bytes(self._data.data)

    def __repr__(self) -> str:
        return f"Program({self.name!r}, {self._data.size} bytes)"

    def _function(self, name: str, definition: FunctionDef) -> Function:
        from ireelab.vm.module import FEATURE_YIELD

        attributes = definition.signature.attributes
        convention = definition.signature.convention
        asynchronous = attributes.get("iree.abi.model") == "coarse-fences"
        return Function(
            name=name,
            calling_convention=convention.text,
            arguments=convention.arguments[:-2] if asynchronous else convention.arguments,
            results=convention.results,
            declaration=attributes.get("iree.abi.declaration", ""),
            yields=bool(definition.requirements & FEATURE_YIELD),
            asynchronous=asynchronous,
        )

    def _unknown(self, name: str | None) -> UnknownFunction:
        names = [f.name for f in self.functions]
        listing = ", ".join(names) or "none"
        if name is None:
            return UnknownFunction(f"name the function to run; {self.name!r} exports: {listing}")
        close = difflib.get_close_matches(name, names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        return UnknownFunction(
            f"{self.name!r} exports no function {name!r}{hint} It exports: {listing}"
        )


def load(source: str | os.PathLike[str] | bytes) -> Program:
    """Reads a ``.vmfb`` from a path or from bytes; ``ProgramError`` where it is not one."""
    if isinstance(source, bytes | bytearray | memoryview):
        program, where = Program(bytes(source)), ""
    else:
        path = Path(source)
        try:
            program, where = Program(path.read_bytes(), name=path.stem), f"{path}: "
        except OSError as error:
            raise ProgramError(f"cannot read {path}: {error.strerror}") from error
    try:
        _ = program.module  # say now what is wrong with it
    except ProgramError as error:
        raise type(error)(f"{where}{error}") from error
    return program


def _aligned(size_bytes: int) -> npt.NDArray[np.uint8]:
    raw = np.empty(size_bytes + _ALIGNMENT_BYTES, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT_BYTES
    return raw[start : start + size_bytes]
