"""``make demo``: a transformer block, compiled, run, checked against IREE, and shown.

Exits with 1 when the outputs differ from those of IREE's own runtime.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ireelab as il
from ireelab.array_text import type_of
from ireelab.cli.common import Progress

EXAMPLE = "transformer"
PAGE = Path("demo.html")
# Both runtimes run the same dispatches; ireelab's come from another release of LLVM, which may
# contract or reorder float operations differently.
RELATIVE_TOLERANCE = 1e-4


def main() -> int:
    example = il.examples.get(EXAMPLE)
    print(f"Compiling {example.path.name}: {example.summary}\n")
    with Progress(f"compiling {example.path.name}") as progress:
        trace = il.compile(example.path, progress=progress)
    print(trace.summary())

    inputs = example.inputs()
    result = il.run(trace, example.function, *inputs, profile=True)
    assert result.timeline is not None
    print(f"\nRunning @{example.function} on llvm-cpu, every dispatch timed\n")
    print(result.timeline.table())

    expected = run_with_iree(trace.program.to_bytes(), example.function, inputs)
    agree = compare(result.outputs[0], expected)

    il.explore(trace, result).save_html(PAGE)
    size_kb = PAGE.stat().st_size / 1e3
    print(f"Wrote {PAGE} ({size_kb:,.0f} kB, works offline): open it in a browser.")
    return 0 if agree else 1


def run_with_iree(vmfb: bytes, function: str, inputs: tuple[Any, ...]) -> NDArray[Any]:
    """The first result of the same program on IREE's own runtime."""
    from iree import runtime

    config = runtime.Config("local-sync")
    module = runtime.VmModule.copy_buffer(config.vm_instance, vmfb)
    context = runtime.SystemContext(config=config)
    context.add_vm_module(module)
    return np.asarray(context.modules[module.name][function](*inputs))


def compare(got: Any, expected: NDArray[Any]) -> bool:
    """Print how far apart the two results are; False when that is too far."""
    scale = float(np.max(np.abs(expected)))
    difference = float(np.max(np.abs(np.asarray(got) - expected)))
    agree = got.shape == expected.shape and difference <= RELATIVE_TOLERANCE * scale
    verdict = "agrees with" if agree else "DIFFERS FROM"
    print(
        f"\nOutput {type_of(expected)} {verdict} IREE's own runtime: "
        f"largest difference {difference:.2g}, largest value {scale:.2g}.\n"
    )
    return agree


if __name__ == "__main__":
    sys.exit(main())
