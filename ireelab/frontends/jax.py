"""JAX functions -> StableHLO, with the Python lines that made each op."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ireelab.errors import FrontendUnavailable, UnsupportedSource


def accepts(source: object) -> bool:
    """A jitted function, what ``jit(f).lower(...)`` or ``jax.export`` gives, or any function."""
    package = type(source).__module__.partition(".")[0]
    return package in ("jax", "jaxlib") or callable(source)


def to_mlir(source: Any, inputs: Sequence[object]) -> tuple[str, str]:
    """(name, MLIR text). ``inputs`` are arrays or ``jax.ShapeDtypeStruct``, or trees of them.

    Raises:
        FrontendUnavailable: JAX is not installed.
        UnsupportedSource: a function without inputs to trace it with, or not one JAX can trace.
    """
    try:
        import jax
    except ImportError as error:
        raise FrontendUnavailable(
            "a Python function is compiled through JAX, which is not installed: "
            "pip install 'ireelab[jax]'"
        ) from error
    if hasattr(source, "mlir_module"):  # jax.export.Exported
        return str(source.fun_name), str(source.mlir_module())
    name = str(getattr(source, "__name__", "") or "main")
    if not hasattr(source, "compiler_ir"):
        if not inputs:
            raise UnsupportedSource(
                f"{name} is traced with example inputs: give il.compile(…, inputs=[…]) the arrays "
                "it takes, or jax.ShapeDtypeStruct(shape, dtype) in their place"
            )
        jitted = source if hasattr(source, "lower") else jax.jit(source, keep_unused=True)
        try:
            source = jitted.lower(*inputs)
        except Exception as error:
            raise UnsupportedSource(f"JAX cannot trace {name}: {error}") from error
    module = source.compiler_ir("stablehlo")
    return name, str(module.operation.get_asm(enable_debug_info=True))
