"""``%%iree``, ``%iree_run`` and ``%iree_diff``.

A cell is compiled with its magic line as a comment above it, so that every line number (in a
diagnostic, in the explorer, in the timeline) is the one the notebook shows beside the cell.
"""

# IPython's own annotations are partial.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUntypedFunctionDecorator=false

from __future__ import annotations

import re
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from IPython.core.display_functions import display
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.utils._process_common import arg_split

from ireelab.errors import CompileError, IreelabError
from ireelab.hal.registry import split_names
from ireelab.pipeline.targets import target_of
from ireelab.program import Program
from ireelab.vm.example_inputs import example_inputs
from ireelab.widgets.magic_completion import completions

if TYPE_CHECKING:
    from ireelab.pipeline.step import Step
    from ireelab.pipeline.trace import Trace
    from ireelab.vm.run import RunResult
    from ireelab.widgets.explorer import Explorer

DEFAULT_NAME = "_iree"
DEFAULT_DEVICE = "llvm-cpu"
_PROGRESS_SECONDS = 0.2

# `8x64xf32=1`, `f32=2`, `2x3xi8`, `@x.npy`: IREE's form. All else is a Python expression.
_IREE_INPUT = re.compile(r"@.+|(?:\d+x)+[a-z]\w*(?:=(?!=).*)?|[a-z]+\d+\w*=(?!=).*", re.DOTALL)


class CellFailed(IreelabError):
    """What a failing cell raises: it prints what the compiler said, not a Python traceback.

    The error itself is its ``__cause__``.
    """

    def _render_traceback_(self) -> list[str]:
        """IPython asks an exception for this before it formats one itself."""
        return str(self).splitlines()


