"""A source as the compiler takes it: a named MLIR text whose dialect is known."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ireelab.errors import UnsupportedSource
from ireelab.frontends import jax, onnx, torch

_OP = re.compile(r'^\s*(?:%[^=\n]*= )?"?([a-z_]\w*)\.\w', re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*", re.MULTILINE)

INPUT_DIALECTS = ("stablehlo", "chlo", "mhlo", "vhlo", "tosa", "torch", "onnx", "linalg")
"""Dialects that models arrive in, most telling first."""

_SUFFIXES = (".mlir", ".mlirbc", ".onnx")

DEFAULT_NAME = "input.mlir"
"""What diagnostics call a source that came as text."""


@dataclass(frozen=True, slots=True)
class Source:
    """MLIR text with the name diagnostics use. ``path`` is set for a file, read in place."""

    name: str
    text: str
    path: Path | None
    dialect: str  # one of INPUT_DIALECTS, or "core" for func/arith/tensor and IREE's own

    @property
    def stem(self) -> str:
        """The name without folder and suffix: what a trace is called."""
        return Path(self.name).stem


def detect_dialect(text: str) -> str:
    """Which input dialect a module is written in.

    >>> detect_dialect("func.func @f() {\\n  %0 = stablehlo.constant dense<0> : tensor<i32>\\n}")
    'stablehlo'
    """
    found = Counter(_OP.findall(text))
    for dialect in INPUT_DIALECTS:
        if found[dialect]:
            return dialect
    return "core"


def resolve(source: object, *, name: str | None = None, inputs: Sequence[object] = ()) -> Source:
    """Take MLIR text, a path, a live ``ir.Module``, or what a frontend takes.

    A ``str`` is text unless it is one line that ends in ``.mlir``, ``.mlirbc`` or ``.onnx``.
    ``name`` is used in diagnostics for sources that have no file; ``inputs`` are what JAX
    functions and PyTorch modules are traced with.

    Raises:
        UnsupportedSource: a file that is not there, no MLIR, or empty; an object no frontend takes.
        FrontendUnavailable: the package that the source comes from is not installed.
    """
    if isinstance(source, str) and "\n" not in source and source.endswith(_SUFFIXES):
        source = Path(source)
    if isinstance(source, Path) and not source.exists():
        raise UnsupportedSource(f"cannot read {source}: No such file or directory")
    imported = _imported(source, inputs)
    if imported is not None:
        return Source(f"{name or imported[0]}.mlir", imported[1], None, detect_dialect(imported[1]))
    if isinstance(source, os.PathLike):
        return _from_path(Path(os.fspath(source)))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(source, str):
        text = source
    elif hasattr(source, "operation"):
        text = str(source.operation.get_asm(enable_debug_info=True))  # pyright: ignore
    else:
        raise UnsupportedSource(
            f"cannot compile a {type(source).__name__}: give MLIR text, a path to an .mlir or "
            ".onnx file, an iree.compiler.ir.Module, a JAX function or a PyTorch module"
        )
    _refuse_empty(text, "the source")
    return Source(name or DEFAULT_NAME, text, None, detect_dialect(text))


def _refuse_empty(text: str, what: str) -> None:
    """IREE compiles nothing at all until it lacks a program, 200 passes later."""
    if not _COMMENT.sub("", text).strip():
        raise UnsupportedSource(f"{what} is empty; give a module, for example 'func.func @f() …'")


def _imported(source: object, inputs: Sequence[object]) -> tuple[str, str] | None:
    """What a frontend makes of a source, (name, text); None where none takes it."""
    if onnx.accepts(source):
        return onnx.to_mlir(source)
    if torch.accepts(source):
        return torch.to_mlir(source, inputs)
    if jax.accepts(source) and not hasattr(source, "operation"):
        return jax.to_mlir(source, inputs)
    return None


def _from_path(path: Path) -> Source:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnsupportedSource(f"cannot read {path}: {error.strerror}") from error
    if data.startswith(b"ML\xefR"):
        text = f"// {path.name}: MLIR bytecode, {len(data)} bytes\n"
        return Source(str(path), text, path, "core")
    if b"\0" in data:
        raise UnsupportedSource(
            f"{path} is not MLIR: a compiled program (.vmfb) is for il.load and `ireelab run`, a "
            "saved trace (.iltrace) for il.load_trace"
        )
    text = data.decode("utf-8", "replace")
    _refuse_empty(text, str(path))
    return Source(str(path), text, path, detect_dialect(text))
