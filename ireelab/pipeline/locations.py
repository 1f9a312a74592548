"""MLIR's printed locations: read, resolved to frames, and taken off a text again.

A location prints behind its op: ``%0 = foo.bar %x : f32 loc("m.mlir":3:8)``. It nests: named
(``"exp"("m.py":3:8)``), fused (``fused["a":1:1, "b":2:2]``) and call sites
(``callsite("a":1:1 at "b":2:2)``). Source: MLIR's ``Parser::parseLocationInstance``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|#[\w$.-]+|\d+|[A-Za-z_]\w*|->|.', re.DOTALL)
_ALIAS = re.compile(r"^(#loc\d*) = loc\((.*)\)$", re.MULTILINE)
_PAIRS = {")": "(", "]": "[", ">": "<", "}": "{"}
_DELIMITERS = re.compile(r'"(?:[^"\\]|\\.)*"|[()]')
_SPACED = " loc("
_ATTEMPTS = re.compile(r" loc\(")


@dataclass(frozen=True, slots=True)
class Frame:
    """One place: a file position, or only a name (``line`` 0) where no file is known.

    ``name`` is what a named location calls it: a function, or an op's scope in JAX.
    """

    file: str
    line: int
    column: int
    name: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else ""
        return f"{place} ({self.name})" if place and self.name else place or self.name


Chain = tuple[Frame, ...]
"""One place with the places that call it, innermost first."""


def parse_location(text: str, aliases: Mapping[str, str] | None = None) -> tuple[Chain, ...]:
    """The chains of one location, without its ``loc(`` and ``)``; fused ones have several.

    ``aliases`` holds the texts of ``#loc12``. What is unknown, or no location, has no chain.

    >>> [[str(f) for f in chain] for chain in parse_location('callsite("a":1:2 at "b":3:4)')]
    [['a:1', 'b:3']]
    """
    return _Parser(text, aliases or {}).location()


def location_aliases(text: str) -> dict[str, str]:
    """The texts behind ``#loc``, ``#loc1``, … at the end of a module."""
    return {match[1]: match[2] for match in _ALIAS.finditer(text)}


def split_location(line: str) -> tuple[str, str]:
    """A line of IR without its locations, and the text of the op's own, empty without one.

    >>> split_location('  foo.bar(%x loc("a":1:1)) {k} loc(fused["a":1:1, "b":2:2])')
    ('  foo.bar(%x) {k}', 'fused["a":1:1, "b":2:2]')
    """
    at = line.rfind(_SPACED)
    if at < 0:
        return line, ""
    own = ""
    if line.endswith(")") and _closing(line, at + len(_SPACED)) == len(line):
        own, line = line[at + len(_SPACED) : -1], line[:at]
    if _SPACED in line:
        line = "".join(_without_inner(line))
    return line, own


def _without_inner(line: str) -> Iterator[str]:
    """The parts of a line between the locations of its block arguments."""
    done = 0
    for match in _ATTEMPTS.finditer(line):
        if match.start() < done:
            continue
        end = _closing(line, match.end())
        if end:
            yield line[done : match.start()]
            done = end
    yield line[done:]


def _closing(line: str, at: int) -> int:
    """Where the parenthesis opened before ``at`` has been closed, 0 where it never is."""
    depth = 1
    for match in _DELIMITERS.finditer(line, at):
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth -= 1
            if not depth:
                return match.end()
    return 0


class _Parser:
    """Recursive descent over one location."""

    def __init__(self, text: str, aliases: Mapping[str, str]) -> None:
        self._tokens = [token for token in _TOKEN.findall(text) if not token.isspace()]
        self._aliases = aliases
        self._at = 0

    def location(self) -> tuple[Chain, ...]:
        token = self._next()
        if token.startswith("#loc"):
            known = self._aliases.get(token)
            return parse_location(known, self._aliases) if known else ()
        if token.startswith('"'):
            return self._file_or_name(token[1:-1])
        if token == "callsite":
            return self._callsite()
        if token == "fused":
            return self._fused()
        return ()

    def _file_or_name(self, text: str) -> tuple[Chain, ...]:
        if self._peek() == ":":
            self._next()
            line = int(self._next())
            column = 0
            if self._peek() == ":":
                self._next()
                column = int(self._next())
            self._skip_range()
            return ((Frame(text, line, column),),)
        if self._peek() != "(":
            return ((Frame("", 0, 0, text),),)
        self._next()
        inner = self.location()
        self._next()
        named = tuple((_renamed(chain[0], text), *chain[1:]) for chain in inner)
        return named or ((Frame("", 0, 0, text),),)

    def _skip_range(self) -> None:
        """``to :20`` or ``to 11:20``: the end of a range."""
        if self._peek() != "to":
            return
        self._next()
        while self._peek() == ":" or self._peek().isdigit():
            self._next()

    def _callsite(self) -> tuple[Chain, ...]:
        self._next()
        callees = self.location()
        self._next()
        callers = self.location()
        self._next()
        above: Chain = callers[0] if callers else ()
        return tuple(callee + above for callee in callees)

    def _fused(self) -> tuple[Chain, ...]:
        if self._peek() == "<":
            self._skip_metadata()
        self._next()
        chains: list[Chain] = []
        while self._peek() not in ("]", ""):
            chains.extend(self.location())
            if self._peek() == ",":
                self._next()
        self._next()
        return tuple(dict.fromkeys(chains))

    def _skip_metadata(self) -> None:
        depth = 0
        while token := self._next():
            if token in _PAIRS.values():
                depth += 1
            elif token in _PAIRS:
                depth -= 1
                if not depth:
                    return

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token


def _renamed(frame: Frame, name: str) -> Frame:
    """A frame with the innermost of the names given to it."""
    return Frame(frame.file, frame.line, frame.column, frame.name or name)
