"""Decodes a ``.vmfb``: everything a bytecode module holds except the instructions themselves.

Layout of the file: an optional ZIP local header (the file may double as an archive), a 4-byte
size, the FlatBuffer, then, 64-byte aligned, the large read-only segments. Mirrors IREE's
``runtime/src/iree/schemas/bytecode_module_def.fbs``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ireelab.errors import ProgramError
from ireelab.vm.convention import CallingConvention, parse
from ireelab.vm.debug_database import DebugDatabase
from ireelab.vm.flatbuffer import Reader, Table

BYTECODE_MAJOR, BYTECODE_MINOR = 17, 0
RODATA_ALIGNMENT_BYTES = 64
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_HEADER_BYTES = 30
_FUNCTION = struct.Struct("<iiIhHHH")  # FunctionDescriptor
_OPTIONAL = 2  # FeatureBits are bit positions in the schema, hence 1 << 1
FEATURE_YIELD = 4


@dataclass(frozen=True, slots=True)
class Signature:
    convention: CallingConvention
    attributes: Mapping[str, str]  # reflection, such as iree.abi.declaration


@dataclass(frozen=True, slots=True)
class Dependency:
    name: str
    minimum_version: int
    optional: bool


@dataclass(frozen=True, slots=True)
class Import:
    """A function this module calls in another; ``name`` includes the module, "hal.fence.await"."""

    name: str
    signature: Signature
    optional: bool


@dataclass(frozen=True, slots=True)
class FunctionDef:
    """One function's place in the bytecode and what its frame needs."""

    ordinal: int
    name: str  # the export's name, else the debug database's, else "function_<ordinal>"
    signature: Signature
    offset_bytes: int
    length_bytes: int
    requirements: int
    block_count: int
    i32_registers: int
    ref_registers: int


@dataclass(frozen=True)
class BytecodeModule:
    """A decoded module. Read-only data are views into the file's bytes, not copies."""

    name: str
    version: int
    attributes: Mapping[str, str]
    types: tuple[str, ...]
    dependencies: tuple[Dependency, ...]
    imports: tuple[Import, ...]
    exports: Mapping[str, int]  # name -> function ordinal
    functions: tuple[FunctionDef, ...]
    rodata: tuple[npt.NDArray[np.uint8], ...]
    global_bytes: int
    global_refs: int
    bytecode: bytes = field(repr=False)
    debug: DebugDatabase | None = field(repr=False)

    def code(self, function: FunctionDef) -> bytes:
        start = function.offset_bytes
        return self.bytecode[start : start + function.length_bytes]

    def location(self, function: FunctionDef, pc: int) -> str:
        """The source position of an instruction as ``file:line:column``, "" where unknown."""
        return self.debug.location(function.ordinal, pc) if self.debug else ""

    @cached_property
    def by_name(self) -> Mapping[str, FunctionDef]:
        """Functions by name; an export wins over an internal function of the same name."""
        named = {f.name: f for f in reversed(self.functions)}
        named.update((name, self.functions[i]) for name, i in self.exports.items())
        return named


def read(data: bytes | memoryview) -> BytecodeModule:
    """Decodes the bytes of a ``.vmfb``; raises ``ProgramError`` on anything malformed."""
    whole = memoryview(data).cast("B")
    root, external = _open(whole)
    _check_version(root)
    functions = _functions(root)
    exports = _exports(root, len(functions))
    debug_table = root.table(15)
    debug = DebugDatabase(debug_table, len(functions)) if debug_table else None
    state = root.table(11)
    global_bytes = state.scalar(0, "i") if state else 0
    global_refs = state.scalar(1, "i") if state else 0
    if not (0 <= global_bytes <= 1 << 24 and 0 <= global_refs <= 1 << 22):
        raise ProgramError(
            f"corrupt program: it asks for {global_bytes} bytes of globals and {global_refs} refs"
        )
    return BytecodeModule(
        name=root.string(0),
        version=root.scalar(1, "I"),
        attributes=_attributes(root, 3),
        types=tuple(t.string(0) for t in root.tables(4, "type")),
        dependencies=tuple(
            Dependency(d.string(0), d.scalar(1, "I"), d.scalar(2, "I", 1) == _OPTIONAL)
            for d in root.tables(5, "dependency")
        ),
        imports=tuple(
            Import(i.string(0), _signature(i.table(1)), i.scalar(2, "I", 1) == _OPTIONAL)
            for i in root.tables(6, "import")
        ),
        exports=exports,
        functions=_named(functions, exports, debug),
        rodata=tuple(_rodata(s, whole, external) for s in root.tables(9, "rodata segment")),
        global_bytes=global_bytes,
        global_refs=global_refs,
        bytecode=bytes(root.vector(14, 1)),
        debug=debug,
    )


