"""The two reference types that the VM itself defines: byte buffers and lists.

Mirrors IREE's ``runtime/src/iree/vm/buffer.h`` and ``list.h``: element offsets count elements,
not bytes; reads and writes out of range fail with OUT_OF_RANGE.
"""

from __future__ import annotations

import struct
from typing import Any

from ireelab.errors import VMError

INVALID_ARGUMENT, PERMISSION_DENIED, FAILED_PRECONDITION, OUT_OF_RANGE = 3, 7, 9, 11
_MASK64 = 0xFFFF_FFFF_FFFF_FFFF
_SIZE_LIMIT_BYTES = 1 << 40


class VMBuffer:
    """Bytes on the host, ``!vm.buffer``: read-only data of a module, or scratch of a function."""

    __slots__ = ("data", "source")

    def __init__(self, data: memoryview, source: Any = None) -> None:
        self.data = data
        self.source = source  # what owns the bytes, where a consumer can share them

    @property
    def writable(self) -> bool:
        return not self.data.readonly

    def text(self) -> str:
        """The bytes as text, for names and messages."""
        return bytes(self.data).decode(errors="replace")

    def span(self, offset: int, length: int) -> memoryview:
        """``length`` bytes at byte ``offset``, checked."""
        if offset < 0 or length < 0 or offset + length > len(self.data):
            raise VMError(
                f"buffer range of {length} bytes at {offset} is outside of {len(self.data)} bytes",
                status=OUT_OF_RANGE,
            )
        return self.data[offset : offset + length]

    def __repr__(self) -> str:
        return f"VMBuffer({len(self.data)} bytes{'' if self.writable else ', read-only'})"


def allocate(length: int, _alignment: int) -> VMBuffer:
    """A zeroed buffer of ``length`` bytes; alignment is a matter of native consumers only."""
    if not 0 <= length < _SIZE_LIMIT_BYTES:
        raise VMError(f"cannot allocate a buffer of {length} bytes", status=8)
    return VMBuffer(memoryview(bytearray(length)))


def clone(source: VMBuffer | None, offset: int, length: int, _alignment: int) -> VMBuffer:
    return VMBuffer(memoryview(bytearray(_present(source).span(offset, length))))


def length_of(buffer: VMBuffer | None) -> int:
    return len(_present(buffer).data)


def copy(source: VMBuffer | None, offset: int, target: VMBuffer | None, to: int, size: int) -> None:
    data = _present(source).span(offset, size)
    _mutable(target).span(to, size)[:] = data


def compare(a: VMBuffer | None, at: int, b: VMBuffer | None, b_at: int, size: int) -> int:
    """1 where the two ranges hold the same bytes."""
    return int(_present(a).span(at, size) == _present(b).span(b_at, size))


class Accessor:
    """Typed loads, stores and fills of one element type; offsets and lengths count elements."""

    __slots__ = ("layout", "mask", "size_bytes")

    def __init__(self, code: str, mask: int = 0) -> None:
        self.layout = struct.Struct("<" + code)
        self.size_bytes = self.layout.size
        self.mask = mask  # of a value before it is stored, 0 for floats

    def load(self, buffer: VMBuffer | None, offset: int) -> Any:
        size = self.size_bytes
        return self.layout.unpack(_present(buffer).span(offset * size, size))[0]

    def _packed(self, value: Any) -> bytes:
        return self.layout.pack(value & self.mask if self.mask else value)

    def store(self, buffer: VMBuffer | None, offset: int, value: Any) -> None:
        size = self.size_bytes
        _mutable(buffer).span(offset * size, size)[:] = self._packed(value)

    def fill(self, buffer: VMBuffer | None, offset: int, length: int, value: Any) -> None:
        size = self.size_bytes
        target = _mutable(buffer).span(offset * size, length * size)
        target[:] = self._packed(value) * length


I8, I16, I32, I64 = Accessor("b"), Accessor("h"), Accessor("i"), Accessor("q")
U8, U16 = Accessor("B", 0xFF), Accessor("H", 0xFFFF)
U32, U64 = Accessor("I", 0xFFFF_FFFF), Accessor("Q", _MASK64)
F32, F64 = Accessor("f"), Accessor("d")


def _present(buffer: VMBuffer | None) -> VMBuffer:
    if buffer is None:
        raise VMError("buffer is null", status=INVALID_ARGUMENT)
    return buffer


def _mutable(buffer: VMBuffer | None) -> VMBuffer:
    buffer = _present(buffer)
    if not buffer.writable:
        raise VMError("buffer is read-only", status=PERMISSION_DENIED)
    return buffer


def siphash(buffer: VMBuffer | None, offset: int, length: int) -> int:
    """SipHash-2-4 of a range under the fixed key 00 01 .. 0f, as a signed 64-bit number."""
    data = bytes(_present(buffer).span(offset, length))
    key = [int.from_bytes(bytes(range(8 * i, 8 * i + 8)), "little") for i in range(2)]
    names = (b"somepseu", b"dorandom", b"lygenera", b"tedbytes")
    v = [int.from_bytes(name, "big") ^ key[i % 2] for i, name in enumerate(names)]
    whole = length - length % 8
    words = list(struct.unpack_from(f"<{whole // 8}Q", data))
    words.append(int.from_bytes(data[whole:], "little") | (length << 56 & _MASK64))
    for word in words:
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _sip_rounds(v, 4)
    (signed,) = struct.unpack("<q", struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3]))
    return signed


