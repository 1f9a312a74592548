"""Reads the snapshots that MLIR's tree printer writes, while the compiler runs.

``--mlir-print-ir-tree-dir`` gives one file per executed pass in a folder per op:
``builtin_module_main/util_func_f/12_3_cse.mlir`` is what ``cse`` left of ``f``, its third snapshot,
after the twelfth of the module. On Linux the files are numbered and a journal holds these names
(see ``interpose_ffi``); elsewhere they are where MLIR put them, written by a single thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from ireelab.pipeline.snapshot import Node, NodeParser

_BANNER = re.compile(
    r"^// -----// IR Dump (?P<when>Before|After) \S+(?P<failed> Failed)?"
    r":? ?(?P<rest>[^\n]*?) ?//----- //"
)
_FILE = re.compile(r"^((?:\d+_)*\d+)_(.+)\.mlir$")
_DIGITS = re.compile(r"(\d+)")

MARKER = "iree-util-dump-module"
"""The pass that ``--dump-compilation-phases-to`` adds at the end of each phase."""


@dataclass(frozen=True, slots=True)
class Dump:
    """One snapshot file: the state of one op after (or before) one pass."""

    path: tuple[str, ...]  # folders from the root op to the op printed
    counters: tuple[int, ...]  # per folder, how many snapshots that op had had
    name: str  # pass argument
    before: bool
    failed: bool
    node: Node
    thread: int
    start_ns: int  # when printing began: the pass had just ended
    end_ns: int  # when printing ended
    stage: int = -1  # which step of a lab pipeline it belongs to

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Program order, independent of how threads interleaved: by op, then by count.

        What runs on a nested op stands between the snapshots of its parent that surround it;
        siblings, which may run side by side, stand one after another in natural order.
        """
        key: list[object] = [self.stage, self.counters[0]]
        for folder, counter in zip(self.path[1:], self.counters[1:], strict=True):
            key.extend((_natural(folder), counter))
        return tuple(key), self.start_ns  # The time tells nameless twins apart.


@dataclass(frozen=True, slots=True)
class _File:
    """A complete snapshot file and what is known of its writing."""

    file: Path
    place: PurePath  # as MLIR named it, relative to the snapshot folder
    thread: int
    start_ns: int
    end_ns: int
    stage: int = -1


class DumpReader:
    """Collects snapshots from a folder that a running compiler writes to."""

    def __init__(self, root: Path, journal: Path) -> None:
        self.parser = NodeParser()
        self.dumps: list[Dump] = []
        self._root = root
        self._journal = journal
        self._offset = 0
        self._open: dict[str, tuple[PurePath, int, int]] = {}
        self._stages: dict[str, int] = {}
        self.stage = -1

    @property
    def newest_pass(self) -> str:
        """Argument of the pass whose snapshot was read last, for progress."""
        return self.dumps[-1].name if self.dumps else ""

    def poll(self) -> int:
        """Read (and remove) what has been written whole since the last call; how many it was."""
        files = list(self._from_journal())
        for file in files:
            self._read(file)
        return len(files)

    def finish(self) -> None:
        """Read the rest, once the compiler has ended."""
        self.poll()
        if not self._offset:
            for file in self._from_folders():
                self._read(file)

    def newest_begun(self) -> tuple[str, str] | None:
        """The pass and the op's folder of the last snapshot that was begun, from the journal.

        Of a compilation that prints before each pass, the pass that was running at the end.
        """
        lines = self._lines()
        begun = [line for line in lines if line.startswith("open ")]
        stages = [line for line in lines if line.startswith("step ")]
        self.stage = int(stages[-1].split(" ")[1]) if stages else -1
        if not begun:
            return None
        place = PurePath(begun[-1].split(" ", 4)[4])
        name = _FILE.match(place.name)
        return (name[2], place.parent.name) if name else None

    def _from_journal(self) -> Iterator[_File]:
        for line in self._lines():
            event, number, rest = line.split(" ", 2)
            if event == "open":
                thread, start_ns, place = rest.split(" ", 2)
                self._open[number] = (PurePath(place), int(thread), int(start_ns))
                self._stages[number] = self.stage
            elif event == "step":
                self.stage = int(number)
            else:
                opened, stage = self._open.pop(number), self._stages.pop(number)
                yield _File(self._root / number, *opened, int(rest), stage)

    def _lines(self) -> list[str]:
        """The journal's whole lines since the last call; the last one may be half written."""
        if not self._journal.exists():
            return []
        with self._journal.open("rb") as journal:
            journal.seek(self._offset)
            news = journal.read()
        news = news[: news.rfind(b"\n") + 1]
        self._offset += len(news)
        return news.decode("utf-8", "replace").splitlines()

    def _from_folders(self) -> Iterator[_File]:
        for file in self._root.rglob("*.mlir"):
            stat = file.stat()  # Not read yet: the time of access is still that of creation.
            place = file.relative_to(self._root)
            yield _File(file, place, 0, stat.st_atime_ns, stat.st_mtime_ns)

    def _read(self, file: _File) -> None:
        name = _FILE.match(file.place.name)
        text = file.file.read_text("utf-8", "replace")
        file.file.unlink()
        banner = _BANNER.match(text)
        if name is None or banner is None:
            return  # Cut short by a crash: the pass left nothing to show.
        self.dumps.append(
            Dump(
                path=file.place.parts[:-1],
                counters=tuple(int(part) for part in name[1].split("_")),
                name=name[2],
                before=banner["when"] == "Before",
                failed=banner["failed"] is not None,
                node=self.parser.parse_dump(text[banner.end() :], root=len(file.place.parts) == 2),
                thread=file.thread,
                start_ns=file.start_ns,
                end_ns=file.end_ns,
                stage=file.stage,
            )
        )


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts ``dispatch_2`` before ``dispatch_10``."""
    return tuple(
        (0, int(part)) if part.isdigit() else (1, part) for part in _DIGITS.split(name) if part
    )
