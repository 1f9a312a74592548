"""The example programs, and inputs for them.

    from ireelab import examples
    trace = il.compile(examples.path("mlp"))
    il.run(trace, "mlp", *examples.inputs("mlp"))

The ``.mlir`` files are in ``examples/`` of a checkout (and of an editable install), and in
``ireelab/_examples`` of an installed wheel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its file is ``<name>.mlir``, its entry ``function``."""

    name: str
    function: str
    summary: str
    make_inputs: Callable[[_Rng], tuple[Array, ...]]

    @property
    def path(self) -> Path:
        return _folder() / f"{self.name}.mlir"

    def inputs(self, seed: int = 0) -> tuple[Array, ...]:
        """Arrays for one call of ``function``; equal seeds give equal bits."""
        return self.make_inputs(np.random.default_rng(seed))


def names() -> tuple[str, ...]:
    """The names of all examples."""
    return tuple(example.name for example in EXAMPLES)


def get(name: str) -> Example:
    """The example of that name; ``KeyError`` lists the names there are."""
    for example in EXAMPLES:
        if example.name == name:
            return example
    raise KeyError(f"no example {name!r}; there are: {', '.join(names())}")


def path(name: str) -> Path:
    """Where the example's ``.mlir`` file is."""
    return get(name).path


def inputs(name: str, seed: int = 0) -> tuple[Array, ...]:
    """Arrays for one call of the example's entry function; equal seeds give equal bits."""
    return get(name).inputs(seed)


def _folder() -> Path:
    packaged = Path(__file__).parent / "_examples"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "examples"


def _normal(rng: _Rng, *shape: int, scale: float = 1.0) -> Array:
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def _weights(rng: _Rng, fan_in: int, *shape: int) -> Array:
    """Weights that keep activations near unit variance."""
    return _normal(rng, *shape, scale=fan_in**-0.5)


def _mlp(rng: _Rng) -> tuple[Array, ...]:
    return (
        _normal(rng, 8, 64),
        _weights(rng, 64, 64, 128),
        _normal(rng, 128, scale=0.1),
        _weights(rng, 128, 128, 10),
    )


def _transformer(rng: _Rng, width: int = 128, hidden: int = 512) -> tuple[Array, ...]:
    def norm() -> tuple[Array, Array]:
        return 1 + _normal(rng, width, scale=0.1), _normal(rng, width, scale=0.1)

    return (
        _normal(rng, 2, 64, width),
        *norm(),
        *(_weights(rng, width, width, width) for _ in range(4)),
        *norm(),
        _weights(rng, width, width, hidden),
        _normal(rng, hidden, scale=0.1),
        _weights(rng, hidden, hidden, width),
        _normal(rng, width, scale=0.1),
    )


def _elementwise(rng: _Rng) -> tuple[Array, ...]:
    return (_normal(rng, 16),)


def _counter(rng: _Rng) -> tuple[Array, ...]:
    return (rng.integers(1, 10, size=4, dtype=np.int32),)


def _while(rng: _Rng) -> tuple[Array, ...]:
    return (rng.uniform(0.5, 100.0, size=8).astype(np.float32),)


def _dynamic(rng: _Rng, batch: int = 5) -> tuple[Array, ...]:
    return _normal(rng, batch, 32), _weights(rng, 32, 32, 16), _normal(rng, 16, scale=0.1)


def _conv(rng: _Rng) -> tuple[Array, ...]:
    return (
        _normal(rng, 2, 16, 16, 3),
        _weights(rng, 27, 8, 3, 3, 3),
        _normal(rng, 8, scale=0.1),
        _weights(rng, 72, 16, 3, 3, 8),
        _normal(rng, 16, scale=0.1),
        _weights(rng, 16, 1, 16, 10),
    )


EXAMPLES = (
    Example("mlp", "mlp", "A two-layer perceptron on linalg tensors", _mlp),
    Example("transformer", "transformer", "A transformer block, from JAX", _transformer),
    Example("elementwise", "main", "Three elementwise ops fused into one dispatch", _elementwise),
    Example("counter", "increment", "State that outlives the call", _counter),
    Example("while", "main", "A loop whose trip count depends on data", _while),
    Example("dynamic", "main", "A batch dimension known only at run time", _dynamic),
    Example("conv", "main", "A small convolutional network in TOSA", _conv),
)
