"""One program for several targets: each device takes its own executables, IREE's runtime too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import references
from numpy.typing import NDArray

import ireelab as il
from ireelab import examples
from ireelab.errors import UnknownTarget
from ireelab.hal.registry import devices
from ireelab.pipeline.targets import target_flags

EXAMPLE = examples.get("mlp")
BOTH = ("llvm-cpu", "vulkan")
THEIRS = {"llvm-cpu": "local-task", "vulkan": "vulkan"}
FORMATS = {"embedded-elf-x86_64", "embedded-elf-arm_64", "vulkan-spirv-fb"}


@pytest.fixture(scope="module")
def trace() -> il.Trace:
    return il.compile(EXAMPLE.path, target=BOTH)


@pytest.mark.parametrize("device", BOTH)
def test_runs_on_whichever_is_there(trace: il.Trace, device: str, tmp_path: Path) -> None:
    missing = [d.reason for d in devices() if d.driver == device and not d.available]
    if missing:
        pytest.skip(missing[0])
    inputs = EXAMPLE.inputs()
    (output,) = il.run(trace, EXAMPLE.function, *inputs, device=device).outputs
    references.assert_close(output, references.outputs(EXAMPLE.name, inputs)[0])
    np.testing.assert_array_equal(output, on_their_tool(trace, device, inputs, tmp_path))


def on_their_tool(
    trace: il.Trace, device: str, inputs: Sequence[NDArray[Any]], folder: Path
) -> NDArray[Any]:
    """``iree-run-module``; IREE's Python runtime takes no NumPy arrays for Vulkan."""
    trace.program.save(folder / "program.vmfb")
    command = [Path(sys.executable).with_name("iree-run-module"), "--module=program.vmfb"]
    command += [f"--device={THEIRS[device]}", f"--function={EXAMPLE.function}"]
    for number, array in enumerate(inputs):
        np.save(folder / f"{number}.npy", array)
        command.append(f"--input=@{number}.npy")
    subprocess.run([*command, "--output=@out.npy"], cwd=folder, check=True, capture_output=True)
    return np.load(folder / "out.npy")


def test_the_lab_writes_the_same_bytes(trace: il.Trace) -> None:
    lab = il.compile(EXAMPLE.path, target=list(BOTH), pipeline="lab")
    assert lab.target == "llvm-cpu,vulkan"
    assert lab.program.to_bytes() == trace.program.to_bytes()


def test_views_show_both(trace: il.Trace) -> None:
    formats = [entry.format for entry in il.executables(trace)]
    assert len(formats) == 4
    assert set(formats) < FORMATS
    assert il.barriers(trace).emitted > 0
    single = il.allocation(il.compile(EXAMPLE.path, target={"device": "llvm-cpu"}, until="stream"))
    assert il.allocation(trace).to_json() == single.to_json()


def test_targets_that_do_not_go_together() -> None:
    with pytest.raises(UnknownTarget, match=r"both .*ampere and .*ada"):
        target_flags("vulkan:ampere,vulkan:ada")
    with pytest.raises(UnknownTarget, match="no target"):
        il.compile(EXAMPLE.path, target=[])
    with pytest.raises(UnknownTarget, match="did you mean 'vulkan'"):
        il.compile(EXAMPLE.path, target=["llvm-cpu", "vulcan"])