@magics_class
class IreeMagics(Magics):
    """The magics of ireelab, with what the last ``%%iree`` cell was called."""

    latest: str | None = None

    @magic_arguments(name="%iree")
    @argument("name", nargs="?", default=DEFAULT_NAME, help="variable for the trace (%(default)s)")
    @argument(
        "--target",
        dest="targets",
        action="append",
        default=[],
        metavar="TARGET",
        help="what to compile for (what --device needs, or llvm-cpu); repeated: one program for "
        "whichever of them is there; NAME=TARGET, repeated: devices that it uses at once",
    )
    @argument(
        "--pipeline",
        default="upstream",
        help="whose passes: upstream, lab, or a variable with a lab pipeline (%(default)s)",
    )
    @argument(
        "--until", default="vm", metavar="STEP", help="the last phase or lab step (%(default)s)"
    )
    @argument(
        "--from-step", metavar="STEP", help="the first lab step: the cell is IR as it stands there"
    )
    @argument(
        "--cache", action="store_true", help="take the trace from disk if it was compiled before"
    )
    @argument(
        "--run", nargs="?", const="", metavar="FUNCTION", help="run it too; the result: NAME_result"
    )
    @argument(
        "--input",
        dest="inputs",
        action="append",
        default=[],
        metavar="EXPR",
        help="an argument of FUNCTION: a Python expression, or IREE's 8x64xf32=1, @x.npy",
    )
    @argument(
        "--device",
        dest="devices",
        action="append",
        default=[],
        metavar="DEVICE",
        help="where to run (llvm-cpu); repeated: for a program that uses several at once",
    )
    @argument(
        "--flag", dest="flags", action="append", default=[], metavar="F", help="for iree-compile"
    )
    @cell_magic
    def iree(self, line: str, cell: str) -> None:
        """Compile the cell's MLIR step by step, show the explorer, keep the trace in NAME."""
        from ireelab.widgets.explorer import Explorer

        options = _parse(self.iree, line)
        _check(options)
        inputs = self._inputs(options.inputs)
        explorer = Explorer(progress={"state": "compiling", "step": "", "count": 0})
        display(explorer)
        trace = self._compile(f"// %%iree {line}".rstrip() + f"\n{cell}", options, explorer)
        self._bind(options.name, trace)
        self.latest = options.name
        result = None
        try:
            if options.run is not None:
                result = self._run(trace, options, options.run or None, inputs)
                self._bind(f"{options.name}_result", result)
        finally:
            explorer.show(trace, result)

    @magic_arguments()
    @argument("name", nargs="?", help="a trace or a program (default: the latest %%%%iree cell's)")
    @argument("--function", help="the function to call; may be left out when there is one")
    @argument(
        "--input",
        dest="inputs",
        action="append",
        default=[],
        metavar="EXPR",
        help="an argument: a Python expression, or IREE's 8x64xf32=1, @x.npy",
    )
    @argument(
        "--device",
        dest="devices",
        action="append",
        default=[],
        metavar="DEVICE",
        help="where to run (llvm-cpu); repeated: for a program that uses several at once",
    )
    @argument("--repeat", type=int, default=1, metavar="N", help="call N times")
    @line_magic
    def iree_run(self, line: str) -> RunResult:
        """Run a compiled cell with a timeline; the result is also kept in NAME_result."""
        options = _parse(self.iree_run, line)
        name = options.name or self._latest()
        result = self._run(
            self._compiled(name), options, options.function, self._inputs(options.inputs)
        )
        self._bind(f"{name}_result", result)
        return result

    @magic_arguments()
    @argument("a", help="a step: its index, its pass (the last run of it), or its phase (its end)")
    @argument("b", help="another step")
    @argument("--trace", metavar="NAME", help="the trace (default: the latest %%%%iree cell's)")
    @line_magic
    def iree_diff(self, line: str) -> object:
        """What changed in the IR between two steps of a trace."""
        options = _parse(self.iree_diff, line)
        trace = self._trace(options.trace or self._latest())
        return trace.diff(find_step(trace, options.a), find_step(trace, options.b))

    # --- helpers ---------------------------------------------------------------------

    def _compile(self, source: str, options: Namespace, explorer: Explorer) -> Trace:
        """Compile with progress in ``explorer``, which shows a failure as far as it got."""
        import ireelab

        try:
            return ireelab.compile(
                source,
                target=options.targets or target_of(_devices(options)),
                pipeline=self._pipeline(options.pipeline),
                until=options.until,
                from_step=options.from_step,
                cache=options.cache,
                flags=tuple(options.flags),
                name=f"{options.name}.mlir",
                progress=_Progress(explorer),
            )
        except CompileError as error:
            if error.trace is None:
                explorer.close()
            else:
                explorer.show(error)
                if error.trace.steps:
                    self._bind(f"{options.name}_failed", error.trace)
            raise CellFailed(describe(error, options.name)) from error
        except KeyboardInterrupt:  # not while the compiler ran: there are no steps to show
            explorer.close()
            raise

    def _pipeline(self, name: str) -> Any:
        """A pipeline by name, or the one in the notebook's variable of that name."""
        from ireelab.pipeline.compile import PIPELINES

        return name if name in PIPELINES else self._shell.user_ns.get(name, name)

    def _run(
        self,
        source: Trace | Program,
        options: Namespace,
        function: str | None,
        inputs: Sequence[Any],
    ) -> RunResult:
        import ireelab

        try:
            loaded = source if isinstance(source, Program) else source.program
            called = loaded.function(function)
            if called.arguments and not inputs:
                inputs = example_inputs(called)
                print(f"@{called.name} runs on made-up inputs; --input gives others")
            return ireelab.run(
                loaded,
                called.name,
                *inputs,
                device=_devices(options),
                profile=True,
                repeat=getattr(options, "repeat", 1),
            )
        except IreelabError as error:
            raise CellFailed(f"{type(error).__name__}: {error}") from error

    def _inputs(self, expressions: Sequence[str]) -> list[Any]:
        """IREE's input strings are read, everything else is evaluated in the notebook."""
        from ireelab.array_text import parse_input

        values: list[Any] = []
        for text in expressions:
            try:
                if _IREE_INPUT.fullmatch(text):
                    values.extend(parse_input(text))
                else:
                    values.append(self._shell.ev(text))
            except Exception as error:  # the user's expression may raise anything
                raise UsageError(f"--input {text}: {type(error).__name__}: {error}") from error
        return values

    @property
    def _shell(self) -> InteractiveShell:
        assert self.shell is not None, "magics belong to a shell"
        return self.shell

    def _bind(self, name: str, value: object) -> None:
        self._shell.user_ns[name] = value

    def _compiled(self, name: str) -> Trace | Program:
        """The trace or program in a variable."""
        if name not in self._shell.user_ns:
            raise UsageError(f"no variable {name!r}: compile a %%iree {name} cell first")
        value = cast("object", self._shell.user_ns[name])
        if not _is_compiled(value):
            raise UsageError(f"{name} is a {type(value).__name__}, not a trace or a program")
        return value

    def _trace(self, name: str) -> Trace:
        value = self._compiled(name)
        if isinstance(value, Program):
            raise UsageError(f"{name} is a program, which has no steps: name a trace")
        return value

    def _latest(self) -> str:
        if self.latest is None:
            raise UsageError("no %%iree cell has been compiled yet: compile one, or give a name")
        return self.latest


