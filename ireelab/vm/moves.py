"""How far a move of the debugger goes: instruction after instruction until something stops it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ireelab.vm.breakpoints import Address, Breakpoint, Reached, line_of
from ireelab.vm.scheduler import Wait
from ireelab.vm.stepper import Stepper

_POLL_SECONDS = 0.05  # how soon a wait hears ``stop``
_TOLD_EVERY = 1 << 12  # instructions

Progress = Callable[[int], None]
"""Told how many instructions the call has executed."""


@dataclass(frozen=True, slots=True)
class Move:
    """What ends a move besides the end of the call, a failure, and ``stop``.

    ``yields``: a wait that is pending ends it too; otherwise it waits.
    """

    arrived: Callable[[], bool]
    places: tuple[Breakpoint, ...]
    yields: bool = False


def execute(
    stepper: Stepper, move: Move, stop: threading.Event, progress: Progress | None
) -> Breakpoint | str:
    """Go on, one instruction at least; returns the place that was reached, or "stepped", "waits",
    "stopped" (by ``stop``) or "returned". Raises what the program or the device fails with.
    """
    reached = Reached(move.places)
    reached.at(address_of(stepper), line_at(stepper))
    while not stepper.finished:
        _advance(stepper, move.yields, stop)
        if stepper.finished:
            break
        if stepper.waiting is not None:
            return "stopped" if stop.is_set() else "waits"
        hit = reached.at(address_of(stepper), line_at(stepper) if reached.lines else None)
        if hit is not None:
            return hit
        if move.arrived():
            return "stepped"
        if stop.is_set():
            return "stopped"
        if progress is not None and stepper.steps % _TOLD_EVERY == 0:
            progress(stepper.steps)
    return "returned"


def address_of(stepper: Stepper) -> Address | None:
    """The next instruction: the ordinal of its function, and its byte."""
    return None if stepper.finished else (stepper.frame.function.ordinal, stepper.pc)


def line_at(stepper: Stepper) -> int | None:
    """Line of the source that the next instruction comes from."""
    return None if stepper.finished else line_of(stepper.location)


def _advance(stepper: Stepper, yields: bool, stop: threading.Event) -> None:
    """One instruction; of a wait that yields first what submits it, then what ends it."""
    if stepper.waiting is None:
        stepper.step(block=False)
        if yields:
            return
    while stepper.waiting is not None and not stop.is_set():
        _block(stepper.waiting, stop)
        stepper.step(block=False)


def _block(wait: Wait, stop: threading.Event) -> None:
    """Until it is over or ``stop`` is set."""
    changed = threading.Event()
    for fence in wait.fences:
        fence.on_signaled(changed.set)
    while not wait.done() and not stop.is_set():
        changed.wait(_POLL_SECONDS)
        changed.clear()
