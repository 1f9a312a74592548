"""One program on two devices at once: CPU and CPU, Vulkan and Vulkan, one of each in either order.

The peers are NumPy and, where both devices are of one kind, IREE's own runtime; of different kinds
it cannot run them (its Vulkan driver refuses buffers of the CPU's).
"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import ireelab as il
from ireelab.errors import DeviceUnavailable, ExecutableMismatch, InvalidInput, UnknownTarget
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.registry import create_device, devices
from ireelab.pipeline.targets import one_name, target_flags
from ireelab.vm.devices import needed_devices

SOURCE = Path(__file__).with_name("several_devices.mlir")
PAIRS = [
    ("llvm-cpu", "llvm-cpu"),
    ("llvm-cpu", "vulkan"),
    ("vulkan", "llvm-cpu"),
    ("vulkan", "vulkan"),
]
VALIDATED = {"llvm-cpu": "llvm-cpu:threads=2", "vulkan": "vulkan:validate=1,cache=0"}
THEIRS = {"llvm-cpu": "local-task", "vulkan": "vulkan"}
CHECKS = ("check_chain", "check_bytes")

Array = NDArray[Any]
Pair = tuple[str, str]

X = np.linspace(-1, 1, 64).astype(np.float32)
SQUARE = np.random.default_rng(1).standard_normal((64, 64)).astype(np.float32)


@functools.cache
def trace_of(pair: Pair) -> il.Trace:
    # Fused bindings make the validation layer report hazards that are none.
    flags = ["--iree-scheduling-optimize-bindings=false"]
    return il.compile(SOURCE, target={"a": pair[0], "b": pair[1]}, flags=flags)


@pytest.fixture(params=PAIRS, ids="+".join)
def pair(request: pytest.FixtureRequest) -> Pair:
    missing = [d.reason for d in devices() if d.driver in request.param and not d.available]
    if missing:
        pytest.skip(missing[0])
    return request.param


@pytest.fixture
def loaded(pair: Pair) -> Iterator[il.Context]:
    """The program on validated devices, which have said nothing in the end."""
    with il.Context(trace_of(pair).program, [VALIDATED[name] for name in pair]) as opened:
        yield opened
    for device in opened.devices:
        if isinstance(device, VulkanDevice):
            assert device.core.logical.instance.messages == []


def test_numpy_agrees(loaded: il.Context) -> None:
    np.testing.assert_array_equal(loaded.invoke("there_and_back", X)[0], X * 2 + X * 2 - X)
    halves = loaded.invoke("both_halves", SQUARE)
    half = np.full((64, 64), 0.5, np.float32)
    for found, wanted in zip(halves, (SQUARE @ half, half @ SQUARE), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(loaded.invoke("starts_on_b", X)[0], (X + X) ** 2)
    for length in (1, 7, 1000):
        x = np.arange(length, dtype=np.float32)
        np.testing.assert_array_equal(loaded.invoke("any_length", x)[0], x * x + x * x)


def test_a_global_of_both_keeps_its_value(loaded: il.Context) -> None:
    state = np.ones(64, np.float32)
    for _ in range(4):
        state = (X + state) * state
        np.testing.assert_array_equal(loaded.invoke("state_of_both", X)[0], state - X)


def test_checks_pass(loaded: il.Context) -> None:
    for function in CHECKS:
        assert loaded.invoke(function) == ()


def test_calls_in_a_row_reuse_memory(loaded: il.Context) -> None:
    for number in range(20):
        x = np.full(64, number, np.float32)
        np.testing.assert_array_equal(loaded.invoke("there_and_back", x)[0], 3 * x)
    live = [device.allocator.statistics().live_bytes for device in loaded.devices]
    for _ in range(20):
        loaded.invoke("there_and_back", X)
    assert [d.allocator.statistics().live_bytes for d in loaded.devices] == live


@pytest.mark.parametrize("pair", [PAIRS[0], PAIRS[3]], ids="+".join, indirect=True)
def test_iree_computes_the_same_bits(loaded: il.Context, pair: Pair, tmp_path: Path) -> None:
    trace_of(pair).program.save(tmp_path / "program.vmfb")
    np.save(tmp_path / "x.npy", X)
    for function in ("there_and_back", "state_of_both"):
        command = [Path(sys.executable).with_name("iree-run-module"), "--module=program.vmfb"]
        command += [f"--device={THEIRS[name]}" for name in pair]
        command += [f"--function={function}", "--input=@x.npy", "--output=@out.npy"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        (ours,) = loaded.invoke(function, X)
        np.testing.assert_array_equal(ours, np.load(tmp_path / "out.npy"))


@pytest.mark.parametrize("pair", [PAIRS[1]], ids="+".join, indirect=True)
def test_the_lab_writes_the_same_bytes(pair: Pair) -> None:
    flags = ["--iree-scheduling-optimize-bindings=false"]
    lab = il.compile(SOURCE, target=[f"a={pair[0]}", f"b={pair[1]}"], flags=flags, pipeline="lab")
    assert lab.target == f"a={pair[0]},b={pair[1]}"
    assert lab.program.to_bytes() == trace_of(pair).program.to_bytes()


def test_one_timeline_of_all(pair: Pair) -> None:
    result = il.run(trace_of(pair), "both_halves", SQUARE, device=",".join(pair), profile=True)
    assert result.timeline is not None
    ran = {e.queue for e in result.timeline.events if e.kind == "dispatch"}
    assert len(ran) == 2, "each device has a queue of its own name"
    model = il.timeline(result)
    assert {use.queue for use in model.queues} >= ran
    host = [e for e in result.timeline.events if e.kind == "submit"]
    starts = {e.submission: e.start_ns for e in host if e.queue == max(ran)}
    for event in result.timeline.events:
        if event.queue == max(ran) and event.submission in starts:
            assert event.start_ns >= starts[event.submission], "both clocks are the host's"


def test_the_same_device_twice() -> None:
    with create_device("llvm-cpu:threads=1") as device:
        result = il.run(trace_of(PAIRS[0]), "there_and_back", X, device=[device, device])
    np.testing.assert_array_equal(result.outputs[0], 3 * X)


def test_too_few_devices_or_others() -> None:
    program = trace_of(PAIRS[1]).program
    assert [(d.name, d.driver) for d in needed_devices(program)] == [
        ("a", "llvm-cpu"), ("b", "vulkan"),
    ]  # fmt: skip
    with pytest.raises(
        ExecutableMismatch, match=r"2 devices at once: a \(llvm-cpu\), b \(vulkan"
    ) as e:
        il.run(program, "there_and_back", X)
    assert "no 'b' among those given (llvm-cpu:0)" in str(e.value)
    assert "--device llvm-cpu --device vulkan" in str(e.value)
    with pytest.raises(ExecutableMismatch, match="no 'b' among those given"):
        il.run(program, "there_and_back", X, device=["llvm-cpu", "null"])
    with pytest.raises(DeviceUnavailable, match="no device is given"):
        il.run(program, "there_and_back", X, device=[])
    with pytest.raises(DeviceUnavailable, match="no driver 'vulcan'"):
        il.run(program, "there_and_back", X, device=["llvm-cpu", "vulcan"])


def test_kinds_are_found_in_any_order() -> None:
    program = trace_of(PAIRS[1]).program
    result = il.run(program, "there_and_back", X, device=["vulkan", "llvm-cpu"])
    np.testing.assert_array_equal(result.outputs[0], 3 * X)
    assert result.device.startswith("vulkan:")


def test_bad_inputs_are_refused_before_anything_runs(loaded: il.Context) -> None:
    with pytest.raises(InvalidInput, match="takes tensor<64xf32>"):
        loaded.invoke("there_and_back", X[:3])


def test_targets_that_do_not_go_together() -> None:
    assert one_name({"a": "llvm-cpu", "b": "vulkan:0"}) == "a=llvm-cpu,b=vulkan:0"
    with pytest.raises(UnknownTarget, match="a name of its own"):
        one_name(["a=llvm-cpu", "vulkan"])
    with pytest.raises(UnknownTarget, match="a name of its own"):
        one_name(["a=llvm-cpu", "a=vulkan"])
    with pytest.raises(UnknownTarget, match="did you mean 'vulkan'"):
        one_name({"a": "vulcan"})
    with pytest.raises(UnknownTarget, match="cannot have both"):
        target_flags("a=llvm-cpu,b=vmvx")


def test_a_topology_of_the_source_stays() -> None:
    attribute = (
        "stream.topology = #hal.device.topology<links = ["
        "(@a -> @b = {transparent_access = true}), "
        "(@b -> @a = {unified_memory = true, transparent_access = true})]>"
    )
    source = f"module attributes {{{attribute}}} {{\n{SOURCE.read_text()}\n}}"
    trace = il.compile(source, target={"a": "llvm-cpu", "b": "vulkan"}, until="stream")
    assert "unified_memory = true" in trace.ir(-1, module=True)
