"""Steps from scheduled streams to the finished program: executables, HAL calls, VM."""

from __future__ import annotations

from ireelab.pipeline.lab.step import LabStep, functions


def _driver(name: str, phase: str, start: str, end: str, why: str) -> LabStep:
    return LabStep(name, phase, why, phases=(start, end))


EXECUTABLES = (
    _driver("executable-sources", "executable", "stream", "executable-sources",
            "one executable variant for each target that a dispatch may run on"),
    _driver("configure-executables", "executable", "executable-sources",
            "executable-configurations",
            "chooses tile sizes and strategy for each kernel, while it is still linalg"),
    _driver("translate-executables", "executable", "executable-configurations",
            "executable-targets",
            "generates code for each kernel; workgroup counts come out of it, so the host follows"),
)  # fmt: skip

_MEMOIZE = "!iree-hal-memoization=false"


def _hal(name: str, runs: str, why: str, when: str = "") -> LabStep:
    return LabStep(name, "hal", why, runs, when=when)


HAL = (
    _hal("hal-conversion", "iree-hal-conversion",
         "executions become command buffers, waves become barriers, timepoints become fences"),
    _hal("outline-memoize-regions", "iree-hal-outline-memoize-regions",
         "command buffers that never change are recorded once, at load", _MEMOIZE),
    _hal("inline-memoize-regions", functions("iree-hal-inline-memoize-regions"),
         "or on every call, if asked", "iree-hal-memoization=false"),
    _driver("link-and-serialize", "hal", "executable-targets", "hal",
            "links executables, resolves and caches them at load, and turns kernels into bytes"),
)  # fmt: skip


VM = (
    LabStep(
        "vm",
        "vm",
        "kernels are bytes by now: what is left is host code, lowered to the VM's instructions; "
        "one step, since IREE registers some of its passes under no name",
        "iree-vm-transformation-pipeline",
    ),
)
