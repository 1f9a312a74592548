"""Match rates of provenance: which compute ops have a known origin, and lead to the program.

    python benchmarks/provenance.py [--target T]... [EXAMPLE ...]

A row for each example and target: at the end of each phase, the share of compute ops that come from
an op of the source, and the share that has a descendant in the program (`docs/provenance.md` says
what counts). Counts, not times: the load of the machine does not matter. Prints a Markdown table.
"""

from __future__ import annotations

import argparse

import ireelab as il
from ireelab import examples
from ireelab.pipeline.step import PHASES
from ireelab.viz.provenance_rates import PhaseRate, provenance_rates

TARGETS = ("llvm-cpu", "vulkan")


def cell(rate: PhaseRate | None) -> str:
    if rate is None or not rate.ops:
        return ""
    return f"{100 * rate.ancestor_rate:.1f} / {100 * rate.descendant_rate:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("examples", nargs="*")
    parser.add_argument("--target", dest="targets", action="append", default=[])
    options = parser.parse_args()
    names = options.examples or [example.path.stem for example in examples.EXAMPLES]
    print("| example | target | compute ops | all phases |", *(f"{p} |" for p in PHASES))
    print("|---|---|---:|---:|" + "---:|" * len(PHASES))
    for target in options.targets or TARGETS:
        for name in names:
            rates = provenance_rates(il.compile(examples.path(name), target=target)).phases
            by_phase = {rate.phase: rate for rate in rates}
            total = PhaseRate(
                "all",
                sum(rate.ops for rate in rates),
                sum(rate.from_source for rate in rates),
                sum(rate.in_program for rate in rates),
            )
            cells = [cell(by_phase.get(phase)) for phase in PHASES]
            print(f"| {name} | {target} | {total.ops} | {cell(total)} | {' | '.join(cells)} |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
