"""The worked example of docs/write-a-pass.md: packing of slices in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def first_fit(module: Any, options: Mapping[str, Any]) -> None:
    """In place of ``layout-slices``: each slice at the lowest offset free while it lives."""
    from iree.compiler import ir
    from iree.compiler.dialects import arith

    alignment = options.get("alignment", 64)
    packs: list[Any] = []

    def collect(op: Any) -> Any:
        if op.name == "stream.resource.pack":
            packs.append(op)
        return ir.WalkResult.ADVANCE

    module.operation.walk(collect)
    for pack in packs:
        index = ir.IndexType.get()
        ends = [
            ir.IntegerAttr(a).value for a in ir.ArrayAttr(pack.attributes["lifetime_intervals"])
        ]
        lives = list(zip(ends[::2], ends[1::2], strict=True))
        sizes = [
            -(-ir.IntegerAttr(size.owner.attributes["value"]).value // alignment) * alignment
            for size in list(pack.operands)[-len(lives) :]
        ]
        placed: list[tuple[int, int, int]] = []  # offset, end, which slice
        for number in sorted(range(len(sizes)), key=lambda n: -sizes[n]):
            offset = 0
            for start, end, other in sorted(placed):
                apart = lives[number][1] < lives[other][0] or lives[other][1] < lives[number][0]
                if not apart and start < offset + sizes[number] and offset < end:
                    offset = end
            placed.append((offset, offset + sizes[number], number))
        offsets = {number: offset for offset, _, number in placed}
        values = [max(end for _, end, _ in placed), *(offsets[n] for n in range(len(sizes)))]
        with ir.InsertionPoint(pack), pack.location:
            for result, value in zip(pack.results, values, strict=True):
                constant = arith.ConstantOp(index, ir.IntegerAttr.get(index, value))
                result.replace_all_uses_with(constant.result)
        pack.erase()
