"""NumPy references for the examples, and how close a compiled program has to come.

Each reference takes the arrays of ``examples.inputs(name)`` and returns the outputs of one
call on a fresh module. They are computed in float64, so that the tolerance is that of the
compiled program alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Relative to the largest magnitude of the output: f32 has 6e-8, sums of a few hundred products
# lose one or two digits, and the order of the additions is the compiler's choice.
RELATIVE_TOLERANCE = {"float64": 1e-12, "float32": 2e-6, "float16": 2e-3, "bfloat16": 2e-2}


def tolerance(dtype: np.dtype[Any]) -> float:
    """The relative tolerance for outputs of ``dtype``; integers must be equal."""
    return RELATIVE_TOLERANCE.get(dtype.name, 0.0)


def assert_close(actual: Array, expected: Array) -> None:
    """``actual`` equals ``expected`` to the tolerance of its own dtype."""
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    relative = tolerance(actual.dtype)
    largest = float(np.max(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(
        actual.astype(expected.dtype), expected, rtol=relative, atol=relative * largest
    )


def softmax(x: Array) -> Array:
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def layer_norm(x: Array, scale: Array, bias: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + 1e-5) * scale + bias


def gelu(x: Array) -> Array:
    return 0.5 * x * (1.0 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def mlp(x: Array, w1: Array, b1: Array, w2: Array) -> tuple[Array, ...]:
    return (np.maximum(x @ w1 + b1, 0) @ w2,)


def transformer(
    x: Array,
    norm1_scale: Array,
    norm1_bias: Array,
    wq: Array,
    wk: Array,
    wv: Array,
    wo: Array,
    norm2_scale: Array,
    norm2_bias: Array,
    *feed_forward: Array,
) -> tuple[Array, ...]:
    batch, tokens, width = x.shape
    heads = 4

    def split(y: Array) -> Array:
        return y.reshape(batch, tokens, heads, width // heads).transpose(0, 2, 1, 3)

    normed = layer_norm(x, norm1_scale, norm1_bias)
    q, k, v = (split(normed @ w) for w in (wq, wk, wv))
    scores = softmax(q @ k.transpose(0, 1, 3, 2) * (width // heads) ** -0.5)
    mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(batch, tokens, width)
    x = x + mixed @ wo
    w1, b1, w2, b2 = feed_forward
    return (x + gelu(layer_norm(x, norm2_scale, norm2_bias) @ w1 + b1) @ w2 + b2,)


def elementwise(a: Array) -> tuple[Array, ...]:
    return (((a + a) - a) * a,)


def counter(amount: Array) -> tuple[Array, ...]:
    return (amount,)


def newton(a: Array) -> tuple[Array, ...]:
    """The roots, and the number of turns that float32 Newton steps take to settle."""
    x = a.astype(np.float32)
    turns = 0
    change = np.inf
    while change > 1e-6 and turns < 50:
        after = (x + a.astype(np.float32) / x) * np.float32(0.5)
        change = np.max(np.abs(after - x) / after)
        x = after
        turns += 1
    return np.sqrt(a), np.array(turns)


def dynamic(x: Array, w: Array, b: Array) -> tuple[Array, ...]:
    return (softmax(x @ w + b),)


def convolve(image: Array, filters: Array, bias: Array) -> Array:
    """3x3 convolution with one pixel of zeros around; NHWC images, OHWI filters."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("nhwiyx,oyxi->nhwo", windows, filters) + bias


def conv(
    image: Array, filter1: Array, bias1: Array, filter2: Array, bias2: Array, dense: Array
) -> tuple[Array, ...]:
    hidden = np.maximum(convolve(image, filter1, bias1), 0)
    n, h, w, c = hidden.shape
    pooled = hidden.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))
    features = np.maximum(convolve(pooled, filter2, bias2), 0).mean(axis=(1, 2))
    return (features @ dense[0],)


_REFERENCES: dict[str, Callable[..., tuple[Array, ...]]] = {
    "mlp": mlp,
    "transformer": transformer,
    "elementwise": elementwise,
    "counter": counter,
    "while": newton,
    "dynamic": dynamic,
    "conv": conv,
}


def outputs(name: str, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """The expected outputs of example ``name``; floats in float64."""
    wide = (x.astype(np.float64) if np.issubdtype(x.dtype, np.floating) else x for x in inputs)
    return _REFERENCES[name](*wide)
