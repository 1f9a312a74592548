"""The exception tree: every failure a user can meet is one of these.

Messages say what failed, where, and what to do next. Invariants inside the
package are asserted, never raised as one of these types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ireelab.pipeline.trace import Trace


class IreelabError(Exception):
    """Base of every error raised on purpose by ireelab."""


class PackageMissing(IreelabError, ImportError):
    """What was asked for needs a package that is not installed; the message says how to get it."""


# What ireelab depends on and ireelab-runtime does not.
_NOT_IN_RUNTIME = frozenset(
    ("iree", "IPython", "ipywidgets", "anywidget", "jupyterlab", "graphviz", "cloudpickle")
)


def explain_missing(error: ModuleNotFoundError) -> PackageMissing | None:
    """The error to show for an import that fails in an installation of ireelab-runtime."""
    package = (error.name or "").partition(".")[0]
    if package not in _NOT_IN_RUNTIME:
        return None
    return PackageMissing(
        f"this needs {package}, which is not installed: the compiler and the notebooks come with "
        "all of ireelab (pip uninstall ireelab-runtime; pip install ireelab), ireelab-runtime only "
        "runs programs"
    )


# --- compile path ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One MLIR diagnostic, with the notes attached to it.

    ``line`` and ``column`` count from 1 and are 0 where MLIR gave no position.
    ``source_line`` is the text the caret stands under, empty where unknown.
    """

    severity: str  # "error", "warning", "remark" or "note"
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    source_line: str = ""
    notes: tuple[Diagnostic, ...] = ()

    def render(self) -> str:
        """The diagnostic as clang prints it: position, message, source line, caret, notes."""
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        lines = [f"{place}{self.severity}: {self.message}"]
        if self.source_line:
            lines.append(f"  {self.source_line}")
            lines.append("  " + " " * max(self.column - 1, 0) + "^")
        lines.extend(note.render() for note in self.notes)
        return "\n".join(lines)


class CompileError(IreelabError):
    """A compilation that did not produce what was asked for.

    ``trace`` holds the steps that ran before the failure, ``diagnostics`` what MLIR said,
    ``step`` the pass that failed (None before the first pass), ``reproducer`` a shell command
    that shows the failure with IREE's own tools, where there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        diagnostics: Sequence[Diagnostic] = (),
        step: str | None = None,
        trace: Trace | None = None,
        reproducer: str | None = None,
    ) -> None:
        super().__init__(message)
        self.diagnostics = tuple(diagnostics)
        self.step = step
        self.trace = trace
        self.reproducer = reproducer


class InvalidIR(CompileError):
    """The source does not parse or does not verify."""


class PassFailed(CompileError):
    """A pass signalled failure."""


class PythonPassFailed(PassFailed):
    """A Python pass of a lab pipeline raised, or left invalid IR.

    ``traceback`` is what Python would have printed, with the user's source lines; empty where
    the verifier refused what the pass left.
    """

    def __init__(self, message: str, *, traceback: str = "", **rest: Any) -> None:
        super().__init__(message, **rest)
        self.traceback = traceback


class InvalidPythonPass(CompileError):
    """A Python pass that cannot be sent to the compiler's process."""


class UnknownStep(CompileError):
    """There is no step, phase or boundary of that name; the message suggests some."""


class CompilerCrashed(CompileError):
    """The compiler process died (segfault, abort, exit) while running a step."""


class CompileInterrupted(CompileError, KeyboardInterrupt):
    """The user stopped the compilation; ``trace`` holds what had run.

    Also a ``KeyboardInterrupt``, so that a bare Ctrl-C handler still sees it.
    """


class TraceError(IreelabError):
    """A saved trace that cannot be read: truncated, damaged, of another version, or foreign."""


class UnknownTarget(CompileError):
    """A target name that no backend answers to."""


class UnsupportedSource(CompileError):
    """No frontend takes this kind of source."""


class FrontendUnavailable(UnsupportedSource):
    """The package that this kind of source comes from is not installed."""


class ProvenanceUnavailable(IreelabError):
    """Where ops came from cannot be told: the compilation does not repeat."""


# --- run path -------------------------------------------------------------------


class ProgramError(IreelabError):
    """A ``.vmfb`` that cannot be read: truncated, corrupt, or of another version."""


class UnsupportedOpcode(ProgramError):
    """A VM opcode that this VM does not execute; the message names it."""


class UnsupportedImport(ProgramError):
    """An imported function that no module here provides; the message names it."""


class ParameterError(IreelabError):
    """Parameters that a program needs are missing, or their file cannot be read."""


class UnknownFunction(IreelabError):
    """The program exports no function of that name; the message lists those it does."""


class InvalidInput(IreelabError):
    """Wrong number, shape or dtype of inputs, found before anything runs."""


class VMError(IreelabError):
    """A program failed by its own ``vm.fail`` or an assertion; ``status`` is IREE's code."""

    def __init__(self, message: str, *, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


class DeviceError(IreelabError):
    """A device refused or failed an operation."""


class DeviceUnavailable(DeviceError):
    """No such device here; the message says what is missing and the command that installs it."""


class ExecutableMismatch(DeviceError):
    """An executable that this device cannot run: format, architecture or limits differ."""


class InvalidCode(DeviceError):
    """Edited code of an executable that its compiler refuses.

    ``line`` is the line of the text that was given, from 1; 0 where the compiler names none.
    """

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class OutOfDeviceMemory(DeviceError):
    """The device could not allocate."""


class DeviceLost(DeviceError):
    """The device stopped answering; it must be closed, other devices still work."""


class DeviceTimeout(DeviceError):
    """Work on the device did not end within the time the device was opened with."""


class DeviceValidationError(DeviceError):
    """What a native validation layer said; ``messages`` holds each of its messages."""

    def __init__(self, message: str, *, messages: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.messages = tuple(messages)


class CommandBufferError(DeviceError):
    """A command buffer recorded or submitted against the HAL's rules."""


class CheckFailed(IreelabError):
    """A ``check`` dialect expectation did not hold."""
