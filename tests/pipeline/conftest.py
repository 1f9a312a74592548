"""Traces that several tests look at, compiled once."""

from __future__ import annotations

import pytest

import ireelab
from ireelab import Trace

TWO_INITIALIZERS = """
util.global private @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
util.global private mutable @n : tensor<2x2xf32>
util.initializer {
  %w = util.global.load @w : tensor<2x2xf32>
  %e = math.exp %w : tensor<2x2xf32>
  util.global.store %e, @n : tensor<2x2xf32>
  util.return
}
func.func @main(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %n = util.global.load @n : tensor<2x2xf32>
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x2xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<8x2xf32>) -> tensor<8x2xf32>
  %h = linalg.matmul ins(%x, %n : tensor<8x2xf32>, tensor<2x2xf32>)
      outs(%f : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %h : tensor<8x2xf32>
}
"""
"""Constant evaluation compiles an inner module; initializers have no symbols to tell them apart."""


@pytest.fixture(scope="session")
def mlp_trace() -> Trace:
    return ireelab.compile(ireelab.examples.path("mlp"))


@pytest.fixture(scope="session")
def initializers_trace() -> Trace:
    return ireelab.compile(TWO_INITIALIZERS, name="initializers.mlir")
