"""Shapes of what kernels read and write, from the executables beside the schedule."""

from __future__ import annotations

import re
from typing import Any

from ireelab.viz.mlir_walk import walk

_SHAPED = re.compile(r"(?:tensor|memref)<([^<>,:]*)[>,]")


def binding_types(module: Any) -> dict[str, tuple[str, ...]]:
    """Entry point -> type of each binding ("128x512xf32"), "" where it has several or none.

    Before: ``stream.binding.subspan %arg1[%c0] : !stream.binding ->
    !iree_tensor_ext.dispatch.tensor<readonly:tensor<128xf32>>``; after: ``("", "128xf32", ...)``.
    """
    found: dict[str, tuple[str, ...]] = {}
    for executable in module.body.operations:
        if str(executable.operation.name) != "stream.executable":
            continue
        for op in walk(executable):
            if str(op.operation.name) == "func.func" and op.regions[0].blocks:
                found[op.operation.attributes["sym_name"].value] = _types(op)
    return found


def _types(function: Any) -> tuple[str, ...]:
    arguments = function.regions[0].blocks[0].arguments
    bindings = [a for a in arguments if str(a.type) == "!stream.binding"]
    seen: dict[int, set[str]] = {}
    for op in walk(function):
        if str(op.operation.name) != "stream.binding.subspan":
            continue
        source = op.operation.operands[0]
        match = _SHAPED.search(str(op.operation.results[0].type))
        if match and source in bindings:
            seen.setdefault(bindings.index(source), set()).add(match[1])
    one = (seen.get(i, set()) for i in range(len(bindings)))
    return tuple(next(iter(types)) if len(types) == 1 else "" for types in one)
