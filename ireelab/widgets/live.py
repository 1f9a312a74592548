"""What the page asks of the kernel: run, compile, edit and go on, step, stop, show an earlier one.

Each request is a message ``{"type": "live", "do": ACTION, ...}``. Long ones become a job
(``jobs.py``); its result is added to the history and shown (``shown.py``). What goes wrong is said
in the pane that asked, and leaves everything as it was.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ireelab.errors import CompileError
from ireelab.pipeline.compile import compile
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.compare import compare
from ireelab.viz.payload import Run
from ireelab.vm.example_inputs import example_inputs
from ireelab.widgets.history import History, Variant
from ireelab.widgets.jobs import Deliver, Job, Jobs, JobState
from ireelab.widgets.run_request import Request, RunRequest, read_flags, read_run
from ireelab.widgets.shown import Shown, Tried
from ireelab.widgets.vm_session import VmSession

if TYPE_CHECKING:
    from ireelab.widgets.explorer import Explorer

MADE_UP = "made-up inputs"

# What goes wrong with these is not said in the pane that asked for something before.
_ASIDE = ("options", "stop")


class Live:
    """The live side of one explorer: its requests, its job, its history."""

    def __init__(self, explorer: Explorer) -> None:
        self._vm = VmSession(explorer, self._start)
        self._shown = Shown(explorer, on_change=self._vm.end)
        self._explorer = explorer
        self._jobs = Jobs(self._on_state, self._shown.say)
        self._actions: dict[str, Callable[[Request], None]] = {
            "options": lambda _request: self._shown.tell_options(),
            "run": self._run,
            "compile": self._compile,
            "resume": self._resume,
            "edit-kernel": self._edit_kernel,
            "recompile-kernel": self._recompile_kernel,
            "vm": self._step,
            "stop": lambda _request: self.stop(),
            "show-run": self._show_run,
            "show-compilation": self._show_compilation,
            "compare": self._compare,
        }

    @property
    def history(self) -> History:
        return self._shown.history

    def begin(self, given: Trace | CompileError | Program, result: Run | None) -> None:
        """Start anew with what ``Explorer.show`` was given."""
        self._jobs.stop()
        self._shown.begin(given, result)

    def handle(self, request: Request) -> None:
        """Do what the page asks; what cannot be done is said there."""
        action = self._actions.get(str(request.get("do")))
        if action is None:
            return
        if request["do"] not in _ASIDE:
            self._shown.asked(str(request.get("where") or request["do"]))
        try:
            action(request)
        except Exception as error:  # the page that waits must be told, whatever it is
            self._shown.say(error)

    def stop(self) -> None:
        self._jobs.stop()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        return self._jobs.wait(timeout_seconds)

    def close(self) -> None:
        """Stop the job and forget everything."""
        self._jobs.close()
        self._shown.forget()

    # --- requests ------------------------------------------------------------------------

    def _run(self, request: Request) -> None:
        asked = read_run(request, self.history)

        def work(job: Job) -> Deliver:
            result = asked.call(job, asked.variant.program)
            return lambda: self._shown.add_run(asked, result)

        self._start(asked.state, work)

    def _compile(self, request: Request) -> None:
        trace = self._shown.trace
        target, pipeline, until = (str(request[name]) for name in ("target", "pipeline", "until"))
        flags = read_flags(request)
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
        trace, step = self._shown.trace, int(request["step"])
        text, until = request.get("text"), str(request.get("until") or "vm")
        name = next((n for n, last in trace.boundaries.items() if last == step), str(step))
        label = f"{'edited' if text is not None else 'resumed'} after {name}"

        def make(job: Job) -> Trace:
            return trace.resume(step, text, until=until, progress=job.progress, stop=job.stop)

        self._start_compilation(f"compiling what follows {name}", label, make, request)

    def _edit_kernel(self, request: Request) -> None:
        base, kernel, text = self._shown.variant, str(request["kernel"]), str(request["text"])
        state = JobState("compile", f"checking the LLVM IR of {kernel}", "step")

        def work(job: Job) -> Deliver:
            program = base.program.with_llvm_ir(kernel, text)
            label = f"{kernel.rpartition('::')[2]}: LLVM IR edited"
            return self._replaced(job, base, label, program)

        self._start(state, work)

    def _recompile_kernel(self, request: Request) -> None:
        base, trace = self._shown.variant, self._shown.trace
        kernel, flags = str(request["kernel"]), read_flags(request)
        state = JobState("compile", f"compiling {kernel.partition('::')[0]} again", "step")

        def work(job: Job) -> Deliver:
            program, _alone = trace.recompile(
                kernel, flags=flags, program=base.program, progress=job.progress, stop=job.stop
            )
            label = f"{kernel.rpartition('::')[2]}: {shlex.join(flags) or 'the same flags'}"
            return self._replaced(job, base, label, program)

        self._start(state, work)

    def _step(self, request: Request) -> None:
        """Of a call in the VM pane: the run that is shown, or as the Run pane's form says."""
        if request["op"] != "start":
            self._vm.handle(request)
            self._shown.publish()  # what was wrong before is not any more
            return
        again = self._shown.again()
        if request.get("form") or again is None:
            asked = read_run(request["form"], self.history)
            self._vm.start(asked, "inputs of the Run pane" if any(asked.texts) else MADE_UP)
        elif again.inputs or not again.variant.program.function(again.function).arguments:
            self._vm.start(again, f"inputs of run {self._shown.number('run')}")
        else:  # a run that does not say what it was given
            inputs = example_inputs(again.variant.program.function(again.function))
            self._vm.start(replace(again, inputs=inputs), MADE_UP)

    def _show_run(self, request: Request) -> None:
        number = int(request["number"])
        against = int(request.get("against") or number - 1)
        before = self.history.runs[against - 1] if against else None
        self._shown.show_run(self.history.runs[number - 1], before)
        self._shown.publish()

    def _show_compilation(self, request: Request) -> None:
        self._shown.show_compilation(self.history.compilations[int(request["number"]) - 1])
        self._shown.publish()

    def _compare(self, request: Request) -> None:
        """Another run or compilation beside what is shown."""
        shown, kind, number = self._shown, str(request["kind"]), int(request["number"])
        trace, compilation, ran = shown.trace, shown.compilation, shown.ran
        if kind == "run":
            other = self.history.runs[number - 1]
            made = self.history.compilations[other.variant.compilation - 1]
        else:
            made = self.history.compilations[number - 1]
            other = self.history.last_run_of(number)
        mine = None if ran is None else ran.result
        theirs = None if other is None else other.result
        labels = (f"{kind} {shown.number(kind)}", f"{kind} {number}")
        state = JobState("compile", f"comparing {labels[0]} and {labels[1]}", "step")

        def work(_job: Job) -> Deliver:
            compared = compare((trace, mine), (made.trace, theirs), labels=labels)
            _ = compared.rows  # what takes long
            return lambda: shown.show_compilation(compilation, ran, compared)

        self._start(state, work)

    # --- jobs ----------------------------------------------------------------------------

    def _start(self, state: JobState, work: Callable[[Job], Deliver]) -> None:
        self._jobs.start(state, work)
        self._shown.publish()

    def _start_compilation(
        self, title: str, label: str, make: Callable[[Job], Trace], request: Request
    ) -> None:
        """Compile and, where the page wants it, run the outcome as the program before it was."""
        shown = self._shown
        again = shown.again() if request.get("run") else None
        total = len(shown.compilation.trace.steps) if shown.compilation else 0

        def work(job: Job) -> Deliver:
            try:
                trace = make(job)
            except CompileError as error:
                failed = error
                return lambda: shown.failed(label, failed)
            ran = _try_run(job, again, trace.compiled)
            return lambda: shown.compiled(label, trace, ran)

        self._start(JobState("compile", title, "step", total=total), work)

    def _replaced(self, job: Job, base: Variant, label: str, program: Program) -> Deliver:
        """A kernel was replaced: run as before, then show both."""
        ran = _try_run(job, self._shown.again(), program)
        return lambda: self._shown.replaced(label, base, program, ran)

    def _on_state(self, state: JobState | None) -> None:
        self._explorer.job = {} if state is None else state.to_json()


def _try_run(job: Job, again: RunRequest | None, program: Program | None) -> Tried:
    """The last run once more with another program; a failure does not lose the program."""
    if again is None or program is None:
        return None
    try:
        job.next(again.state)
        return again, again.call(job, program)
    except Exception as error:
        return again, error
