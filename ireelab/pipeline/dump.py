"""One executed pass as the compiler told it, before steps are made of all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ireelab.pipeline.snapshot import Node
from ireelab.pipeline.statistic import Statistic

MARKER = "iree-util-dump-module"
"""The pass that ``--dump-compilation-phases-to`` adds at the end of each phase."""

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Dump:
    """The state of one op after (or before) one pass."""

    path: tuple[str, ...]  # from the root op to the op, each as MLIR names its folder
    counters: tuple[int, ...]  # per op of the path, how many passes it had had
    twins: tuple[int, ...]  # per op, how many without a symbol but of its kind stand before it
    name: str  # pass argument
    before: bool
    failed: bool
    node: Node
    thread: int
    start_ns: int  # when the pass had just ended
    end_ns: int  # when the op was written
    begin_ns: int = 0  # when the pass began, 0 where nobody saw
    stage: int = -1  # which step of a lab pipeline it belongs to
    statistics: tuple[Statistic, ...] = ()

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Program order, independent of how threads interleaved: by op, then by count.

        What runs on a nested op stands between the snapshots of its parent that surround it;
        siblings, which may run side by side, stand one after another in natural order.
        """
        key: list[object] = [self.stage, self.counters[0]]
        inner = zip(self.path[1:], self.twins[1:], self.counters[1:], strict=True)
        for folder, twin, counter in inner:
            key.extend((_natural(folder), twin, counter))
        return tuple(key), self.start_ns


def folder_name(kind: str, symbol: str) -> str:
    """What MLIR's tree printer calls the folder of an op.

    >>> folder_name("util.func", "main"), folder_name("builtin.module", "")
    ('util_func_main', 'builtin_module_no-symbol-name')
    """
    return f"{kind.replace('.', '_')}_{symbol or 'no-symbol-name'}"


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts ``dispatch_2`` before ``dispatch_10``."""
    return tuple(
        (0, int(part)) if part.isdigit() else (1, part) for part in _DIGITS.split(name) if part
    )
