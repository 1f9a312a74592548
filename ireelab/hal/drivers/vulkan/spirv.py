"""What a SPIR-V module needs of a device, read from its words.

Only what decides whether a kernel may run: capabilities, extensions, workgroup sizes, shared
memory, and the subgroup size that its code takes for granted.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from sys import byteorder

from ireelab.errors import ExecutableMismatch

_MAGIC = 0x07230203
HEADER_WORDS = 5

_OP_EXTENSION, _OP_ENTRY_POINT, _OP_EXECUTION_MODE, _OP_CAPABILITY = 10, 15, 16, 17
_OP_TYPE_BOOL, _OP_TYPE_INT, _OP_TYPE_FLOAT, _OP_TYPE_VECTOR = 20, 21, 22, 23
_OP_TYPE_ARRAY, _OP_TYPE_STRUCT, _OP_TYPE_POINTER = 28, 30, 32
_OP_CONSTANT, _OP_VARIABLE = 43, 59
_OP_GROUP_FIRST, _OP_GROUP_LAST = 333, 366
_OP_SHUFFLE_XOR = 346
_OP_ATOMIC_LOAD, _OP_ATOMIC_STORE, _OP_ATOMIC_XOR = 227, 228, 242
_OP_ARITHMETIC_FIRST, _OP_ARITHMETIC_LAST = 349, 364
_REDUCE = 0
_MODE_LOCAL_SIZE = 17
_STORAGE_WORKGROUP = 4


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A kernel: its name and the threads of one of its workgroups."""

    name: str
    workgroup_size: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Module:
    """A module's needs. ``subgroup_size`` is 0 where the code is correct with any size;
    ``atomic_bits`` are the widths of the integers it has atomic operations on."""

    version: tuple[int, int]
    capabilities: frozenset[int]
    extensions: frozenset[str]
    entry_points: tuple[EntryPoint, ...]
    shared_memory_bytes: int
    subgroup_size: int
    atomic_bits: frozenset[int]


