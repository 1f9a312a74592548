"""What the page asks of the kernel: run, compile, edit and go on, stop, show an earlier one.

Each request is a message ``{"type": "live", "do": ACTION, ...}``. Long ones become a job
(``jobs.py``); its result is added to the history and shown. What goes wrong is said in the pane
that asked, and leaves everything as it was.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ireelab.errors import CompileError, IreelabError
from ireelab.pipeline.compile import compile
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.compare import compare
from ireelab.viz.compare_traces import Compared
from ireelab.viz.payload import Run
from ireelab.vm.run import RunResult, run
from ireelab.widgets.history import Compilation, History, Ran, Variant
from ireelab.widgets.inputs import read_inputs
from ireelab.widgets.jobs import Deliver, Job, Jobs, JobState
from ireelab.widgets.live_record import live_record, options_record, problem_record

if TYPE_CHECKING:
    from ireelab.widgets.explorer import Explorer

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _RunRequest:
    """A run that was asked for, its inputs read."""

    variant: Variant
    function: str
    inputs: Sequence[Any]
    texts: Sequence[str]
    device: str
    repeat: int
    profile: bool

    @property
    def state(self) -> JobState:
        title = f"running @{self.function} on {self.device}"
        return JobState("run", title, "call", total=self.repeat)


class Live:
    """The live side of one explorer: its history, its job, and what it shows of them."""

    def __init__(self, explorer: Explorer) -> None:
        self.history = History()
        self.shown: Compilation | None = None
        self.ran: Ran | None = None
        self._explorer = explorer
        self._jobs = Jobs(self._on_state, self._on_error)
        self._options: dict[str, Any] | None = None
        self._problem: dict[str, Any] | None = None
        self._where = "run"
        self._actions: dict[str, Callable[[Request], None]] = {
            "options": self._tell_options,
            "run": self._run,
            "compile": self._compile,
            "resume": self._resume,
            "edit-kernel": self._edit_kernel,
            "recompile-kernel": self._recompile_kernel,
            "stop": lambda _request: self.stop(),
            "show-run": self._show_run,
            "show-compilation": self._show_compilation,
            "compare": self._compare,
        }

    def begin(
        self,
        trace: Trace | None,
        program: Program | None,
        error: CompileError | None,
        result: Run | None,
    ) -> None:
        """Start anew with what ``Explorer.show`` was given."""
        self._jobs.stop()
        self.history, self.shown, self.ran = History(), None, None
        self._problem = None
        if trace is not None:
            self.shown = self.history.add_compilation("shown first", trace, error)
        elif program is not None:
            self.history.add_variant("as loaded", 0, program)
        variants = self.history.variants
        if result is not None and variants:
            self.ran = self.history.add_run(variants[-1], result)
        self.publish()

    def handle(self, request: Request) -> None:
        """Do what the page asks; what cannot be done is said there."""
        action = self._actions.get(str(request.get("do")))
        if action is None:
            return
        if request["do"] not in ("options", "stop"):
            self._where = str(request.get("where") or request["do"])
            self._problem = None
        try:
            action(request)
        except Exception as error:  # the page that waits must be told, whatever it is
            self._on_error(error)

    def stop(self) -> None:
        self._jobs.stop()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        return self._jobs.wait(timeout_seconds)

    def close(self) -> None:
        """Stop the job and forget everything."""
        self._jobs.close()
        self.history, self.shown, self.ran = History(), None, None

    def publish(self) -> None:
        """Tell the page what there is now."""
        program = None
        variants = self.history.variants_of(0 if self.shown is None else self.shown.number)
        if variants:
            program = variants[0].program
        self._explorer.live = {
            **live_record(self.history, self.shown, program, self.ran),
            "options": self._options,
            "problem": self._problem,
        }

    # --- requests ------------------------------------------------------------------------

    def _tell_options(self, _request: Request) -> None:
        if self._options is None:
            self._options = options_record()
        self.publish()

    def _run(self, request: Request) -> None:
        variant = self._variant(int(request["program"]))
        asked = self._asked(request, variant)
        self._start(asked.state, lambda job: self._ran_in(job, asked))

    def _compile(self, request: Request) -> None:
        trace = self._trace()
        target, pipeline, until = (str(request[name]) for name in ("target", "pipeline", "until"))
        flags = _flags(request)
        source = str(request.get("source") or trace.source)
        edited = ["edited source:"] if source != trace.source else []
        end = [] if until == "vm" else [f"until {until}"]
        label = " ".join((*edited, target, pipeline, *end, *flags))

        def make(job: Job) -> Trace:
            return compile(
                source,
                name=f"{trace.name}.mlir",
                target=target,
                pipeline=pipeline,
                until=until,
                flags=flags,
                progress=job.progress,
                stop=job.stop,
            )

        self._start_compilation(f"compiling {trace.name} for {target}", label, make, request)

    def _resume(self, request: Request) -> None:
        trace, step = self._trace(), int(request["step"])
        text, until = request.get("text"), str(request.get("until") or "vm")
        name = next((n for n, last in trace.boundaries.items() if last == step), str(step))
        label = f"{'edited' if text is not None else 'resumed'} after {name}"

        def make(job: Job) -> Trace:
            return trace.resume(step, text, until=until, progress=job.progress, stop=job.stop)

        self._start_compilation(f"compiling what follows {name}", label, make, request)

    def _edit_kernel(self, request: Request) -> None:
        base, kernel, text = self._base(), str(request["kernel"]), str(request["text"])
        state = JobState("compile", f"checking the LLVM IR of {kernel}", "step")

        def work(job: Job) -> Deliver:
            program = base.program.with_llvm_ir(kernel, text)
            label = f"{kernel.rpartition('::')[2]}: LLVM IR edited"
            return self._replaced(job, base, label, program)

        self._start(state, work)

    def _recompile_kernel(self, request: Request) -> None:
        base, trace = self._base(), self._trace()
        kernel, flags = str(request["kernel"]), _flags(request)
        state = JobState("compile", f"compiling {kernel.partition('::')[0]} again", "step")

        def work(job: Job) -> Deliver:
            program, _alone = trace.recompile(
                kernel, flags=flags, program=base.program, progress=job.progress, stop=job.stop
            )
            label = f"{kernel.rpartition('::')[2]}: {shlex.join(flags) or 'the same flags'}"
            return self._replaced(job, base, label, program)

        self._start(state, work)

    def _show_run(self, request: Request) -> None:
        number = int(request["number"])
        against = int(request.get("against") or number - 1)
        before = self.history.runs[against - 1] if against else None
        self._present(self.history.runs[number - 1], before)
        self.publish()

    def _show_compilation(self, request: Request) -> None:
        self._present_compilation(self.history.compilations[int(request["number"]) - 1])
        self.publish()

    def _compare(self, request: Request) -> None:
        """Another run or compilation beside what is shown."""
        trace, number = self._trace(), int(request["number"])
        if request["kind"] == "run":
            other = self.history.runs[number - 1]
            made = self.history.compilations[other.variant.compilation - 1]
        else:
            made = self.history.compilations[number - 1]
            other = self.history.last_run_of(number)
        mine = None if self.ran is None else self.ran.result
        theirs = None if other is None else other.result
        shown = self._number(str(request["kind"]))
        labels = (f"{request['kind']} {shown}", f"{request['kind']} {number}")
        state = JobState("compile", f"comparing {labels[0]} and {labels[1]}", "step")

        def work(_job: Job) -> Deliver:
            compared = compare((trace, mine), (made.trace, theirs), labels=labels)
            _ = compared.rows  # what takes long
            return lambda: self._present_compilation(self.shown, self.ran, compared)

        self._start(state, work)

    def _number(self, kind: str) -> int:
        """Of the run or compilation that is shown."""
        shown = self.ran if kind == "run" else self.shown
        return 0 if shown is None else shown.number

    # --- jobs ----------------------------------------------------------------------------

    def _start(self, state: JobState, work: Callable[[Job], Deliver]) -> None:
        self._jobs.start(state, work)
        self.publish()

    def _start_compilation(
        self, title: str, label: str, make: Callable[[Job], Trace], request: Request
    ) -> None:
        """Compile and, where the page wants it, run the outcome as the program before it was."""
        again = self._again() if request.get("run") else None
        total = len(self.shown.trace.steps) if self.shown else 0

        def work(job: Job) -> Deliver:
            try:
                trace = make(job)
            except CompileError as error:
                failed = error
                return lambda: self._failed(label, failed)
            ran = self._try_run(job, again, trace.compiled)
            return lambda: self._compiled(label, trace, ran)

        self._start(JobState("compile", title, "step", total=total), work)

    def _ran_in(self, job: Job, asked: _RunRequest) -> Deliver:
        result = _call(job, asked, asked.variant.program)
        return lambda: self._add_run(asked, result)

    def _replaced(self, job: Job, base: Variant, label: str, program: Program) -> Deliver:
        """A kernel was replaced: run as before, then show both."""
        ran = self._try_run(job, self._again(), program)

        def deliver() -> None:
            variant = self.history.add_variant(label, base.compilation, program, edited=True)
            self._finish_run(ran, variant)
            self.publish()

        return deliver

    def _try_run(
        self, job: Job, again: _RunRequest | None, program: Program | None
    ) -> tuple[_RunRequest, RunResult | Exception] | None:
        """The last run once more with another program; a failure does not lose the program."""
        if again is None or program is None:
            return None
        try:
            job.next(again.state)
            return again, _call(job, again, program)
        except Exception as error:
            return again, error

    # --- results, on the kernel's thread -------------------------------------------------

    def _compiled(
        self, label: str, trace: Trace, ran: tuple[_RunRequest, RunResult | Exception] | None
    ) -> None:
        made = self.history.add_compilation(label, trace)
        self._present_compilation(made)
        variants = self.history.variants_of(made.number)
        if variants:
            self._finish_run(ran, variants[0])
        self.publish()

    def _failed(self, label: str, error: CompileError) -> None:
        """The steps before a failure can be looked at; what is shown stays."""
        if error.trace is not None and error.trace.steps:
            self.history.add_compilation(label, error.trace, error)
        self._on_error(error)

    def _finish_run(
        self, ran: tuple[_RunRequest, RunResult | Exception] | None, variant: Variant
    ) -> None:
        if ran is None:
            return
        asked, result = ran
        if isinstance(result, Exception):
            self._on_error(result)
        else:
            self._add_run(replace(asked, variant=variant), result)

    def _add_run(self, asked: _RunRequest, result: RunResult) -> None:
        before = self.ran or (self.history.runs[-1] if self.history.runs else None)
        ran = self.history.add_run(asked.variant, result, asked.texts, asked.device)
        self._present(ran, before)
        self.publish()

    def _present(self, ran: Ran, before: Ran | None) -> None:
        """Show a run, and first the compilation that it is of."""
        number = ran.variant.compilation
        if self.shown is not None and self.shown.number != number:
            self._present_compilation(self.history.compilations[number - 1])
        self.ran = ran
        self._explorer.show_run(ran, before)

    def _present_compilation(
        self,
        compilation: Compilation | None,
        ran: Ran | None = None,
        compared: Compared | None = None,
    ) -> None:
        """Show a compilation and a run of it, the last one where none is given."""
        if compilation is None:
            return
        self.shown = compilation
        self.ran = ran or self.history.last_run_of(compilation.number)
        self._explorer.show_compilation(compilation, self.ran, compared)

    def _on_state(self, state: JobState | None) -> None:
        self._explorer.job = {} if state is None else state.to_json()

    def _on_error(self, error: Exception) -> None:
        self._problem = problem_record(self._where, error)
        self.publish()

    # --- what a request is about ---------------------------------------------------------

    def _trace(self) -> Trace:
        if self.shown is None:
            raise IreelabError("this program came without the trace of its compilation")
        return self.shown.trace

    def _variant(self, number: int) -> Variant:
        if not 1 <= number <= len(self.history.variants):
            raise IreelabError("there is no program to run: the compilation did not end in one")
        return self.history.variants[number - 1]

    def _base(self) -> Variant:
        """The program that an edit starts from: that of the run shown, else as compiled."""
        if self.ran is not None:
            return self.ran.variant
        variants = self.history.variants_of(0 if self.shown is None else self.shown.number)
        return self._variant(variants[0].number if variants else 0)

    def _asked(self, request: Request, variant: Variant) -> _RunRequest:
        function = variant.program.function(str(request["function"]) or None)
        texts = [str(text) for text in request["inputs"]]
        texts += [""] * (len(function.arguments) - len(texts))
        inputs = read_inputs(texts, function, self.history.inputs())
        device, repeat = str(request["device"]), int(request["repeat"])
        if repeat < 1:
            raise IreelabError(f"repeat is {repeat}: call it once or more")
        return _RunRequest(
            variant, function.name, inputs, texts, device, repeat, bool(request["profile"])
        )

    def _again(self) -> _RunRequest | None:
        """The run that is shown as a request: for the same inputs to another program."""
        if self.ran is None:
            return None
        result = self.ran.result
        inputs = self.history.inputs()[self.ran.number]
        return _RunRequest(
            self.ran.variant,
            result.function,
            inputs,
            self.ran.texts,
            self.ran.device,
            getattr(result, "calls", 1),
            result.timeline is not None,
        )


def _call(job: Job, asked: _RunRequest, program: Program) -> RunResult:
    return run(
        program,
        asked.function,
        *asked.inputs,
        device=asked.device,
        profile=asked.profile,
        repeat=asked.repeat,
        progress=job.progress,
        stop=job.stop,
    )


def _flags(request: Request) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(str(request.get("flags") or "")))
    except ValueError as error:
        raise CompileError(f"cannot read the flags: {error}") from None
