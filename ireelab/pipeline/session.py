"""Live MLIR in this process; the only importer of ``iree.compiler``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ireelab.errors import InvalidIR
from ireelab.pipeline.diagnostics import parse_diagnostics

if TYPE_CHECKING:
    from iree.compiler import ir


def parse_module(text: str) -> ir.Module:
    """Parse a module into a context of its own, which the module keeps alive.

    Elided constants come back as ``dense_resource<__elided__>``: the module can be walked and
    printed, not compiled.

    Raises:
        InvalidIR: the text does not parse or does not verify.
    """
    from iree.compiler import ir

    context = ir.Context()
    context.allow_unregistered_dialects = True
    try:
        return ir.Module.parse(text, context)
    except ir.MLIRError as error:
        message = str(error)
        raise InvalidIR(message, diagnostics=parse_diagnostics(message)) from error