class _Scan:
    """Collects, in one pass over the words."""

    def __init__(self) -> None:
        self.capabilities: set[int] = set()
        self.extensions: set[str] = set()
        self.names: dict[int, str] = {}
        self.sizes: dict[int, tuple[int, int, int]] = {}
        self.type_bytes: dict[int, int] = {}
        self.scalar_counts: dict[int, int] = {}
        self.workgroup_pointers: dict[int, int] = {}
        self.workgroup_variables: list[int] = []
        self.constants: dict[int, int] = {}
        self.atomic_bits: set[int] = set()
        self.shuffle_masks: list[int] = []
        self.uses_subgroups = False
        self.reduces = False

    def instruction(self, opcode: int, words: array[int]) -> None:
        """``words`` starts with the instruction's own first word."""
        if opcode == _OP_CAPABILITY:
            self.capabilities.add(words[1])
        elif opcode == _OP_EXTENSION:
            self.extensions.add(_string(words[1:]))
        elif opcode == _OP_ENTRY_POINT:
            self.names[words[2]] = _string(words[3:])
        elif opcode == _OP_EXECUTION_MODE and words[2] == _MODE_LOCAL_SIZE:
            self.sizes[words[1]] = (words[3], words[4], words[5])
        elif opcode == _OP_CONSTANT:
            self.constants[words[2]] = words[3]
        elif opcode == _OP_VARIABLE and words[3] == _STORAGE_WORKGROUP:
            self.workgroup_variables.append(self.workgroup_pointers.get(words[1], 0))
        elif _OP_TYPE_BOOL <= opcode <= _OP_TYPE_POINTER:
            self._type(opcode, words)
        elif _OP_ATOMIC_LOAD <= opcode <= _OP_ATOMIC_XOR and opcode != _OP_ATOMIC_STORE:
            # A store names no type; whoever stores atomically also does something else.
            self.atomic_bits.add(8 * self.type_bytes.get(words[1], 0))
        elif _OP_GROUP_FIRST <= opcode <= _OP_GROUP_LAST:
            self._group(opcode, words)

    def _type(self, opcode: int, words: array[int]) -> None:
        result = words[1]
        size, count = self.type_bytes, self.scalar_counts
        if opcode == _OP_TYPE_BOOL:
            size[result], count[result] = 4, 1
        elif opcode in (_OP_TYPE_INT, _OP_TYPE_FLOAT):
            size[result], count[result] = words[2] // 8, 1
        elif opcode in (_OP_TYPE_VECTOR, _OP_TYPE_ARRAY):
            length = words[3] if opcode == _OP_TYPE_VECTOR else self.constants.get(words[3], 0)
            size[result] = size.get(words[2], 0) * length
            count[result] = count.get(words[2], 0) * length
        elif opcode == _OP_TYPE_STRUCT:
            size[result] = sum(size.get(member, 0) for member in words[2:])
            count[result] = sum(count.get(member, 0) for member in words[2:])
        elif opcode == _OP_TYPE_POINTER and words[2] == _STORAGE_WORKGROUP:
            self.workgroup_pointers[result] = words[3]

    def _group(self, opcode: int, words: array[int]) -> None:
        self.uses_subgroups = True
        if opcode == _OP_SHUFFLE_XOR:
            self.shuffle_masks.append(self.constants.get(words[5], 0))
        elif _OP_ARITHMETIC_FIRST <= opcode <= _OP_ARITHMETIC_LAST:
            self.reduces |= words[4] == _REDUCE  # the whole subgroup; clusters are another mode

    def subgroup_size(self) -> int:
        """The size the code takes for granted, 0 where that cannot be told.

        IREE reduces over a workgroup in two steps: each subgroup writes one partial result to
        shared memory, then one subgroup combines them. So there are as many partial results as
        subgroups; without shared memory the workgroup is one subgroup wide.
        """
        if not self.reduces or len(set(self.sizes.values())) != 1:
            return 0
        (size,) = set(self.sizes.values())
        partials = [self.scalar_counts.get(kind, 0) for kind in self.workgroup_variables]
        if not partials:
            return size[0] if _is_subgroup_size(size[0]) else 0
        sizes = {math.prod(size) // count for count in partials if count}
        if len(sizes) != 1:
            return 0
        (found,) = sizes
        fits = _is_subgroup_size(found) and math.prod(size) == found * partials[0]
        return found if fits else 0


def to_words(code: bytes | memoryview) -> array[int]:
    """A module's words, in the machine's byte order."""
    words = array("I")
    words.frombytes(bytes(code))
    if byteorder == "big":
        words.byteswap()
    return words


def from_words(words: array[int]) -> bytes:
    """The inverse of :func:`to_words`."""
    if byteorder == "big":
        words = array("I", words)
        words.byteswap()
    return words.tobytes()


def instructions(words: array[int]) -> list[array[int]]:
    """The instructions of a module that :func:`analyze` has read, each with its first word."""
    found: list[array[int]] = []
    position = HEADER_WORDS
    while position < len(words):
        length = words[position] >> 16
        found.append(words[position : position + length])
        position += length
    return found


def analyze(code: bytes | memoryview) -> Module:
    """Read a module; ExecutableMismatch for words that are none."""
    words = to_words(code)
    if len(words) < HEADER_WORDS or words[0] != _MAGIC:
        raise ExecutableMismatch("the executable holds a shader module that is not SPIR-V")
    scan = _Scan()
    position = HEADER_WORDS
    while position < len(words):
        length, opcode = words[position] >> 16, words[position] & 0xFFFF
        if not length or position + length > len(words):
            raise ExecutableMismatch(f"the SPIR-V module is corrupt at word {position}")
        try:
            scan.instruction(opcode, words[position : position + length])
        except IndexError:
            raise ExecutableMismatch(f"the SPIR-V module is corrupt at word {position}") from None
        position += length
    return Module(
        version=(words[1] >> 16 & 0xFF, words[1] >> 8 & 0xFF),
        capabilities=frozenset(scan.capabilities),
        extensions=frozenset(scan.extensions),
        entry_points=tuple(
            EntryPoint(name, scan.sizes.get(identity, (1, 1, 1)))
            for identity, name in scan.names.items()
        ),
        shared_memory_bytes=sum(scan.type_bytes.get(k, 0) for k in scan.workgroup_variables),
        subgroup_size=scan.subgroup_size(),
        atomic_bits=frozenset(scan.atomic_bits),
    )


def _is_subgroup_size(value: int) -> bool:
    return 4 <= value <= 128 and value & (value - 1) == 0


def _string(words: array[int]) -> str:
    return words.tobytes().split(b"\0", 1)[0].decode(errors="replace")
