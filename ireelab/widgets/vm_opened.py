"""The registers and globals that the VM pane looks into: their contents at every stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ireelab.errors import IreelabError
from ireelab.vm.debug_state import named_values
from ireelab.vm.debugger import Debugger
from ireelab.vm.value_facts import PAGE, READ_AS, contents


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
        values = named_values(debugger)
        return [
            {"name": name, "as": one.read_as, "choices": list(READ_AS), **_read(one, values, name)}
            for name, one in self._opened.items()
        ]


def _read(one: _Opened, values: dict[str, Any], name: str) -> dict[str, Any]:
    try:
        if name not in values:
            raise IreelabError(f"there is no {name} here")
        found = contents(values[name], one.read_as, one.offset)
    except Exception as error:  # whatever the device says
        one.texts = ()
        return {"error": str(error), "type": "", "count": 0, "offset": 0, "page": PAGE,
                "texts": [], "changed": []}  # fmt: skip
    one.texts = found.texts
    same = len(one.before) == len(found.texts)
    pairs = zip(one.before, found.texts, strict=True) if same else ()
    changed = [i for i, (before, now) in enumerate(pairs) if before != now]
    return {"error": "", "type": found.type, "count": found.count, "offset": found.offset,
            "page": PAGE, "texts": list(found.texts), "changed": changed}  # fmt: skip
