"""Where a call under the debugger stands, as plain data: what a page shows of it at each stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ireelab.vm.debugger import Debugger, Seen
from ireelab.vm.execution import frame_prefix, global_values, named_values
from ireelab.vm.frame import Frame
from ireelab.vm.value_facts import Facts, facts, has_contents
from ireelab.vm.value_text import value_text

_MOST_FRAMES = 32  # the innermost of a deep recursion


@dataclass(frozen=True, slots=True)
class Held:
    """A register or a global. ``changed``: it is not what it was when the last move began.

    ``same`` are others that hold the very same object.
    """

    name: str
    type: str
    text: str
    changed: bool
    facts: Facts
    readable: bool
    same: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "text": self.text,
            "changed": self.changed,
            "facts": [list(pair) for pair in self.facts],
            "readable": self.readable,
            "same": list(self.same),
        }


def state_record(call: Debugger) -> dict[str, Any]:
    """``frames`` are outermost first; the last one runs. ``waits`` are the fences awaited."""
    frames = call.stepper.frames
    refs = _by_identity(call)
    return {
        "function": call.function,
        "why": call.why,
        "error": "" if call.error is None else str(call.error),
        "kind": type(call.error).__name__ if call.error is not None else "",
        "steps": call.stepper.steps,
        "frames": [
            _frame(frame, call.seen(frame), len(frames) - 1 - i, refs)
            for i, frame in enumerate(frames)
        ][-_MOST_FRAMES:],
        "depth": len(frames),
        "globals": [
            one.to_json()
            for one in _held(global_values(call.stepper), {}, call.seen(None), "", refs)
        ],
        "waits": [
            {"text": value_text(fence), "facts": [list(pair) for pair in facts(fence)]}
            for fence in (call.waiting.fences if call.waiting else ())
        ],
        "results": [
            one.to_json()
            for one in _held(
                ((f"result {i}", value) for i, value in enumerate(call.stepper.raw_results)),
                {},
                {},
                "",
                refs,
            )
        ],
        "breakpoints": [
            {"text": str(one), "ids": [f"{fn}:{pc}" for fn, pc in sorted(one.addresses)]}
            for one in call.breakpoints
        ],
    }


def _frame(frame: Frame, seen: Seen, up: int, refs: dict[int, list[str]]) -> dict[str, Any]:
    held = _held(frame.registers.items(), frame.types, seen, frame_prefix(up), refs)
    return {
        "ordinal": frame.function.ordinal,
        "function": frame.function.name,
        "pc": frame.pc,
        "registers": [one.to_json() for one in sorted(held, key=_order)],
    }


def _held(
    values: Iterable[tuple[str, Any]],
    types: dict[str, str],
    seen: Seen,
    prefix: str,
    refs: dict[int, list[str]],
) -> list[Held]:
    made: list[Held] = []
    for name, value in values:
        text = value_text(value)
        before, said = seen.get(name, (None, ""))
        number = isinstance(value, int | float)
        changed = name not in seen or said != text or (not number and before is not value)
        own = f"{prefix}{name}"
        same = () if number else tuple(other for other in refs.get(id(value), ()) if other != own)
        kind = types.get(name) or ("ref" if not number else "")
        made.append(Held(name, kind, text, changed, facts(value), has_contents(value), same))
    return made


def _by_identity(call: Debugger) -> dict[int, list[str]]:
    """The names of everything that holds a reference, by the object."""
    found: dict[int, list[str]] = {}
    for name, value in named_values(call.stepper).items():
        if value is not None and not isinstance(value, int | float):
            found.setdefault(id(value), []).append(name)
    return found


def _order(held: Held) -> tuple[bool, int]:
    """References first, then by number: r2, r10, i0, i3."""
    return held.name[0] != "r", int(held.name[1:])
