"""Collects what the compiler tells of its passes, while it runs.

On 64-bit Linux that is a journal (see ``instrumentation_ffi``). Elsewhere MLIR's tree printer
writes one file per executed pass in a folder per op, by a single thread:
``builtin_module_main/util_func_f/12_3_cse.mlir`` is what ``cse`` left of ``f``, its third snapshot,
after the twelfth of the module. Ops of a kind without a symbol share a folder there, where they
may overwrite each other's files.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from ireelab.pipeline.dump import Dump
from ireelab.pipeline.journal import JournalReader, Running
from ireelab.pipeline.snapshot import NodeParser

_BANNER = re.compile(
    r"^// -----// IR Dump (?P<when>Before|After) \S+(?P<failed> Failed)?"
    r":? ?(?P<rest>[^\n]*?) ?//----- //"
)
_FILE = re.compile(r"^((?:\d+_)*\d+)_(.+)\.mlir$")


class DumpReader:
    """Collects the passes of a running compiler."""

    def __init__(self, root: Path, journal: Path) -> None:
        self.parser = NodeParser()
        self.dumps: list[Dump] = []
        self._root = root
        self._journal = JournalReader(journal, self.parser)

    @property
    def newest_pass(self) -> str:
        """Argument of the pass that ended last, for progress."""
        return self.dumps[-1].name if self.dumps else ""

    @property
    def stage(self) -> int:
        """The lab step that began last, -1 where there is none."""
        return self._journal.stage

    def poll(self) -> int:
        """Read what has been written whole since the last call; how many passes it was."""
        before = len(self.dumps)
        self.dumps.extend(self._journal.poll())
        return len(self.dumps) - before

    def finish(self) -> None:
        """Read the rest, once the compiler has ended."""
        self.poll()
        if not self._journal.found:
            for file in self._root.rglob("*.mlir"):
                self._read(file)
            self.dumps = _with_twins(self.dumps)

    def running(self) -> Running | None:
        """The pass that had begun last and not ended; None where nobody saw."""
        return self._journal.running()

    def _read(self, file: Path) -> None:
        """One file of MLIR's tree printer, which is removed."""
        stat = file.stat()  # Not read yet: the time of access is still that of creation.
        place = file.relative_to(self._root)
        name = _FILE.match(place.name)
        text = file.read_text("utf-8", "replace")
        file.unlink()
        banner = _BANNER.match(text)
        if name is None or banner is None:
            return  # Cut short by a crash: the pass left nothing to show.
        path = place.parts[:-1]
        self.dumps.append(
            Dump(
                path=path,
                counters=tuple(int(part) for part in name[1].split("_")),
                twins=(0,) * len(path),
                name=name[2],
                before=banner["when"] == "Before",
                failed=banner["failed"] is not None,
                node=self.parser.parse_dump(text[banner.end() :], root=len(path) == 1),
                thread=0,
                start_ns=stat.st_atime_ns,
                end_ns=stat.st_mtime_ns,
            )
        )


def _with_twins(dumps: Sequence[Dump]) -> list[Dump]:
    """The dumps, those of ops that share a folder told apart, counted from the last one."""

    def surroundings(dump: Dump) -> tuple[tuple[str, ...], tuple[int, ...]]:
        return dump.path, dump.counters[:-1]

    def may_have_twins(dump: Dump) -> bool:
        return len(dump.path) == 2 and dump.path[1].endswith("_no-symbol-name")

    told = [dump for dump in dumps if not may_have_twins(dump)]
    twins = sorted(filter(may_have_twins, dumps), key=surroundings)
    for _, group in itertools.groupby(twins, surroundings):
        chains = _chains(sorted(group, key=lambda dump: (dump.start_ns, dump.counters)))
        for twin, chain in enumerate(chains, -len(chains)):
            told += [dataclasses.replace(d, twins=(*d.twins[:-1], twin)) for d in chain]
    return told


def _chains(dumps: Sequence[Dump]) -> list[list[Dump]]:
    """The dumps of one folder between two of its parent, a list for each op.

    All passes run on one op, then on the next: there the counter jumps, or, by chance, goes on;
    but every op gets the same passes, so the shortest run tells where to cut.
    """
    chains: list[list[Dump]] = []
    for dump in dumps:
        if not chains or dump.counters[-1] != chains[-1][-1].counters[-1] + 1:
            chains.append([])
        chains[-1].append(dump)
    length = min(len(chain) for chain in chains)
    return [chain[i : i + length] for chain in chains for i in range(0, len(chain), length)]
