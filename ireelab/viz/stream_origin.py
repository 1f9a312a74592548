"""Where resources and timepoints of a Stream-level function come from."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ireelab.viz.amount import Amount
from ireelab.viz.mlir_walk import ValueReader, branch_inputs, lifetime, tied_operand

_TIMEPOINT = "!stream.timepoint"
_SIZES = ("storage_size", "result_size")


@dataclass(frozen=True, slots=True)
class Root:
    """The value that first stood for a buffer, and how far into it a value begins.

    ``symbol`` names the global it was loaded from, empty where it was not.
    """

    value: Any
    offset: Amount
    symbol: str


class Origins:
    """Follows values of one function back through views, awaits and tied results."""

    def __init__(self, function: Any, values: ValueReader) -> None:
        self._values = values
        self._branch_inputs = branch_inputs(function)
        self._roots: dict[Any, Root] = {}

    def resource(self, value: Any) -> Root:
        """The buffer behind a value. Arguments of functions and loops are buffers of their own."""
        root = self._roots.get(value)
        if root is None:
            root = self._roots[value] = self._find(value)
        return root

    def size(self, value: Any) -> Amount | None:
        """The size of a resource as the ops that make or await it state it; None elsewhere."""
        for origin in self._sized(value, set()):
            view: Any = origin.owner.opview
            if str(origin.owner.name) == "stream.timepoint.await":
                sizes = view.resource_operand_sizes
                return self._values.amount(sizes[origin.result_number])
            for attribute in _SIZES:
                if hasattr(view, attribute):
                    return self._values.amount(getattr(view, attribute))
        return None

    def _sized(self, value: Any, seen: set[Any]) -> Iterator[Any]:
        """``value`` and, through barriers and branches, the results it may be."""
        if value in seen:
            return
        seen.add(value)
        if not hasattr(value.owner, "opview"):
            for incoming in self._branch_inputs.get(value, ()):
                yield from self._sized(incoming, seen)
        elif str(value.owner.name) == "util.optimization_barrier":
            yield from self._sized(value.owner.operands[value.result_number], seen)
        else:
            yield value

    def awaited(self, timepoint: Any) -> list[Any]:
        """The timepoints that make up one, joins taken apart."""
        if timepoint is None:
            return []
        op: Any = timepoint.owner
        if getattr(op, "name", "") == "stream.timepoint.join":
            return [part for operand in op.operands for part in self.awaited(operand)]
        return [timepoint]

    def producers(self, execute: Any, executes: Collection[Any]) -> set[Any]:
        """The executions among ``executes`` that must end before ``execute`` begins.

        Follows awaited timepoints, and resources whose timepoint the host waited for.
        """
        found: set[Any] = set()
        pending = [v for v in execute.operands if str(v.type) == _TIMEPOINT or lifetime(v)]
        seen: set[Any] = set(pending)
        while pending:
            for value in self._before(pending.pop(), found, executes):
                if value not in seen:
                    seen.add(value)
                    pending.append(value)
        return found

    def _before(self, value: Any, found: set[Any], executes: Collection[Any]) -> Iterator[Any]:
        """The timepoints and resources one value waits for; executions go to ``found``."""
        owner: Any = value.owner
        if not hasattr(owner, "opview"):
            yield from self._branch_inputs.get(value, ())
            return
        if owner in executes:
            found.add(owner)
            return
        for operand in owner.operands:
            if str(operand.type) == _TIMEPOINT:
                yield operand
        inner = self._alias(value)
        if inner is not None:
            yield inner[0]

    def _find(self, value: Any) -> Root:
        owner: Any = value.owner
        if getattr(owner, "name", "") == "util.global.load":
            return Root(value, Amount(0), owner.opview.attributes["global"].value)
        inner = self._alias(value)
        if inner is None:
            return Root(value, Amount(0), "")
        root = self.resource(inner[0])
        return Root(root.value, root.offset + inner[1], root.symbol)

    def _alias(self, value: Any) -> tuple[Any, Amount] | None:
        """The value that ``value`` is a view of, and where in it; None for a buffer of its own."""
        op: Any = value.owner
        zero = Amount(0)
        if not hasattr(op, "opview"):
            region_owner: Any = op.owner.opview
            if str(region_owner.operation.name) in _CAPTURING:
                return list(region_owner.resource_operands)[value.arg_number], zero
            return None
        name, view, result = str(op.name), op.opview, value.result_number
        if name in ("stream.timepoint.await", "util.optimization_barrier"):
            return op.operands[result], zero
        if name == "stream.timepoint.barrier":
            return (view.resource, zero) if result == 0 else None
        if name == "stream.resource.subview":
            return view.source, self._values.amount(view.source_offset)
        if name in ("stream.async.cast", "stream.resource.transients") and result == 0:
            return op.operands[0], zero
        if name in _CAPTURING:
            block = next(iter(view.body.blocks))
            yielded = list(block.operations)[-1].operands
            resources = [y for y in yielded if lifetime(y)]
            return (resources[result], zero) if result < len(resources) else None
        if name in ("stream.async.fill", "stream.async.update", "stream.async.copy"):
            return view.target, zero
        if name == "stream.async.collective":
            return view.target, zero
        tied = tied_operand(op, result)
        return None if tied is None else (op.operands[tied], zero)


_CAPTURING = frozenset({"stream.cmd.execute", "stream.async.execute", "stream.async.concurrent"})