def _open(whole: memoryview) -> tuple[Table, int]:
    """The root table, and the file offset where external read-only data begin."""
    base = 0
    if len(whole) >= _ZIP_HEADER_BYTES and bytes(whole[:4]) == _ZIP_MAGIC:
        name_bytes, extra_bytes = struct.unpack_from("<HH", whole, 26)
        base = _ZIP_HEADER_BYTES + name_bytes + extra_bytes
    if len(whole) < base + 16:
        raise ProgramError(f"truncated program: {len(whole)} bytes hold no module header")
    if bytes(whole[base + 8 : base + 12]) != b"IREE":
        raise ProgramError(
            f"not a .vmfb: the identifier 'IREE' is missing at byte {base + 8}; "
            "compile with iree-compile's default output format, vm-bytecode"
        )
    (size_bytes,) = struct.unpack_from("<I", whole, base)
    start, available = base + 4, len(whole) - base - 4
    if size_bytes > available:
        raise ProgramError(
            f"truncated program: the module has {size_bytes} bytes from byte {start} on, "
            f"the file only {available}"
        )
    end = start + size_bytes
    root = Reader(whole[start:end], start).root("module")
    return root, -(-end // RODATA_ALIGNMENT_BYTES) * RODATA_ALIGNMENT_BYTES


def _check_version(root: Table) -> None:
    version = root.scalar(13, "I")
    major, minor = version >> 16, version & 0xFFFF
    if major != BYTECODE_MAJOR or minor > BYTECODE_MINOR:
        raise ProgramError(
            f"bytecode version {major}.{minor} is not read here: this VM reads {BYTECODE_MAJOR}.0 "
            f"to {BYTECODE_MAJOR}.{BYTECODE_MINOR}; recompile with a matching iree-base-compiler"
        )


def _attributes(table: Table, slot: int) -> dict[str, str]:
    return {a.string(0): a.string(1) for a in table.tables(slot, "attribute")}


def _signature(table: Table | None) -> Signature:
    if table is None:
        return Signature(parse(""), {})
    return Signature(parse(table.string(0)), _attributes(table, 1))


def _functions(root: Table) -> list[FunctionDef]:
    descriptors = root.vector(12, _FUNCTION.size)
    signatures = [_signature(t) for t in root.tables(8, "signature")]
    bytecode_bytes = len(root.vector(14, 1))
    count = len(descriptors) // _FUNCTION.size
    if len(signatures) != count:
        raise ProgramError(f"corrupt program: {count} functions but {len(signatures)} signatures")
    out: list[FunctionDef] = []
    for ordinal in range(count):
        offset, length, requirements, _, blocks, i32_count, ref_count = _FUNCTION.unpack_from(
            descriptors, ordinal * _FUNCTION.size
        )
        if offset < 0 or length < 0 or offset + length > bytecode_bytes:
            raise ProgramError(
                f"corrupt program: function {ordinal} lies at bytes {offset} to {offset + length} "
                f"of {bytecode_bytes} bytes of bytecode"
            )
        signature = signatures[ordinal]
        out.append(
            FunctionDef(
                ordinal, "", signature, offset, length, requirements, blocks, i32_count, ref_count
            )
        )
    return out


def _exports(root: Table, function_count: int) -> dict[str, int]:
    exports = {t.string(0): t.scalar(1, "i") for t in root.tables(7, "export")}
    for name, ordinal in exports.items():
        if not 0 <= ordinal < function_count:
            raise ProgramError(
                f"corrupt program: export {name!r} names function {ordinal} of {function_count}"
            )
    return exports


def _named(
    functions: list[FunctionDef], exports: Mapping[str, int], debug: DebugDatabase | None
) -> tuple[FunctionDef, ...]:
    names = {ordinal: name for name, ordinal in exports.items()}

    def name(ordinal: int) -> str:
        known = debug.names.get(ordinal, "") if debug else ""
        return names.get(ordinal) or known or f"function_{ordinal}"

    return tuple(replace(f, name=name(f.ordinal)) for f in functions)


def _rodata(segment: Table, whole: memoryview, external: int) -> npt.NDArray[np.uint8]:
    """One read-only segment: embedded in the FlatBuffer, or external to it."""
    if segment.has(2):
        return np.frombuffer(segment.vector(2, 1), np.uint8)
    if segment.scalar(0, "B"):  # a union's type; 1 is "uncompressed"
        raise ProgramError(f"{segment.what} is compressed in a way that is not read here")
    start = external + segment.scalar(3, "Q")
    length_bytes = segment.scalar(4, "Q")
    if start + length_bytes > len(whole):
        raise ProgramError(
            f"truncated program: {segment.what} lies at bytes {start} to {start + length_bytes}, "
            f"the file ends at byte {len(whole)}"
        )
    return np.frombuffer(whole[start : start + length_bytes], np.uint8)
