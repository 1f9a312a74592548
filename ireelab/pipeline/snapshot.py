"""IR snapshots as a Merkle tree of ops: what a pass did not touch is stored once.

A module text is split into its top-level ops, containers (executables, inner modules) into
theirs, and so on; leaves are function-like ops. Nodes are immutable and shared between all
snapshots of a trace, so that a trace costs what changed, not passes x module size. Texts are
compressed, and read again when someone looks.

The text must be printed with MLIR's local scope: a symbol's text then never depends on its
neighbours (no ``#map3`` that becomes ``#map4`` because another function went away).
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

CONTAINERS = frozenset(
    {
        "builtin.module",
        "flow.executable",
        "stream.executable",
        "hal.executable",
        "hal.executable.variant",
        "vm.module",
    }
)
"""Ops whose body holds symbols rather than code."""

_DEEPEST = 32
"""Containers nested deeper than this are leaves, so that no input exhausts the stack."""

_HEADER = re.compile(
    r'^"?(?P<kind>[\w.$-]+)"?(?:(?:\s+\w+)*?\s+@(?P<symbol>"(?:[^"\\]|\\.)*"|[\w$.-]+))?'
)
_CHILD = re.compile(r'\n  (?="?[A-Za-z_][\w.$-]*"?(?:[ ({]|\n|\Z))')
_COMPOSITE = re.compile(r"(#util\.composite<\d+xi8, \[)\n(.*?)\n\]>", re.DOTALL)
_OP = re.compile(r'\n *(?:%[^=\n]*= )?"?([a-z_]\w*)\.[\w$]')  # The "\n" makes it fast.


_NO_BODY = "{...}"
"""What MLIR prints for a region that it was told to skip."""

_END = re.compile(r"[a-z_.]+[._](end|terminator)( loc\(.*\))?")

_PLAIN_CHARACTERS = 256
"""Heads up to this length are kept as they are; longer ones are worth compressing."""


@functools.lru_cache(maxsize=64)
def _unpacked(packed: bytes) -> str:
    return zlib.decompress(packed).decode()


@dataclass(frozen=True, eq=False)
class Node:
    """One op of a snapshot, its text compressed."""

    kind: str  # "util.func"
    symbol: str  # "main", empty for an op without a symbol
    packed: bytes | str  # the head; as text where it is short
    children: tuple[Node, ...]
    tail: str
    digest: bytes
    frame: bytes  # digest of head and tail
    op_counts: Mapping[str, int]  # ops per dialect, this op included

    @property
    def head(self) -> str:
        """A leaf's whole text, else the lines before the body."""
        return self.packed if isinstance(self.packed, str) else _unpacked(self.packed)

    @property
    def name(self) -> str:
        """How views call it: ``util.func @main``."""
        return f"{self.kind} @{self.symbol}" if self.symbol else self.kind

    @cached_property
    def folder(self) -> str:
        """The folder name MLIR's tree printer gives this op."""
        return f"{self.kind.replace('.', '_')}_{self.symbol.strip(chr(34)) or 'no-symbol-name'}"

    def pieces(self, indent: int = 0) -> Iterator[tuple[str, int]]:
        """The node's text as (piece, indentation in columns) pairs, in order."""
        yield self.head, indent
        for child in self.children:
            yield from child.pieces(indent + 2)
        if self.tail:
            yield self.tail, indent

    def text(self) -> str:
        """The op's IR, ending in a newline."""
        return "".join(indented(piece, indent) for piece, indent in self.pieces())


def indented(piece: str, indent: int) -> str:
    """``piece`` shifted right by ``indent`` columns, ending in a newline."""
    if not indent:
        return piece + "\n"
    margin = " " * indent
    return margin + piece.replace("\n", "\n" + margin) + "\n"


