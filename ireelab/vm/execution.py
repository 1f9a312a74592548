"""One call, instruction by instruction, as a record that can be walked through afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ireelab.errors import IreelabError
from ireelab.vm.context import Context
from ireelab.vm.frame import Frame
from ireelab.vm.stepper import Stepper
from ireelab.vm.value_text import value_text

MOST_STEPS = 4000
"""Enough for every program without a long loop; a record of so many takes about 1 MB of JSON."""

Texts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """The call just before an instruction runs.

    ``changed`` are the registers of its frame that differ from those at the frame's moment
    before (on entering a function: its parameters); ``globals_changed`` the same of the module.
    """

    function: int  # ordinal
    pc: int
    depth: int  # calls that wait for this one
    changed: Texts
    globals_changed: Texts


@dataclass(frozen=True, slots=True)
class Execution:
    """``moments`` in order. ``end`` is "returned", "failed" (``error`` says how) or "stopped"
    where the record is full: the call was then not run to its end."""

    function: str
    moments: tuple[Moment, ...]
    end: str
    error: str
    results: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """``moments`` are ``[function ordinal, byte, depth, registers, globals]``, the latter two
        as objects of name and text."""
        return {
            "function": self.function,
            "moments": [
                [m.function, m.pc, m.depth, dict(m.changed), dict(m.globals_changed)]
                for m in self.moments
            ],
            "end": self.end,
            "error": self.error,
            "results": list(self.results),
        }


def record_execution(
    context: Context, function: str | None, *arrays: Any, most: int = MOST_STEPS
) -> Execution:
    """Step through a call and keep what each instruction changed.

    What the program or the device fails with ends the record; wrong inputs raise.
    """
    stepper = Stepper(context, function, *arrays)
    moments: list[Moment] = []
    seen: dict[int, dict[str, str]] = {}  # frame -> its registers' texts
    known: dict[str, str] = {}
    end, error = "returned", ""
    try:
        while not stepper.finished:
            if len(moments) == most:
                end = "stopped"
                break
            moments.append(_moment(stepper, seen, known))
            stepper.step()
    except IreelabError as failure:
        end, error = "failed", str(failure)
    name = context.program.function(function).name
    results = tuple(map(value_text, stepper.raw_results)) if end == "returned" else ()
    return Execution(name, tuple(moments), end, error, results)


def _moment(stepper: Stepper, seen: dict[int, dict[str, str]], known: dict[str, str]) -> Moment:
    frame = stepper.frame
    depth = len(stepper.frames) - 1
    for gone in [key for key in seen if key > depth]:
        del seen[gone]
    return Moment(
        frame.function.ordinal,
        frame.pc,
        depth,
        _changes(seen.setdefault(depth, {}), _registers(frame)),
        _changes(known, {name: value_text(value) for name, value in global_values(stepper)}),
    )


def _registers(frame: Frame) -> dict[str, str]:
    return {name: value_text(value) for name, value in frame.registers.items()}


def _changes(known: dict[str, str], now: Mapping[str, str]) -> Texts:
    """What is new or different, which is then known."""
    changed = tuple((name, text) for name, text in now.items() if known.get(name) != text)
    known.update(changed)
    return changed


def global_values(stepper: Stepper) -> Iterator[tuple[str, Any]]:
    """The module's globals under the names of the disassembly: "ref 0", "value 8" (byte 8)."""
    values, refs = stepper.globals
    for slot, value in enumerate(values):
        if value:
            yield f"value {4 * slot}", value
    for slot, ref in enumerate(refs):
        yield f"ref {slot}", ref


def named_values(stepper: Stepper) -> dict[str, Any]:
    """Everything with a name: "%r0" of the function that runs, "^%r0" of its caller ("^^%r0" of
    that one's), "ref 0" of the globals, "result 0".
    """
    found: dict[str, Any] = {}
    for up, frame in enumerate(reversed(stepper.frames)):
        prefix = frame_prefix(up)
        found.update((f"{prefix}{name}", value) for name, value in frame.registers.items())
    found.update(global_values(stepper))
    found.update((f"result {i}", value) for i, value in enumerate(stepper.raw_results))
    return found


def frame_prefix(up: int) -> str:
    """Before the names of registers of functions that wait."""
    return "^" * up + "%"