def _sip_rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        _sip_half(v, 0, 1, 13, 32)
        _sip_half(v, 2, 3, 16, 0)
        _sip_half(v, 0, 3, 21, 0)
        _sip_half(v, 2, 1, 17, 32)


def _sip_half(v: list[int], a: int, b: int, turn: int, turn_a: int) -> None:
    v[a] = (v[a] + v[b]) & _MASK64
    v[b] = (v[b] << turn | v[b] >> (64 - turn)) & _MASK64 ^ v[a]
    if turn_a:
        v[a] = (v[a] << turn_a | v[a] >> (64 - turn_a)) & _MASK64


# --- lists ------------------------------------------------------------------------

_INTEGER_BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}
_FLOATS = ("f32", "f64")


class VMList:
    """``!vm.list<T>``: values of one type, references, or ("?") anything with its type.

    Values convert on the way in and out as IREE's lists do: integers widen with their sign or
    are cut; between integers and floats the result is 0.
    """

    __slots__ = ("element_type", "items")

    def __init__(self, element_type: str, capacity: int = 0) -> None:
        del capacity  # Python's lists grow by themselves
        self.element_type = element_type
        self.items: list[tuple[str, Any]] = []  # (type, value); type "ref" for references

    @property
    def holds_values(self) -> bool:
        return self.element_type in _INTEGER_BITS or self.element_type in _FLOATS

    @property
    def holds_anything(self) -> bool:
        return self.element_type in ("?", "!vm.opaque")

    def resize(self, size: int) -> None:
        size &= 0xFFFF_FFFF
        if size > 1 << 28:
            raise VMError(f"cannot resize a list to {size} elements", status=8)
        kind = self.element_type if self.holds_values else "null"
        empty = (kind, 0 if self.holds_values else None)
        del self.items[size:]
        self.items.extend([empty] * (size - len(self.items)))

    def at(self, index: int) -> tuple[str, Any]:
        index &= 0xFFFF_FFFF
        if index >= len(self.items):
            raise VMError(
                f"list index {index} is out of bounds ({len(self.items)} elements)",
                status=OUT_OF_RANGE,
            )
        return self.items[index]

    def get_value(self, index: int, kind: str) -> Any:
        stored, value = self.at(index)
        if stored in ("ref", "null"):
            raise VMError(f"list element {index} is not a value", status=FAILED_PRECONDITION)
        return convert(value, stored, kind)

    def set_value(self, index: int, kind: str, value: Any) -> None:
        self.at(index)
        if self.holds_values:
            value = convert(value, kind, self.element_type)
            kind = self.element_type
        elif not self.holds_anything:
            raise VMError("the list cannot store values", status=FAILED_PRECONDITION)
        self.items[index] = (kind, value)

    def get_ref(self, index: int, type_name: str) -> Any:
        """The reference, or None where the element has another type."""
        stored, value = self.at(index)
        if self.holds_values:
            raise VMError("the list does not store references", status=FAILED_PRECONDITION)
        return value if stored == "ref" and ref_matches(value, type_name) else None

    def set_ref(self, index: int, value: Any) -> None:
        self.at(index)
        if self.holds_values:
            raise VMError("the list cannot store references", status=FAILED_PRECONDITION)
        self.items[index] = ("null" if value is None else "ref", value)


def convert(value: Any, source: str, target: str) -> Any:
    """A list element's value as another type; integers keep their low bits, signed."""
    if source in _INTEGER_BITS and target in _INTEGER_BITS:
        half = 1 << (_INTEGER_BITS[target] - 1)
        return ((value + half) & (2 * half - 1)) - half
    if source in _FLOATS and target in _FLOATS:
        return round_f32(value) if target == "f32" else value
    return value if source == target else (0.0 if target in _FLOATS else 0)


def round_f32(value: float) -> float:
    """The nearest f32, as a Python float; too large becomes infinite."""
    try:
        return _F32.unpack(_F32.pack(value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


_F32 = struct.Struct("<f")


def list_of(value: VMList | None) -> VMList:
    if value is None:
        raise VMError("list is null", status=INVALID_ARGUMENT)
    return value


# --- reference types --------------------------------------------------------------

# Type names as modules spell them, for the objects of other packages: filled by what provides
# them (vm/hal_module.py), so that the VM itself knows no device.
REF_CLASSES: dict[str, type] = {}


def ref_matches(value: object, type_name: str) -> bool:
    """Whether a non-null reference has the type a module names, "!vm.buffer" or "!hal.fence"."""
    if type_name == "!vm.buffer":
        return isinstance(value, VMBuffer)
    if type_name.startswith("!vm.list"):
        return isinstance(value, VMList)
    expected = REF_CLASSES.get(type_name)
    return expected is None or isinstance(value, expected)


def cast_ref(value: object, type_name: str) -> object:
    """``value`` itself, or a failure where it is not of the type."""
    if value is None or ref_matches(value, type_name):
        return value
    raise VMError(
        f"reference is a {type(value).__name__}, not a {type_name}", status=INVALID_ARGUMENT
    )
