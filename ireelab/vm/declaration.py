"""Reads ``iree.abi.declaration``, the source-level signature of an exported function.

sync func @mlp(%input0: tensor<8x64xf32>, %n: index) -> (%output0: tensor<?x10xf32>)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TENSOR = re.compile(r"tensor<((?:(?:\d+|\?)x)*)([a-zA-Z]\w*(?:<[^>]*>)?)(?:,.*)?>")


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """One argument or result. ``shape`` is None for scalars; a None in it is a ``?``."""

    text: str  # as declared, "tensor<?x4xf32>"
    name: str  # "input0", without the percent sign
    element: str  # "f32"; the whole text where it is neither a tensor nor a scalar
    shape: tuple[int | None, ...] | None


def parse_declaration(text: str) -> tuple[tuple[DeclaredType, ...], tuple[DeclaredType, ...]]:
    """Arguments and results; ((), ()) where there is no declaration."""
    start = text.find("(")
    if start < 0:
        return (), ()
    end = _closing(text, start)
    arguments = tuple(_parse(part) for part in _split(text[start + 1 : end]))
    arrow = text.find("->", end)
    if arrow < 0:
        return arguments, ()
    results = text[arrow + 2 :].strip()
    if results.startswith("("):
        results = results[1 : _closing(results, 0)]
    return arguments, tuple(_parse(part) for part in _split(results))


def _closing(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] in "([{<") - (text[index] in ")]}")
        depth -= text[index] == ">" and text[index - 1] != "-"
        if depth == 0:
            return index
    return len(text)


def _split(text: str) -> Iterator[str]:
    """Parts between commas that are outside of all brackets."""
    depth = begin = 0
    for index, letter in enumerate(text):
        depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "," and depth == 0:
            yield text[begin:index].strip()
            begin = index + 1
    if text[begin:].strip():
        yield text[begin:].strip()


def _parse(part: str) -> DeclaredType:
    name, separator, kind = part.partition(":")
    if not separator or not name.startswith("%"):
        name, kind = "", part
    kind = kind.strip()
    # Attributes may follow: "tensor<4xf32> {iree.abi.output = 0 : index}".
    kind = kind.split(" {")[0].strip()
    match = _TENSOR.fullmatch(kind)
    if match is None:
        return DeclaredType(kind, name.strip().lstrip("%"), kind, None)
    dims = [dim for dim in match[1].split("x") if dim]
    shape = tuple(None if dim == "?" else int(dim) for dim in dims)
    return DeclaredType(kind, name.strip().lstrip("%"), match[2], shape)
