"""Which registers hold a value somebody still reads, at the start of every block.

The translator drops stores nobody reads (constants written into their uses, the high halves that
a branch moves along with an i64) and initialises what a function reads before writing it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ireelab.vm.decode import Block, Instruction, Remap, register_name, successors


def reads(instruction: Instruction) -> Iterator[str]:
    """Registers an instruction reads, without what its branches move."""
    if instruction.mnemonic == "discard.refs":
        return  # it only lets go of references
    for kind, operand in zip(instruction.opcode.fields, instruction.operands, strict=True):
        if kind in ("i32", "i64", "f32", "f64", "ref"):
            assert isinstance(operand, int)
            yield register_name(operand)
        elif kind == "registers":
            yield from _names(operand)


def writes(instruction: Instruction) -> Iterator[str]:
    """Registers an instruction writes."""
    for kind, operand in zip(instruction.opcode.fields, instruction.operands, strict=True):
        if kind == ">registers" or instruction.mnemonic == "discard.refs":
            yield from _names(operand)
        elif kind.startswith(">"):
            assert isinstance(operand, int)
            yield register_name(operand)


def _names(operand: object) -> Iterator[str]:
    assert isinstance(operand, tuple)
    for register in operand:  # pyright: ignore[reportUnknownVariableType]
        assert isinstance(register, int)
        yield register_name(register)


class Liveness:
    """``live_in[pc]`` and ``live_out[pc]`` of the block at ``pc``, the latter before its moves."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.live_in: dict[int, set[str]] = {block.pc: set() for block in blocks}
        self.live_out: dict[int, set[str]] = {block.pc: set() for block in blocks}
        changed = True
        while changed:
            changed = False
            for block in reversed(blocks):
                before = len(self.live_in[block.pc])
                self._visit(block)
                changed |= len(self.live_in[block.pc]) != before

    def moves(self, label: int, remap: Remap) -> tuple[tuple[str, str], ...]:
        """The (source, target) pairs of a branch that matter, to be moved one after the other."""
        return self._moves(label, remap)[0]

    def _moves(self, label: int, remap: Remap) -> tuple[tuple[tuple[str, str], ...], set[str]]:
        """The moves, and what is live before them."""
        live = set(self.live_in[label])
        kept: list[tuple[str, str]] = []
        for pair in reversed(remap):
            source, target = map(register_name, pair)
            if source != target and target in live:
                kept.append((source, target))
                live.remove(target)
                live.add(source)
        return tuple(reversed(kept)), live

    def _visit(self, block: Block) -> None:
        out: set[str] = set()
        for label, remap in successors(block.instructions[-1]):
            out |= self._moves(label, remap)[1]
        self.live_out[block.pc] |= out
        live = set(out)
        for instruction in reversed(block.instructions):
            live.difference_update(writes(instruction))
            live.update(reads(instruction))
        self.live_in[block.pc] |= live


def edge_counts(blocks: Sequence[Block]) -> Mapping[int, int]:
    """How many branches lead to each block."""
    counts = {block.pc: 0 for block in blocks}
    for block in blocks:
        for label, _ in successors(block.instructions[-1]):
            counts[label] += 1
    return counts
