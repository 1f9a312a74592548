"""The registers and globals that the VM pane looks into: their contents at every stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ireelab.vm.debugger import Debugger
from ireelab.vm.value_facts import PAGE, READ_AS


@dataclass(slots=True)
class _Opened:
    """How one is read; ``texts`` as last shown, ``before`` at the stop before."""

    read_as: str
    offset: int
    texts: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


class Opened:
    """What is open, by the names that ``debug_state`` gives values."""

    def __init__(self) -> None:
        self._opened: dict[str, _Opened] = {}

    def open(self, name: str, read_as: str, offset: int) -> None:
        """Show a page of its elements; "" reads them as what they are."""
        self._opened[name] = _Opened(read_as, offset)

    def shut(self, name: str) -> None:
        self._opened.pop(name, None)

    def moved(self) -> None:
        """The call has gone on: what is different now has changed."""
        for one in self._opened.values():
            one.before = one.texts

    def records(self, debugger: Debugger) -> list[dict[str, Any]]:
        """Of each its elements, which of them have changed, or why they cannot be read."""
        return [
            {"name": name, "as": one.read_as, "choices": list(READ_AS)} | _read(one, debugger, name)
            for name, one in self._opened.items()
        ]


def _read(one: _Opened, debugger: Debugger, name: str) -> dict[str, Any]:
    try:
        found = debugger.contents(name, one.read_as, one.offset)
    except Exception as error:  # whatever the device says
        one.texts = ()
        return {"error": str(error), "note": "", "type": "", "count": 0, "offset": 0, "page": PAGE,
                "texts": [], "changed": []}  # fmt: skip
    one.texts = found.texts
    same = len(one.before) == len(found.texts)
    pairs = zip(one.before, found.texts, strict=True) if same else ()
    changed = [i for i, (before, now) in enumerate(pairs) if before != now]
    return {"error": "", "note": found.note, "type": found.type, "count": found.count,
            "offset": found.offset, "page": PAGE, "texts": list(found.texts),
            "changed": changed}  # fmt: skip
