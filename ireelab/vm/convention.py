"""Calling conventions: the strings such as ``0rIrrrICrIID_v`` that describe arguments and results.

``i`` ``I`` ``f`` ``F`` ``r`` are i32, i64, f32, f64 and a reference; ``C...D`` is a variadic span
whose elements are the letters inside; ``v`` is nothing; the leading digit is a version. Mirrors
the calling-convention notes of IREE's ``runtime/src/iree/vm/module.h``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from ireelab.errors import ProgramError

T = TypeVar("T")

VALUE_NAMES = {"i": "i32", "I": "i64", "f": "f32", "F": "f64", "r": "ref"}


@dataclass(frozen=True, slots=True)
class CallingConvention:
    """Parsed form: one entry per argument, a letter or (for a span) the letters of one element."""

    text: str
    arguments: tuple[str, ...]  # "i", "r" ...; a span is "(iirII)"
    results: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"({', '.join(map(spell, self.arguments))}) -> ({', '.join(map(spell, self.results))})"
        )


def spell(letter: str) -> str:
    """The readable form of one argument: ``r`` is "ref", a span is "tuple<i32, ref>..."."""
    if letter.startswith("("):
        return f"tuple<{', '.join(VALUE_NAMES[x] for x in letter[1:-1])}>..."
    return VALUE_NAMES[letter]


def is_span(letter: str) -> bool:
    return letter.startswith("(")


def group_spans(
    letters: Sequence[str],
    sizes: Sequence[int],
    operands: Sequence[T],
    pack: Callable[[list[T]], T],
) -> list[T]:
    """Flat operands of a variadic call as one per argument; a span is packed, row by row if wide.

    ``sizes`` holds the number of elements of each span and is ignored for plain arguments.
    Raises ``ValueError`` where the counts do not fit.
    """
    arguments: list[T] = []
    position = 0
    for letter, size in zip(letters, sizes, strict=True):
        if not is_span(letter):
            arguments.extend(operands[position : position + 1])
            position += 1
            continue
        width = len(letter) - 2
        end = position + width * size
        if width == 1:
            items = list(operands[position:end])
        else:
            starts = range(position, end, width)
            items = [pack(list(operands[i : i + width])) for i in starts]
        arguments.append(pack(items))
        position = end
    if position != len(operands):
        raise ValueError("operands do not match the segments")
    return arguments


@lru_cache(maxsize=1024)
def parse(text: str) -> CallingConvention:
    """Parses a convention; an empty text is a function of nothing."""
    if not text:
        return CallingConvention(text, (), ())
    if text[0] != "0":
        raise ProgramError(f"calling convention {text!r} has version {text[0]!r}; 0 is read here")
    arguments, _, results = text[1:].partition("_")
    return CallingConvention(text, _letters(arguments, text), _letters(results, text))


def _letters(part: str, text: str) -> tuple[str, ...]:
    out: list[str] = []
    span: list[str] | None = None
    for letter in part:
        if letter in VALUE_NAMES:
            (out if span is None else span).append(letter)
        elif letter == "C" and span is None:
            span = []
        elif letter == "D" and span:
            out.append(f"({''.join(span)})")
            span = None
        elif letter != "v":
            raise ProgramError(f"malformed calling convention {text!r}")
    if span is not None:
        raise ProgramError(f"calling convention {text!r} has a span that does not end")
    return tuple(out)
