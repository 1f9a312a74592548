"""PyTorch modules -> the Torch dialect, with the Python lines that made each op."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ireelab.errors import FrontendUnavailable, UnsupportedSource

_CLASSES = ("torch.nn.modules.module.Module", "torch.export.exported_program.ExportedProgram")


def accepts(source: object) -> bool:
    """A ``torch.nn.Module`` or a ``torch.export.ExportedProgram``; Torch is not imported."""
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(source).__mro__)
    return any(name in _CLASSES for name in names)


def to_mlir(source: Any, inputs: Sequence[object]) -> tuple[str, str]:
    """(name, MLIR text); the weights become constants. ``inputs`` are example tensors.

    Raises:
        FrontendUnavailable: Torch is not installed.
        UnsupportedSource: a module without example inputs, or one that cannot be exported.
    """
    try:
        import torch
        from iree.compiler.extras import fx_importer
    except ImportError as error:
        raise FrontendUnavailable(
            "a PyTorch module needs PyTorch and IREE's compiler: pip install 'ireelab[torch]'"
        ) from error
    name = type(source).__name__
    if not hasattr(source, "graph_module"):
        if not inputs:
            raise UnsupportedSource(
                f"{name} is exported with example inputs: give il.compile(…, inputs=[…]) the "
                "tensors that its forward() takes"
            )
        try:
            source = torch.export.export(source, tuple(inputs))
        except Exception as error:
            raise UnsupportedSource(f"torch.export cannot export {name}: {error}") from error
    importer = fx_importer.FxImporter()
    importer.import_frozen_program(source, func_name="main")
    return name, str(importer.module.operation.get_asm(enable_debug_info=True))
