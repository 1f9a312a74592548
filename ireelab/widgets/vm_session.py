"""A call that the VM pane steps through: a debugger of ``ireelab.vm`` in the kernel.

The page sends ``{"type": "live", "do": "vm", "op": OP, ...}``; the trait ``stepping`` says where
the call stands and is empty where none is stepped through. Moves are jobs, so that a long one can
be stopped. A session ends when the page says so, when something else is shown, and with the widget.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ireelab.errors import InvalidInput, IreelabError
from ireelab.vm.breakpoints import Place, parse_place
from ireelab.vm.debug_state import state_record
from ireelab.vm.debugger import Debugger
from ireelab.widgets.jobs import Busy, Deliver, Job, JobState
from ireelab.widgets.run_request import Request, RunRequest
from ireelab.widgets.vm_opened import Opened

if TYPE_CHECKING:
    from ireelab.widgets.explorer import Explorer

StartJob = Callable[[JobState, Callable[[Job], Deliver]], None]

_MOVES: dict[str, tuple[str, Callable[[Debugger], object]]] = {
    "step": ("stepping through", Debugger.step),
    "over": ("stepping through", Debugger.step_over),
    "out": ("leaving a function of", Debugger.step_out),
    "line": ("going to the next line of", Debugger.next_line),
    "continue": ("continuing", Debugger.resume),
    "restart": ("restarting", Debugger.restart),
}


class VmSession:
    """At most one call at a time; ``start_job`` is how a job is begun."""

    def __init__(self, explorer: Explorer, start_job: StartJob) -> None:
        self._explorer = explorer
        self._start_job = start_job
        self._call: _Call | None = None
        self._told: dict[str, Any] = {}
        self._opened = Opened()

    def start(self, asked: RunRequest, inputs: str) -> None:
        """Load the program and stand before the first instruction; ``inputs`` says what of.

        Breakpoints of the call before stay where there are such places.
        """
        call = _Call()
        kept = self._call.debugger.breakpoints if self._call and self._call.debugger else ()
        about = {"session": uuid4().hex, "device": asked.device, "inputs": inputs}

        def begin(job: Job) -> Deliver:
            program = asked.variant.program
            debugger = Debugger(program, asked.function, *asked.inputs, device=asked.device)
            for one in kept:
                with suppress(InvalidInput):
                    debugger.break_at(one.place)
            call.begin(debugger)
            return lambda: self._begun(call, about)

        before, self._call = self._call, call
        try:
            title = f"loading @{asked.function} on {asked.device}"
            self._start_job(JobState("vm", title, "instruction"), begin)
        except Busy:
            self._call = before
            raise
        if before is not None:
            before.close()

    def handle(self, request: Request) -> None:
        """Do what the page asks of the call.

        Raises:
            IreelabError: there is no call, or it goes on at this moment.
        """
        op = str(request["op"])
        if op == "end":
            self.end()
            return
        call = self._call
        if call is None or call.debugger is None:
            raise IreelabError("no call is stepped through: start one")
        if op in _MOVES:
            self._move(call, call.debugger, *_MOVES[op])
        elif op == "to":
            place = _place(call.debugger, request)
            self._move(call, call.debugger, f"running to {place} of", lambda one: one.run_to(place))
        else:
            if call.busy:
                raise Busy("the call goes on at this moment: stop it first")
            self._change(call.debugger, op, request)
            self._tell(call.debugger)

    def end(self) -> None:
        """Unload the program, at once or when the move that it is in has stopped."""
        call, self._call = self._call, None
        if call is not None:
            call.close()
            self._opened = Opened()
            self._explorer.stepping = {}

    # --- what is asked -------------------------------------------------------------------

    def _move(
        self, call: _Call, debugger: Debugger, title: str, move: Callable[[Debugger], object]
    ) -> None:
        def work(job: Job) -> Deliver:
            call.move(job, move)
            return lambda: self._moved(call)

        state = JobState("vm", f"{title} @{debugger.function}", "instruction")
        self._start_job(state, work)

    def _change(self, debugger: Debugger, op: str, request: Request) -> None:
        """Breakpoints, and values that are looked into."""
        if op == "break":
            place = _place(debugger, request)
            made = debugger.find(place)
            if made in debugger.breakpoints and "id" in request:
                debugger.clear(made)
            else:
                debugger.break_at(place)
        elif op == "clear":
            gone = [one for one in debugger.breakpoints if str(one) == request["place"]]
            for one in gone:
                debugger.clear(one)
        elif op == "open":
            self._opened.open(str(request["name"]), str(request["as"]), int(request["offset"]))
        elif op == "shut":
            self._opened.shut(str(request["name"]))
        else:
            raise IreelabError(f"the VM pane cannot {op!r}")

    # --- what the page is told, on the kernel's thread -----------------------------------

    def _begun(self, call: _Call, about: dict[str, Any]) -> None:
        self._told = about
        self._moved(call)

    def _moved(self, call: _Call) -> None:
        if call is self._call and call.debugger is not None:
            self._opened.moved()
            self._tell(call.debugger)

    def _tell(self, debugger: Debugger) -> None:
        opened = self._opened.records(debugger)
        self._explorer.stepping = {**self._told, **state_record(debugger), "opened": opened}


class _Call:
    """A debugger that is closed once no job works with it any more."""

    def __init__(self) -> None:
        self.debugger: Debugger | None = None
        self.busy = False
        self._closed = False
        self._lock = threading.Lock()

    def begin(self, debugger: Debugger) -> None:
        with self._lock:
            self.debugger = debugger
            if self._closed:
                debugger.close()

    def move(self, job: Job, move: Callable[[Debugger], object]) -> None:
        """What the program fails with is where the call then stands, and no error of the move."""
        debugger = self.debugger
        with self._lock:
            if self._closed or debugger is None:
                return
            self.busy = True
            debugger.stop, debugger.progress = job.stop, job.progress
        try:
            move(debugger)
        except Exception as error:
            if error is not debugger.error:
                raise
        finally:
            with self._lock:
                self.busy = False
                if self._closed:
                    debugger.close()

    def close(self) -> None:
        """Idempotent. A move that goes on is stopped, and its thread closes the debugger."""
        with self._lock:
            self._closed = True
            if self.debugger is None:
                return
            self.debugger.stop.set()
            if not self.busy:
                self.debugger.close()


def _place(debugger: Debugger, request: Request) -> Place:
    """Of an instruction by its id in the listing, or as somebody writes it."""
    if "id" not in request:
        return parse_place(str(request["place"]))
    ordinal, _, pc = str(request["id"]).partition(":")
    return Place(function=debugger.places.function(int(ordinal)), pc=int(pc))
