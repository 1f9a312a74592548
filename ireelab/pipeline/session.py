"""Live MLIR in this process; the only importer of ``iree.compiler``, which has no types."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import re
from typing import Any

from ireelab.errors import InvalidIR
from ireelab.pipeline.diagnostics import parse_diagnostics

_MESSAGE = re.compile(r'^(\s*vm\.(?:cond_)?fail [^"\n]*)"(.*)"$', re.MULTILINE)


def parse_module(text: str) -> Any:
    """Parse text into an ``iree.compiler.ir.Module``, which keeps a context of its own alive.

    Elided constants come back as ``dense_resource<__elided__>``: the module can be walked and
    printed, not compiled.

    Raises:
        InvalidIR: the text does not parse or does not verify.
    """
    from iree.compiler import ir

    context = ir.Context()
    context.allow_unregistered_dialects = True
    try:
        return ir.Module.parse(_MESSAGE.sub(_escaped, text), context)
    except ir.MLIRError as error:
        message = str(error)  # pyright: ignore[reportUnknownArgumentType]
        raise InvalidIR(message, diagnostics=parse_diagnostics(message)) from error


def _escaped(match: re.Match[str]) -> str:
    """IREE prints the message of ``vm.fail`` with the quotes inside it bare; escape them."""
    message = re.sub(r'(?<!\\)"', r"\"", match[2])
    return f'{match[1]}"{message}"'


def value_names(op: Any) -> Any:
    """An ``ir.AsmState`` of an op: the names of its values as the IR prints them."""
    from iree.compiler import ir

    return ir.AsmState(op, True)
