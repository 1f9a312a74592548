"""What a command does to memory: byte ranges of resources, read or written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ireelab.viz.amount import Amount


class Overlap(Enum):
    """How two byte ranges of one resource relate."""

    NONE = "none"  # provably disjoint
    MAYBE = "maybe"  # a size or offset is known only at run time
    CERTAIN = "certain"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """``length`` bytes from ``offset``, either of which may be known only at run time."""

    offset: Amount
    length: Amount

    @property
    def end(self) -> Amount:
        return self.offset + self.length

    @property
    def known(self) -> tuple[int, int] | None:
        """Offset and end in bytes, None where either depends on run-time values."""
        offset, length = self.offset.known, self.length.known
        return None if offset is None or length is None else (offset, offset + length)

    def overlap(self, other: ByteRange) -> Overlap:
        """Whether the two ranges share a byte. An empty range shares none."""
        mine, theirs = self.known, other.known
        if mine and theirs:
            meet = max(mine[0], theirs[0]) < min(mine[1], theirs[1])
            return Overlap.CERTAIN if meet else Overlap.NONE
        if self == other:
            return Overlap.CERTAIN  # Empty at run time at worst; then nothing touches it.
        if (other.offset - self.end).never_negative() or (self.offset - other.end).never_negative():
            return Overlap.NONE
        return Overlap.MAYBE

    def covers(self, other: ByteRange) -> bool:
        """Whether every byte of ``other`` is provably one of this range."""
        return self == other or (
            (other.offset - self.offset).never_negative()
            and (self.end - other.end).never_negative()
        )

    def minus(self, other: ByteRange) -> tuple[ByteRange, ...]:
        """What is left of this range without ``other``; all of it where that is not provable."""
        if other.covers(self):
            return ()
        mine, theirs = self.known, other.known
        if mine is None or theirs is None or self.overlap(other) is Overlap.NONE:
            return (self,)
        left = (mine[0], max(mine[0], theirs[0])), (min(mine[1], theirs[1]), mine[1])
        return tuple(byte_range(start, end - start) for start, end in left if start < end)


def byte_range(offset_bytes: int, length_bytes: int) -> ByteRange:
    """A range known at compile time."""
    return ByteRange(Amount(offset_bytes), Amount(length_bytes))


@dataclass(frozen=True, slots=True)
class Access:
    """One use of a resource by a command. ``mode`` is ``"ro"``, ``"wo"`` or ``"rw"``."""

    resource: str
    mode: str
    range: ByteRange

    @property
    def reads(self) -> bool:
        return self.mode != "wo"

    @property
    def writes(self) -> bool:
        return self.mode != "ro"

    @property
    def offset_bytes(self) -> int | None:
        """None where the offset is known only at run time."""
        return self.range.offset.known

    @property
    def length_bytes(self) -> int | None:
        """None where the length is known only at run time."""
        return self.range.length.known

    def to_json(self) -> dict[str, object]:
        """``resource``, ``access``, ``offset_bytes`` and ``length_bytes`` (null when dynamic)."""
        return {
            "resource": self.resource,
            "access": self.mode,
            "offset_bytes": self.offset_bytes,
            "length_bytes": self.length_bytes,
        }

    def __str__(self) -> str:
        return f"{self.mode} {self.resource}[{self.range.offset} for {self.range.length}]"
