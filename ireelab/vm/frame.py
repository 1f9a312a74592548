"""A function that is being executed by the stepper: where it stands, what its registers hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ireelab.vm.decode import Block, Instruction, Remap, register_name
from ireelab.vm.module import FunctionDef


class Frame:
    """One function being executed. ``registers`` are by name, an i64 under its low half.

    ``types`` say how each was last written: "i32", "i64", "f32", "f64" or "ref".
    """

    def __init__(self, function: FunctionDef, blocks: tuple[Block, ...]) -> None:
        self.function = function
        self.blocks = {block.pc: block for block in blocks}
        self.registers: dict[str, Any] = {}
        self.types: dict[str, str] = {}
        self._block = blocks[0]
        self._index = 0

    @property
    def instruction(self) -> Instruction:
        return self._block.instructions[self._index]

    @property
    def pc(self) -> int:
        return self.instruction.pc

    def read(self, name: str) -> Any:
        return self.registers.get(name, None if name[0] == "r" else 0)

    def write(self, names: Iterable[str], values: Iterable[Any], types: Iterable[str]) -> None:
        for name, value, type_ in zip(names, values, types, strict=True):
            self.registers[name] = value
            self.types[name] = type_

    def advance(self) -> None:
        self._index += 1

    def branch(self, label: int, remap: Remap) -> None:
        """Moves what the branch moves, in order, and goes to a block."""
        for source, target in remap:
            name = register_name(source)
            self.write([register_name(target)], [self.read(name)], [self.types.get(name, "")])
        self._block, self._index = self.blocks[label], 0
