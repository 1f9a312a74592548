"""One step of a lab pipeline: what runs, in which phase, and why it stands where it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

PythonPass = Callable[[Any, Mapping[str, Any]], None]
"""``(module: ir.Module, options) -> None``: changes the module in place; raising stops."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LabStep:
    """One entry of a pipeline.

    ``runs`` is a textual pass pipeline over the module (without ``builtin.module(...)``) or a
    Python function. In a text, ``$flag-name`` stands for what that flag of ``iree-compile`` is
    set to, ``$flag-name|default`` for a flag whose value only the command line knows.
    ``phases`` is set instead where only IREE's own driver can run it, because the passes ask
    for the compiler's target registry: ``("flow", "stream")`` runs what comes after ``flow``, up
    to ``stream``.
    ``when`` names the flags (``|`` between alternatives, ``!`` for not) that make the step run.
    """

    name: str
    phase: str
    why: str
    runs: str | PythonPass = ""
    phases: tuple[str, str] | None = None
    when: str = ""
    repeat: bool = False
    options: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def kind(self) -> str:
        """``"passes"``, ``"python"`` or ``"driver"``: what executes the step."""
        if self.phases is not None:
            return "driver"
        return "passes" if isinstance(self.runs, str) else "python"

    def text(self) -> str:
        """What the step runs, for people."""
        if self.phases is not None:
            return f"iree-compile --compile-from={self.phases[0]} --compile-to={self.phases[1]}"
        if isinstance(self.runs, str):
            return self.runs
        return f"{getattr(self.runs, '__qualname__', 'a callable')} (Python)"

    def running(self, runs: str | PythonPass) -> LabStep:
        """The same place in the pipeline, with something else to run: always, as is."""
        return replace(self, runs=runs, phases=None, when="", repeat=False, options=_NOTHING)


def functions(*passes: str) -> str:
    """Passes nested on every kind of function of the module.

    >>> functions("cse")
    'func.func(cse),util.initializer(cse),util.func(cse)'
    """
    chain = ",".join(passes)
    return f"func.func({chain}),util.initializer({chain}),util.func({chain})"


def fixed_point(step: LabStep) -> LabStep:
    """The step repeated until its passes report no change, as IREE's fixed-point iterator does.

    That pass itself does nothing when it is made from text.
    """
    return replace(step, repeat=True)
