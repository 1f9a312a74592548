"""The examples, by both compilers, on both runtimes, against NumPy."""

from __future__ import annotations

from typing import Any

import artefacts
import numpy as np
import pytest
import references
from iree_engine import Engine
from numpy.typing import NDArray

import ireelab as il
from ireelab import examples
from ireelab.examples import Example

Array = NDArray[Any]

every_example = pytest.mark.parametrize("example", examples.EXAMPLES, ids=lambda e: e.name)


def run_here(example: Example, kind: str, device: str = "llvm-cpu") -> tuple[Array, ...]:
    with il.Context(artefacts.program(example.path, kind), device) as context:
        outputs = context.invoke(example.function, *example.inputs())
        return tuple(np.array(output) for output in outputs)


def assert_equal_bits(actual: tuple[Array, ...], expected: tuple[Array, ...]) -> None:
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.shape == theirs.shape
        assert ours.tobytes() == theirs.astype(ours.dtype).tobytes()


@every_example
@pytest.mark.parametrize("device", ["local-sync", "local-task"])
def test_elf_on_both_runtimes(example: Example, device: str) -> None:
    """The same machine code: the same bits."""
    theirs = Engine(artefacts.theirs(example.path), device)
    expected = theirs.invoke(example.function, *example.inputs())
    assert_equal_bits(run_here(example, "elf"), expected)


@every_example
def test_our_program_on_their_runtime(example: Example) -> None:
    theirs = Engine(artefacts.ours(example.path).to_bytes())
    expected = theirs.invoke(example.function, *example.inputs())
    assert_equal_bits(run_here(example, "elf"), expected)


@every_example
def test_jit_against_elf(example: Example) -> None:
    """The same LLVM IR, compiled by another version of LLVM: the same bits, so far."""
    assert_equal_bits(run_here(example, "jit"), run_here(example, "elf"))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads(threads: int) -> None:
    """Workgroups do not share sums: how they are spread changes nothing."""
    example = examples.get("transformer")
    spread = run_here(example, "elf", f"llvm-cpu:threads={threads}")
    assert_equal_bits(spread, run_here(example, "elf"))


@every_example
def test_profiling_changes_nothing(example: Example) -> None:
    program = artefacts.program(example.path, "elf")
    inputs = example.inputs()
    result = il.run(program, example.function, *inputs, device="llvm-cpu", profile=True)
    assert result.timeline is not None
    assert any(event.kind == "dispatch" for event in result.timeline.events)
    outputs = tuple(np.array(output) for output in result.outputs)
    assert_equal_bits(outputs, run_here(example, "elf"))


@every_example
@pytest.mark.parametrize("kind", ["jit", "elf"])
def test_against_numpy(example: Example, kind: str) -> None:
    inputs = example.inputs()
    actual = run_here(example, kind)
    for ours, expected in zip(actual, references.outputs(example.name, inputs), strict=True):
        references.assert_close(ours, np.asarray(expected))


@every_example
def test_inputs_survive_a_call(example: Example) -> None:
    inputs = example.inputs()
    with il.Context(artefacts.program(example.path, "elf"), "llvm-cpu") as context:
        context.invoke(example.function, *inputs)
    assert_equal_bits(inputs, example.inputs())


SORT = """
func.func @sort(%a: tensor<20000xi32>) -> tensor<20000xi32> {
  %sorted = "stablehlo.sort"(%a) ({
  ^bb0(%x: tensor<i32>, %y: tensor<i32>):
    %less = stablehlo.compare LT, %x, %y : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %less : tensor<i1>
  }) {dimension = 0 : i64, is_stable = false} : (tensor<20000xi32>) -> tensor<20000xi32>
  return %sorted : tensor<20000xi32>
}
"""


def test_inputs_survive_a_program_that_works_in_place() -> None:
    """IREE sorts in the memory of the argument, which must not be the caller's."""
    memory = np.zeros(20016, np.int32)
    start = -memory.ctypes.data % 64 // 4
    values = memory[start : start + 20000]  # aligned, so that it could be used in place
    values[...] = np.arange(20000)
    values[:2] = values[1::-1]
    before = values.copy()
    (ordered,) = il.run(il.compile(SORT), "sort", values).outputs
    np.testing.assert_array_equal(ordered, np.arange(20000))
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("kind", ["jit", "elf"])
def test_state_of_the_counter(kind: str) -> None:
    program = artefacts.program(examples.path("counter"), kind)
    amount = np.array([1, 2, 3, 4], np.int32)
    with il.Context(program, "llvm-cpu") as context:
        for turn in (1, 2, 3):
            (after,) = context.invoke("increment", amount)
            np.testing.assert_array_equal(after, turn * amount)
        np.testing.assert_array_equal(context.invoke("value")[0], 3 * amount)
        assert context.invoke("reset") == ()
        np.testing.assert_array_equal(context.invoke("value")[0], 0 * amount)
    with il.Context(program, "llvm-cpu") as another:
        np.testing.assert_array_equal(another.invoke("value")[0], 0 * amount)


@pytest.mark.parametrize("batch", [0, 1, 3, 64])
@pytest.mark.parametrize("kind", ["jit", "elf"])
def test_any_batch(kind: str, batch: int) -> None:
    _, weights, bias = examples.inputs("dynamic")
    rows = np.random.default_rng(batch).standard_normal((batch, 32)).astype(np.float32)
    with il.Context(artefacts.program(examples.path("dynamic"), kind), "llvm-cpu") as context:
        (actual,) = context.invoke("main", rows, weights, bias)
    references.assert_close(
        np.array(actual), references.outputs("dynamic", (rows, weights, bias))[0]
    )


def test_outputs_outlive_the_context() -> None:
    outputs = il.run(
        artefacts.program(examples.path("mlp"), "elf"), "mlp", *examples.inputs("mlp")
    ).outputs
    expected = references.outputs("mlp", examples.inputs("mlp"))
    references.assert_close(np.array(outputs[0]), expected[0])


def test_every_file_is_listed() -> None:
    folder = examples.path("mlp").parent
    assert {path.stem for path in folder.glob("*.mlir")} == set(examples.names())
    readme = (folder / "README.md").read_text()
    assert [name for name in examples.names() if f"`{name}.mlir`" not in readme] == []


def test_an_unknown_example_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match="transformer"):
        examples.get("nothing")


@every_example
def test_inputs_are_seeded(example: Example) -> None:
    assert_equal_bits(example.inputs(seed=3), example.inputs(seed=3))
    assert example.inputs(seed=3)[0].tobytes() != example.inputs(seed=4)[0].tobytes()
