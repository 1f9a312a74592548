"""What an explorer shows of its history: a compilation and a run of it, and the last problem.

What jobs find out arrives here, on the kernel's thread, and is then told to the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ireelab.errors import CompileError, IreelabError
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.compare_traces import Compared
from ireelab.viz.payload import Run
from ireelab.vm.run import RunResult
from ireelab.widgets.history import Compilation, History, Ran, Variant
from ireelab.widgets.live_record import live_record, options_record, problem_record
from ireelab.widgets.run_request import RunRequest, as_before, variant_of

if TYPE_CHECKING:
    from ireelab.widgets.explorer import Explorer

Tried = tuple[RunRequest, RunResult | Exception] | None
"""A run that was made beside something else, or what it failed with."""


class Shown:
    """The history, which of it is shown, and the ``live`` trait that says so.

    ``on_change`` is called before something else is shown.
    """

    def __init__(self, explorer: Explorer, on_change: Callable[[], None]) -> None:
        self.history = History()
        self.compilation: Compilation | None = None
        self.ran: Ran | None = None
        self._explorer = explorer
        self._on_change = on_change
        self._options: dict[str, Any] | None = None
        self._problem: dict[str, Any] | None = None
        self._where = "run"

    def begin(self, given: Trace | CompileError | Program, result: Run | None) -> None:
        """Start anew with what ``Explorer.show`` was given; an error carries its trace."""
        self.forget()
        self._problem = None
        if isinstance(given, Program):
            self.history.add_variant("as loaded", 0, given)
        else:
            error = given if isinstance(given, CompileError) else None
            trace = given.trace if isinstance(given, CompileError) else given
            assert trace is not None
            self.compilation = self.history.add_compilation("shown first", trace, error)
        variants = self.history.variants
        if result is not None and variants:
            self.ran = self.history.add_run(variants[-1], result)
        self.publish()

    def forget(self) -> None:
        self._on_change()
        self.history, self.compilation, self.ran = History(), None, None

    # --- telling the page ----------------------------------------------------------------

    def publish(self) -> None:
        """What there is now."""
        variants = self._variants()
        program = variants[0].program if variants else None
        self._explorer.live = {
            **live_record(self.history, self.compilation, program, self.ran),
            "options": self._options,
            "problem": self._problem,
        }

    def tell_options(self) -> None:
        if self._options is None:
            self._options = options_record()
        self.publish()

    def asked(self, where: str) -> None:
        """A pane asks for something: what goes wrong from now on is said there."""
        self._where = where
        self._problem = None

    def say(self, error: Exception) -> None:
        self._problem = problem_record(self._where, error)
        self.publish()

    # --- what is shown -------------------------------------------------------------------

    @property
    def trace(self) -> Trace:
        if self.compilation is None:
            raise IreelabError("this program came without the trace of its compilation")
        return self.compilation.trace

    @property
    def variant(self) -> Variant:
        """The program of the run that is shown, else as compiled."""
        if self.ran is not None:
            return self.ran.variant
        variants = self._variants()
        return variant_of(self.history, variants[0].number if variants else 0)

    def number(self, kind: str) -> int:
        """Of the run or compilation that is shown."""
        shown = self.ran if kind == "run" else self.compilation
        return 0 if shown is None else shown.number

    def again(self) -> RunRequest | None:
        """The run that is shown as a request."""
        return None if self.ran is None else as_before(self.ran, self.history)

    def _variants(self) -> list[Variant]:
        number = 0 if self.compilation is None else self.compilation.number
        return self.history.variants_of(number)

    # --- what came of jobs ---------------------------------------------------------------

    def compiled(self, label: str, trace: Trace, ran: Tried) -> None:
        made = self.history.add_compilation(label, trace)
        self.show_compilation(made)
        variants = self.history.variants_of(made.number)
        if variants:
            self._add_tried(ran, variants[0])
        self.publish()

    def failed(self, label: str, error: CompileError) -> None:
        """The steps before a failure can be looked at; what is shown stays."""
        if error.trace is not None and error.trace.steps:
            self.history.add_compilation(label, error.trace, error)
        self.say(error)

    def replaced(self, label: str, base: Variant, program: Program, ran: Tried) -> None:
        """A kernel was replaced."""
        variant = self.history.add_variant(label, base.compilation, program, edited=True)
        self._add_tried(ran, variant)
        self.publish()

    def add_run(self, asked: RunRequest, result: RunResult) -> None:
        before = self.ran or (self.history.runs[-1] if self.history.runs else None)
        ran = self.history.add_run(asked.variant, result, asked.texts, asked.device)
        self.show_run(ran, before)
        self.publish()

    def _add_tried(self, ran: Tried, variant: Variant) -> None:
        if ran is None:
            return
        asked, result = ran
        if isinstance(result, Exception):
            self.say(result)
        else:
            self.add_run(replace(asked, variant=variant), result)

    # --- showing something else ----------------------------------------------------------

    def show_run(self, ran: Ran, before: Ran | None) -> None:
        """Show a run, and first the compilation that it is of."""
        self._on_change()
        number = ran.variant.compilation
        if self.compilation is not None and self.compilation.number != number:
            self.show_compilation(self.history.compilations[number - 1])
        self.ran = ran
        self._explorer.show_run(ran, before)

    def show_compilation(
        self,
        compilation: Compilation | None,
        ran: Ran | None = None,
        compared: Compared | None = None,
    ) -> None:
        """Show a compilation and a run of it, the last one where none is given."""
        if compilation is None:
            return
        self._on_change()
        self.compilation = compilation
        self.ran = ran or self.history.last_run_of(compilation.number)
        self._explorer.show_compilation(compilation, self.ran, compared)