def _is_compiled(value: object) -> TypeGuard[Trace | Program]:
    from ireelab.pipeline.trace import Trace

    return isinstance(value, Trace | Program)


class _Progress:
    """Tells an explorer how far a compilation has come, a few times a second."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._next_seconds = 0.0

    def __call__(self, count: int, name: str) -> None:
        now_seconds = time.monotonic()
        if now_seconds < self._next_seconds:
            return
        self._next_seconds = now_seconds + _PROGRESS_SECONDS
        self._explorer.progress = {"state": "compiling", "step": name, "count": count}


def find_step(trace: Trace, text: str) -> Step:
    """The step that ``text`` names: an index, a phase (its last step), a pass (its last change)."""
    if text in trace.phases:
        return trace.phases[text][-1]
    try:
        return trace.step(int(text) if text.lstrip("-").isdigit() else text)
    except KeyError as error:
        phases = ", ".join(trace.phases)
        raise UsageError(f"{error.args[0]}; phases: {phases}") from None


def describe(error: CompileError, name: str) -> str:
    """What the compiler said, with the lines of the cell, and where the steps so far are kept."""
    lines = [diagnostic.render() for diagnostic in error.diagnostics] or [str(error)]
    where = f" in the pass {error.step}" if error.step else ""
    lines.insert(0, f"{type(error).__name__}{where}:")
    if error.trace is not None and error.trace.steps:
        lines.append(f"the {len(error.trace.steps)} steps before it are kept in {name}_failed")
    if error.reproducer:
        lines.append(f"to reproduce: {error.reproducer}")
    return "\n".join(lines)


def _parse(magic: Any, line: str) -> Namespace:
    """The options of a magic; ``--flag --x`` is read as ``--flag=--x``."""
    words = arg_split(line, posix=True)
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--flag":
            joined[-1] = f"--flag={word}"
        else:
            joined.append(word)
    return cast("Namespace", magic.parser.parse_args(joined))


def _devices(options: Namespace) -> list[str]:
    """The devices to run on."""
    return [name for text in options.devices or [DEFAULT_DEVICE] for name in split_names(text)]


def _check(options: Namespace) -> None:
    """Refuse before compiling what cannot work."""
    if not options.name.isidentifier():
        raise UsageError(f"{options.name!r} cannot be the name of a variable")
    if options.run is None and options.inputs:
        raise UsageError("--input goes with --run")
    if options.run is not None and options.until != "vm":
        raise UsageError(f"--run needs the whole compilation, without --until {options.until}")


# --- registration ---------------------------------------------------------------------


def _complete(shell: InteractiveShell, event: Any) -> list[str]:
    """IPython's hook: ``event.line`` is the line up to the cursor."""
    variables = [
        name
        for name, value in cast("dict[str, object]", shell.user_ns).items()
        if _is_compiled(value) and not re.fullmatch(r"_+|_\d+", name)  # IPython's own of results
    ]
    return completions(event.line, variables)


def register_magics(shell: InteractiveShell) -> None:
    """Give a shell the magics and their completion."""
    shell.register_magics(IreeMagics)
    for name in ("%%iree", "%iree_run", "%iree_diff"):
        shell.set_hook("complete_command", _complete, str_key=name)
