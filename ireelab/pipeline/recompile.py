"""Compiles one executable of a trace again, with other flags, and puts it into the program."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.errors import CompileError
from ireelab.pipeline.client import JOB_PREFIX
from ireelab.pipeline.compile import compile, run_compiler
from ireelab.pipeline.upstream import compile_flags
from ireelab.program import Program

if TYPE_CHECKING:
    from ireelab.pipeline.compiler_job import Progress
    from ireelab.pipeline.snapshot import Node
    from ireelab.pipeline.trace import Trace

_SINGLE = "--compile-mode=hal-executable"
_SOURCES = "executable-sources"
_GENERATED = "iree-hal-translate-all-executables"
_BESIDES = ("hal.executable.constant",)  # numbered over a whole executable, not over a kernel


def recompile(
    trace: Trace,
    executable: str,
    flags: Sequence[str],
    program: Program | None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> tuple[Program, Trace]:
    """The program with one executable compiled with further flags, and that compilation.

    Args:
        executable: its symbol, or ``executable::function``.
        flags: ``iree-compile`` flags that steer code generation; they win over the trace's.
        program: what to put it into; None: the trace's program.
        progress, stop: as ``il.compile`` takes them.

    Raises:
        KeyError: no such executable.
        CompileError: the flags make another interface or workgroup count, which the rest of the
            program has compiled in; or what ``il.compile`` raises.
    """
    symbol = executable.partition("::")[0]
    base = trace.program if program is None else program
    before = _exports(trace, symbol)
    if not before:
        known = dict.fromkeys(
            s.scope[1].partition(" @")[2]
            for s in trace.steps
            if s.phase == "executable" and len(s.scope) > 1
        )
        raise KeyError(f"{trace.name} has no executable {symbol!r}; it has: {', '.join(known)}")
    given = {flag.split("=", 1)[0] for flag in flags}
    merged = (*(f for f in trace.flags if f.split("=", 1)[0] not in given), *flags)
    source = _source(trace, symbol, stop)
    again = compile(
        source,
        target=trace.target,
        flags=(_SINGLE, *merged),
        name=f"{symbol}.mlir",
        progress=progress,
        stop=stop,
    )
    # In this mode the compiler does not mark its phases; it runs this one only.
    again = replace(again, steps=tuple(replace(step, phase="executable") for step in again.steps))
    made = again.program if again.program.llvm_ir else again.program.to_bytes()
    again = replace(again, compiled=None)  # a binary, not a program
    after = _exports(again, symbol)
    if [_contract(node) for node in before] != [_contract(node) for node in after]:
        raise CompileError(
            f"{symbol}: with these flags its interface or the number of its workgroups changes, "
            "which the program's host code has compiled in; compile the whole program with them",
            trace=again,
        )
    for node in after:
        base = base.with_kernel(node.symbol, made)
    return base, again


def _source(trace: Trace, symbol: str, stop: threading.Event | None) -> str:
    """The executable before code generation, constants and all."""
    if trace.pipeline == "lab":
        text = _as_it_stood(trace, symbol)
        return _alone(trace, symbol, text)
    with tempfile.TemporaryDirectory(prefix=f"{JOB_PREFIX}{os.getpid()}-") as folder:
        only = (
            "--compile-to=executable-sources",
            f"--iree-hal-dump-executable-sources-to={folder}",
        )
        command = (*compile_flags(trace.target, "vm", trace.flags), *only)
        run_compiler(trace.source, f"{trace.name}.mlir", command, stop)
        found = sorted(Path(folder).glob(f"*_{symbol}.mlir"), key=lambda path: len(path.name))
        if not found:
            raise CompileError(f"{trace.name}: {symbol} has no source of its own", trace=trace)
        text = found[0].read_text()
    return _alone(trace, symbol, text)


def _as_it_stood(trace: Trace, symbol: str) -> str:
    """An executable of a lab pipeline, whose steps may be any, before its code is generated."""
    last = trace.boundaries.get(_SOURCES)
    module = trace.snapshots[last].module if last is not None else None
    for child in module.children if module is not None else ():
        if child.kind == "hal.executable" and child.symbol == symbol:
            text = child.text().replace("hal.executable private", "hal.executable public", 1)
            if "__elided__" not in text:
                return text
            raise CompileError(
                f"{symbol} has constants that snapshots show elided: it is not compiled by itself",
                trace=trace,
            )
    raise CompileError(f"{trace.name}: no step {_SOURCES!r} has left {symbol}", trace=trace)


def _alone(trace: Trace, symbol: str, text: str) -> str:
    if any(op in text for op in _BESIDES):
        raise CompileError(
            f"{symbol} has constants of its executable: it is not compiled by itself", trace=trace
        )
    return text


def _exports(trace: Trace, symbol: str) -> list[Node]:
    """The exports of an executable as code generation left them."""
    scope = f"hal.executable @{symbol}"
    for step in trace.steps:
        if step.name == _GENERATED and step.scope[1:] == (scope,):
            variants = trace.snapshots[step.index].after.children
            exports = [node for variant in variants for node in variant.children]
            return [node for node in exports if node.kind == "hal.executable.export"]
    return []


def _contract(node: Node) -> str:
    """What the host code relies on: bindings, constants and the number of workgroups.

    The workgroup's own size, which stands after the region, is the kernel's affair.
    """
    return node.text().rpartition("}")[0]
