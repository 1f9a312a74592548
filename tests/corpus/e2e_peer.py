"""What a program computes here and on IREE's runtime, the same .vmfb on the same driver.

For what a check program cannot say: why one fails, and whether one without checks runs at all.
IREE's tool for check programs is not in its packages, so that the values that a program checks are
made the results of its functions.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import iree_tools
import numpy as np

if TYPE_CHECKING:
    from ireelab.program import Function
    from ireelab.vm.context import Context

TIMEOUT_S = 600
SAME = "the same values"


def returns_what_it_checks(source: str) -> str | None:
    """The program without its checks, their first operands returned; None without checks."""
    from iree.compiler import ir

    changed = False
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(source)
        for function in module.body.operations:
            if function.operation.name != "func.func" or not function.regions[0].blocks:
                continue
            block = function.regions[0].blocks[0]
            checks = [op for op in block.operations if op.operation.name.startswith("check.")]
            values = [
                next(v for v in op.operands if "hal.device" not in str(v.type)) for op in checks
            ]
            for op in checks:
                op.operation.erase()
            if not values:
                continue
            changed = True
            block.operations[len(block.operations) - 1].operation.erase()
            ir.Operation.create("func.return", operands=values, ip=ir.InsertionPoint(block))
            kind = ir.FunctionType.get(
                [argument.type for argument in block.arguments], [v.type for v in values]
            )
            function.operation.attributes["function_type"] = ir.TypeAttr.get(kind)
        return str(module) if changed else None


def inputs_of(source: str) -> list[str]:
    """``--input=`` of the file's first RUN line that runs it."""
    for line in re.findall(r"^// RUN: (.*iree-run-mlir.*)$", source, re.MULTILINE):
        return [word for word in shlex.split(line) if word.startswith("--input=")]
    return []


def made_up_inputs(function: Function, vmfb: Path) -> list[str] | None:
    """Inputs that fit a signature, dynamic dimensions of 4; None where it says too little."""
    from ireelab.errors import InvalidInput
    from ireelab.vm.example_inputs import example_inputs

    try:
        values = example_inputs(
            replace(function, declaration=function.declaration.replace("?", "4"))
        )
    except InvalidInput:
        return None
    found: list[str] = []
    for number, value in enumerate(values):
        path = vmfb.with_name(f"{vmfb.stem}.{function.name}.{number}.npy")
        np.save(path, value)
        found.append(f"--input={value}" if isinstance(value, int | float) else f"--input=@{path}")
    return found


def compare(
    vmfb: Path,
    device: str,
    peer: str,
    function: str,
    inputs: Sequence[str],
    folder: Path,
    loaded: Context | None = None,
) -> str:
    """Run one function on both; ``SAME``, or what differs.

    ``device`` and ``peer`` are one driver in the words of ireelab and of IREE. ``loaded`` is the
    program here, for who calls it often.
    """
    theirs = _run_there(vmfb, peer, function, inputs, folder)
    try:
        ours = _run_here(vmfb, device, function, inputs, loaded)
    except Exception as error:  # the report names whatever went wrong
        here = f"{type(error).__name__}: {error}"
        return f"here {here[:160]}; IREE " + (theirs if isinstance(theirs, str) else "runs it")
    if isinstance(theirs, str):
        return f"IREE {theirs}; here it runs"
    if len(ours) != len(theirs):
        return f"{len(ours)} results here, IREE {len(theirs)}"
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a.tobytes() != b.tobytes():
            gap = np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
            return f"result {number} differs from IREE's by up to {gap:.3g}"
    return SAME


def _run_here(
    vmfb: Path, device: str, function: str, inputs: Sequence[str], loaded: Context | None
) -> list[np.ndarray]:
    import ireelab as il
    from ireelab.array_text import parse_inputs

    arguments = parse_inputs([text.removeprefix("--input=") for text in inputs])
    with ExitStack() as stack:
        context = loaded or stack.enter_context(il.Context(il.load(vmfb), device))
        return [np.array(value) for value in context.invoke(function, *arguments)]


def _run_there(
    vmfb: Path, peer: str, function: str, inputs: Sequence[str], folder: Path
) -> list[np.ndarray] | str:
    """The results, or what went wrong."""
    import ireelab as il

    (signature,) = [f for f in il.load(vmfb).functions if f.name == function]
    files = [folder / f"{vmfb.stem}.{number}.npy" for number in range(len(signature.results))]
    command = [
        iree_tools.run_module(), f"--module={vmfb}", f"--device={peer}", f"--function={function}",
        *inputs, *(f"--output=@{file}" for file in files),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        return "fails: " + (done.stderr.strip().splitlines() or ["no message"])[0][:160]
    return [np.load(file) for file in files]
