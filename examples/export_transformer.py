"""Writes transformer.mlir: one pre-norm transformer block, exported by JAX as StableHLO.

The weights are arguments, so that the file stays small. Run it with JAX installed:

    pip install "ireelab[jax]"
    python examples/export_transformer.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

BATCH, TOKENS, WIDTH, HEADS, HIDDEN = 2, 64, 128, 4, 512

HEADER = f"""\
// One transformer block, exported by JAX as StableHLO (examples/export_transformer.py):
//   x + attention(layer_norm(x)), then y + mlp(layer_norm(y)).
// {HEADS} heads, {TOKENS} tokens, width {WIDTH}, batch {BATCH}. Weights are arguments.
//
// Shows: a real model. A dozen dispatches from a hundred ops, concurrent projections, and
// transients that share memory. Each comment is the line of Python that the ops below came from.
"""

Weights = tuple[jax.Array, ...]


def layer_norm(x: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
    mean = x.mean(axis=-1, keepdims=True)
    centred = x - mean
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-5) * scale + bias


def attention(
    x: jax.Array, wq: jax.Array, wk: jax.Array, wv: jax.Array, wo: jax.Array
) -> jax.Array:
    heads = (BATCH, TOKENS, HEADS, WIDTH // HEADS)
    q = (x @ wq).reshape(heads)
    k = (x @ wk).reshape(heads)
    v = (x @ wv).reshape(heads)
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) * (WIDTH // HEADS) ** -0.5
    mixed = jnp.einsum("bhqk,bkhd->bqhd", softmax(scores), v)
    return mixed.reshape(BATCH, TOKENS, WIDTH) @ wo


def softmax(x: jax.Array) -> jax.Array:
    exponentials = jnp.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def gelu(x: jax.Array) -> jax.Array:
    return 0.5 * x * (1.0 + jnp.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def mlp(x: jax.Array, w1: jax.Array, b1: jax.Array, w2: jax.Array, b2: jax.Array) -> jax.Array:
    return gelu(x @ w1 + b1) @ w2 + b2


def transformer(
    x: jax.Array, norm1: Weights, projections: Weights, norm2: Weights, feed_forward: Weights
) -> jax.Array:
    x = x + attention(layer_norm(x, *norm1), *projections)
    return x + mlp(layer_norm(x, *norm2), *feed_forward)


def argument_shapes() -> tuple[jax.ShapeDtypeStruct | tuple[jax.ShapeDtypeStruct, ...], ...]:
    def f32(*shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    norm = (f32(WIDTH), f32(WIDTH))
    projections = (f32(WIDTH, WIDTH),) * 4
    feed_forward = (f32(WIDTH, HIDDEN), f32(HIDDEN), f32(HIDDEN, WIDTH), f32(WIDTH))
    return f32(BATCH, TOKENS, WIDTH), norm, projections, norm, feed_forward


ARGUMENT_NAMES = (
    "x",
    *("norm1_scale", "norm1_bias"),
    *("wq", "wk", "wv", "wo"),
    *("norm2_scale", "norm2_bias"),
    *("w1", "b1", "w2", "b2"),
)


def python_line(operation: Any) -> tuple[str, int]:
    """The innermost function of the model that an op came from, and the line of this script.

    Constants that JAX makes while lowering come from no line: ("", 0).
    """
    match = re.search(rf'"(\w+)"\("[^"]*{Path(__file__).name}":(\d+)', str(operation.location))
    if match is None or match[1] == stablehlo_text.__name__:
        return "", 0
    return match[1], int(match[2])


def body_lines(function: Any) -> Iterator[str]:
    """The ops of the function, each group under the Python line that it came from.

    The Python line is a comment rather than a location: ops without locations get their line
    in the .mlir file, which is the text that an explorer shows.
    """
    script = Path(__file__).read_text().splitlines()
    current = ""
    for operation in function.body.blocks[0]:
        name, line = python_line(operation)
        if line and (origin := f"{name}: {script[line - 1].strip()}") != current:
            yield f"\n  // {origin}"
            current = origin
        yield f"  {operation.get_asm(use_local_scope=True)}"


def stablehlo_text() -> str:
    """The block as a function over named arguments, without JAX's attributes."""
    module = jax.jit(transformer).lower(*argument_shapes()).compiler_ir("stablehlo")
    function = next(iter(module.body))
    arguments = ",\n    ".join(
        f"%{name}: {argument.type}"
        for name, argument in zip(ARGUMENT_NAMES, function.arguments, strict=True)
    )
    (result,) = function.type.results
    body = "\n".join(body_lines(function))
    for number, name in reversed(list(enumerate(ARGUMENT_NAMES))):
        body = re.sub(rf"%arg{number}\b", f"%{name}", body)
    return f"func.func @transformer(\n    {arguments}) -> {result} {{{body}\n}}\n"


if __name__ == "__main__":
    target = Path(__file__).with_name("transformer.mlir")
    target.write_text(HEADER + "\n" + stablehlo_text())