class NodeParser:
    """Texts -> nodes, each distinct text parsed once and each distinct node kept once."""

    def __init__(self) -> None:
        self._depth = 0
        self._by_text: dict[bytes, Node] = {}
        self._by_digest: dict[bytes, Node] = {}

    def parse_dump(self, text: str, *, root: bool) -> Node:
        """The node of one printed op; anything that is not a known container becomes a leaf.

        An op reads the same whether it was printed alone or inside its parent: an inner
        ``module`` says ``builtin.module`` and an attribute that spans lines, which MLIR does not
        indent, is put on one.
        """
        text = text.strip("\n")
        if not root and text.startswith("module"):
            text = f"builtin.{text}"
        if "#util.composite<" in text:
            text = _COMPOSITE.sub(_on_one_line, text)
        return self._node(text)

    def container(self, text: str, children: Sequence[Node], *, root: bool) -> Node:
        """The node of an op that was printed without its body, and of the ops in it.

        What ends a body without saying more is not printed there either.
        """
        if children and _END.fullmatch(children[-1].head):
            children = children[:-1]
        text = text.strip("\n")
        if not root and text.startswith("module"):
            text = f"builtin.{text}"
        start, body, end = text.rpartition(_NO_BODY)
        if not body or not children:
            return self._node(f"{start}{{\n}}{end}" if body else text)
        kind, symbol = _kind_and_symbol(text)
        return self._intern(kind, symbol, start + "{", tuple(children), "}" + end)

    def _node(self, text: str) -> Node:
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        node = self._by_text.get(key)
        if node is None:
            node = self._by_text[key] = self._parse(text)
        return node

    def with_child(self, parent: Node, index: int, child: Node) -> Node:
        """``parent`` with one child replaced."""
        children = (*parent.children[:index], child, *parent.children[index + 1 :])
        digest = _digest_of(parent.frame, children)
        if digest in self._by_digest:
            return self._by_digest[digest]
        counts = Counter(parent.op_counts)
        counts.subtract(parent.children[index].op_counts)
        counts.update(child.op_counts)
        node = dataclasses.replace(
            parent,
            children=children,
            digest=digest,
            op_counts={k: n for k, n in counts.items() if n},
        )
        return self._by_digest.setdefault(digest, node)

    def _parse(self, text: str) -> Node:
        kind, symbol = _kind_and_symbol(text)
        starts = (
            [match.start() + 1 for match in _CHILD.finditer(text)] if kind in CONTAINERS else []
        )
        end = text.rfind("\n}")
        first_line_end = text.find("\n")
        whole = not starts or self._depth == _DEEPEST
        if whole or end < 0 or not text[:first_line_end].endswith("{"):
            return self._intern(kind, symbol, text, (), "")
        resources = text.find("\n{-#")  # Dialect resources are printed after the last brace.
        if resources >= 0:
            end = text.rfind("\n}", 0, resources + 1)
            starts = [start for start in starts if start < end]
        bounds = [*starts, end + 1]
        self._depth += 1
        children = tuple(
            self._node(_dedented(text[start:stop])) for start, stop in itertools.pairwise(bounds)
        )
        self._depth -= 1
        return self._intern(kind, symbol, text[: starts[0]].rstrip("\n"), children, text[end + 1 :])

    def _intern(
        self, kind: str, symbol: str, head: str, children: tuple[Node, ...], tail: str
    ) -> Node:
        encoded = head.encode()
        hasher = hashlib.blake2b(encoded, digest_size=16)
        hasher.update(tail.encode())
        frame = hasher.digest()
        digest = _digest_of(frame, children)
        node = self._by_digest.get(digest)
        if node is None:
            counts = Counter(_OP.findall("\n" + head))
            for child in children:
                counts.update(child.op_counts)
            packed = head if len(head) <= _PLAIN_CHARACTERS else zlib.compress(encoded, 1)
            node = Node(kind, symbol, packed, children, tail, digest, frame, dict(counts))
            self._by_digest[digest] = node
        return node


def _digest_of(frame: bytes, children: Sequence[Node]) -> bytes:
    hasher = hashlib.blake2b(frame, digest_size=16)
    for child in children:
        hasher.update(child.digest)
    return hasher.digest()


def _kind_and_symbol(text: str) -> tuple[str, str]:
    match = _HEADER.match(text)
    if match is None:
        return "", ""
    kind = "builtin.module" if match["kind"] == "module" else match["kind"]
    return kind, match["symbol"] or ""


def _on_one_line(match: re.Match[str]) -> str:
    parts = " ".join(line.strip() for line in match[2].splitlines())
    return f"{match[1]}{parts}]>"


def _dedented(text: str) -> str:
    """Text of a child without the two columns of indentation of its parent's body."""
    return text[2:].rstrip("\n").replace("\n  ", "\n")
