"""Walking live MLIR. Ops, values and attributes are duck-typed: nothing here imports MLIR."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ireelab.viz.amount import Amount, Symbol

_DEVICE = re.compile(r"@([\w.$-]+)")
_LIFETIME = re.compile(r"!stream\.resource<(\w+|\*)>")


_FUNCTIONS = ("util.func", "func.func", "stream.async.func", "stream.cmd.func", "vm.func")


def walk(op: Any) -> Iterator[Any]:
    """The ops nested in ``op`` in the order of the text, parents before their bodies."""
    for region in op.regions:
        for block in region.blocks:
            for nested in block.operations:
                yield nested
                yield from walk(nested)


def functions(module: Any) -> Iterator[tuple[str, Any]]:
    """Host functions and initializers of a module with their names, in order."""
    initializers = 0
    body = list(module.body.operations)
    if len(body) == 1 and str(body[0].operation.name) == "vm.module":
        body = list(body[0].regions[0].blocks[0].operations)
    for op in body:
        name = str(op.operation.name)
        if name in ("util.initializer", "vm.initializer"):
            yield f"initializer{initializers}", op
            initializers += 1
        elif name in _FUNCTIONS:
            yield op.operation.attributes["sym_name"].value, op


def lifetime(value: Any) -> str | None:
    """``"transient"`` of a ``!stream.resource<transient>``, None for values of other types."""
    match = _LIFETIME.fullmatch(str(value.type))
    return match[1] if match else None


def symbol_path(attribute: Any) -> tuple[str, ...]:
    """``("exe", "entry")`` of ``@exe::@entry``."""
    path = attribute.value
    return (path,) if isinstance(path, str) else tuple(path)


def devices_of(affinity: object) -> tuple[str, ...]:
    """The devices that an affinity attribute names, none for None.

    >>> devices_of("#hal.device.optimal<[#hal.device.affinity<@a>, #hal.device.affinity<@b, [1]>]>")
    ('a', 'b')
    """
    return () if affinity is None else tuple(dict.fromkeys(_DEVICE.findall(str(affinity))))


def tied_operand(op: Any, result: int) -> int | None:
    """The operand whose storage a result reuses, None where it has its own."""
    if "tied_operands" not in op.operation.attributes:
        return None
    index = int(op.operation.attributes["tied_operands"][result].value)
    return index if index >= 0 else None


def branch_inputs(function: Any) -> dict[Any, list[Any]]:
    """For each block argument fed by ``cf`` branches, the values that may arrive there."""
    inputs: dict[Any, list[Any]] = {}
    for op in walk(function):
        successors = op.operation.successors
        if not successors:
            continue
        operands = list(op.operation.operands)
        at = len(operands) - sum(len(block.arguments) for block in successors)
        for block in successors:
            for argument in block.arguments:
                inputs.setdefault(argument, []).append(operands[at])
                at += 1
    return inputs


def _unique_names(function: Any, names: Any) -> dict[Any, str]:
    """A name for each value of a function, told apart in the order of the text."""
    unique: dict[Any, str] = {}
    uses: dict[str, int] = {}
    for value in _values(function):
        name = value.get_name(names)
        count = uses[name] = uses.get(name, 0) + 1
        unique[value] = name if count == 1 else f"{name}/{count}"
    return unique


def _values(op: Any) -> Iterator[Any]:
    for region in op.regions:
        for block in region.blocks:
            yield from block.arguments
            for nested in block.operations:
                yield from nested.operation.results
                yield from _values(nested)


class ValueReader:
    """Names, constants and byte amounts of one function's values."""

    def __init__(self, function_name: str, function: Any, names: Any) -> None:
        """``names`` is an ``ir.AsmState`` of the function, which numbers its values once."""
        self._function = function_name
        self._names = _unique_names(function, names)
        self._amounts: dict[Any, Amount] = {}

    def name(self, value: Any) -> str:
        """The SSA name as the IR prints it: ``%result_0``.

        Regions side by side use the same names again: the second ``%28`` reads ``%28/2``.
        """
        return self._names[value]

    def constant(self, value: Any) -> int | None:
        """The integer a value holds, None where it is not an integer constant."""
        return self.amount(value).known

    def constants(self, values: Iterable[Any]) -> tuple[int | None, ...]:
        return tuple(self.constant(value) for value in values)

    def amount(self, value: Any) -> Amount:
        """An index or integer as a sum of constants and symbols."""
        known = self._amounts.get(value)
        if known is None:
            known = self._amounts[value] = self._compute(value)
        return known

    def _compute(self, value: Any) -> Amount:
        op: Any = value.owner
        name = str(getattr(op, "name", ""))  # A block argument is owned by a block.
        operands = list(op.operands) if name in _ARITHMETIC else []
        if name == "arith.constant":
            attribute = op.attributes["value"]
            if str(attribute.type) == "index" or str(attribute.type).startswith("i"):
                return Amount(int(attribute.value))
        elif name in ("vm.const.i32", "vm.const.i64"):
            return Amount(int(op.attributes["value"].value))
        elif name in ("vm.const.i32.zero", "vm.const.i64.zero"):
            return Amount(0)
        elif name in ("arith.index_cast", "arith.index_castui"):
            return self.amount(operands[0])
        elif name == "arith.addi":
            return self.amount(operands[0]) + self.amount(operands[1])
        elif name == "arith.subi":
            return self.amount(operands[0]) - self.amount(operands[1])
        elif operands:
            left, right = self.amount(operands[0]), self.amount(operands[1])
            if left.known is not None and name == "arith.muli":
                left, right = right, left
            unit = right.known
            if name == "arith.muli" and unit is not None:
                return left.times(unit)
            if name == "util.align" and unit:
                return left.align(unit)
            if name == "arith.andi" and unit and unit < 0 and -unit & (-unit - 1) == 0:
                return left.floor(-unit)
        return Amount(0, ((Symbol(f"{self._function}/{self.name(value)}"), 1),))


_ARITHMETIC = frozenset(
    {
        "arith.index_cast",
        "arith.index_castui",
        "arith.addi",
        "arith.subi",
        "arith.muli",
        "arith.andi",
        "util.align",
    }
)
