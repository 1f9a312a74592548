"""ONNX models -> the Torch dialect's ONNX ops, as ``iree-import-onnx`` writes them."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ireelab.errors import FrontendUnavailable, UnsupportedSource

_OPSET = 17
"""IREE's converters are written for this version; older models are brought to it."""


def accepts(source: object) -> bool:
    """A path to an ``.onnx`` file, or an ``onnx.ModelProto``."""
    if isinstance(source, (str, os.PathLike)):
        return str(source).endswith(".onnx")  # pyright: ignore[reportUnknownArgumentType]
    return type(source).__name__ == "ModelProto"


def to_mlir(source: Any) -> tuple[str, str]:
    """(name, MLIR text), the graph's name and the model with its weights as constants.

    Raises:
        FrontendUnavailable: the ``onnx`` package is not installed.
        UnsupportedSource: not an ONNX model.
    """
    try:
        import onnx
        from iree.compiler import ir
        from iree.compiler.extras import onnx_importer
        from onnx import shape_inference, version_converter
    except ImportError as error:
        raise FrontendUnavailable(
            "an ONNX model needs the packages onnx and IREE's compiler: pip install 'ireelab[onnx]'"
        ) from error
    try:
        named = isinstance(source, (str, os.PathLike))
        model: Any = onnx.load(source) if named else source
        if model.opset_import[0].version < _OPSET:
            model = version_converter.convert_version(model, _OPSET)
        model = shape_inference.infer_shapes(model, data_prop=True)
        context = ir.Context()
        info = onnx_importer.ModelInfo(model)
        operation = info.create_module(context=context).operation
        onnx_importer.NodeImporter.define_function(info.main_graph, operation).import_all()
    except Exception as error:
        raise UnsupportedSource(f"cannot import the ONNX model {source!s:.60}: {error}") from error
    name = Path(source).stem if named else str(model.graph.name) or "model"
    return name, str(operation.get_asm(enable_debug_info=True))
