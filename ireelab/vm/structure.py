"""Control flow of one generated function: blocks and branches to ``if`` and ``while``.

A block with one way in is written where it is branched to, so that straight-line functions and
trees of conditions have no dispatch loop; blocks with several ways in become cases of
``while True`` over ``pc``. Every written path ends in ``return``, ``raise`` or ``continue``, hence
no ``else`` is needed and nesting grows only with the smaller side of a condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ireelab.vm.decode import Block, Instruction, Operand, Remap, register_name, successors
from ireelab.vm.liveness import Liveness, edge_counts, reads, writes
from ireelab.vm.semantics import SEMANTICS

if TYPE_CHECKING:
    from ireelab.vm.translate import CallWriter

_DEPTH_LIMIT = 30  # of indentation; Python's own limit is 100
_SIZE_LIMIT = 64  # of blocks counted to choose which side of a condition to nest
_DEBUG_ONLY = ("trace", "print", "block")


class FunctionWriter:
    """Writes one function; ``lines()`` is the result."""

    def __init__(
        self, calls: CallWriter, blocks: Sequence[Block], parameters: tuple[str, ...]
    ) -> None:
        self._calls = calls
        self._blocks = {block.pc: block for block in blocks}
        self._entry = blocks[0].pc
        self._parameters = parameters
        self._uniform_refs: frozenset[tuple[Operand, ...]] = calls.uniform_refs
        self._live = Liveness(blocks)
        self._edges = edge_counts(blocks)
        self._labels: set[int] = set()
        self._out: list[str] = []

    def lines(self) -> list[str]:
        self._labels = {
            pc for pc, count in self._edges.items() if count > (0 if pc == self._entry else 1)
        }
        while True:
            labels = len(self._labels)
            self._out = self._header()
            self._body()
            if len(self._labels) == labels:  # nothing had to be cut for being nested too deep
                return self._out

    def _header(self) -> list[str]:
        out = [f"def {self._calls.python_name}({', '.join(self._parameters)}):"]
        undefined = sorted(self._live.live_in[self._entry] - set(self._parameters))
        out.extend(f"    {name} = {'None' if name[0] == 'r' else '0'}" for name in undefined)
        return out

    def _body(self) -> None:
        if not self._labels:
            self._chain(self._entry, 1)
            return
        labels = sorted(self._labels | {self._entry})
        self._write(1, f"pc = {self._entry}")
        self._write(1, "while True:")
        self._cases(labels, 2)

    def _cases(self, labels: list[int], indent: int) -> None:
        """A binary search for ``pc``."""
        while len(labels) > 1:
            middle = len(labels) // 2
            self._write(indent, f"if pc < {labels[middle]}:")
            self._cases(labels[:middle], indent + 1)
            labels = labels[middle:]
        self._chain(labels[0], indent)

    def _write(self, indent: int, line: str) -> None:
        self._out.append("    " * indent + line)

    def _chain(self, pc: int, indent: int) -> None:
        """A block, then at the same depth those that only it leads to."""
        following: int | None = pc
        while following is not None:
            following = self._block(self._blocks[following], indent)

    def _goto(self, label: int, remap: Remap, known: dict[str, str], indent: int) -> int | None:
        """A branch; returns the block to write next at this depth, None for a jump."""
        self._moves(self._live.moves(label, remap), known, indent)
        if indent > _DEPTH_LIMIT:
            self._labels.add(label)
        if label not in self._labels:
            return label
        self._write(indent, f"pc = {label}")
        self._write(indent, "continue")
        return None

    def _moves(
        self, moves: tuple[tuple[str, str], ...], known: dict[str, str], indent: int
    ) -> None:
        """Moves in order; as one assignment where none reads what an earlier one wrote."""
        targets = [target for _, target in moves]
        sources = [known.get(source, source) for source, _ in moves]
        if any(source in targets[:i] for i, source in enumerate(sources)):
            moved: set[str] = set()
            for source, target in moves:
                value = source if source in moved else known.get(source, source)
                self._write(indent, f"{target} = {value}")
                moved.add(target)
        elif moves:
            self._write(indent, f"{', '.join(targets)} = {', '.join(sources)}")

    def _branch(self, label: int, remap: Remap, known: dict[str, str], indent: int) -> None:
        following = self._goto(label, remap, known, indent)
        if following is not None:
            self._chain(following, indent)

    def _size(self, label: int) -> int:
        """How many blocks would be written in place of a branch to ``label``, up to a limit."""
        seen: set[int] = set()
        pending = [label]
        while pending and len(seen) < _SIZE_LIMIT:
            pc = pending.pop()
            if pc in self._labels or pc in seen:
                continue
            seen.add(pc)
            targets = successors(self._blocks[pc].instructions[-1])
            pending.extend(target for target, _ in targets)
        return len(seen)

    # --- one block ------------------------------------------------------------------

    def _block(self, block: Block, indent: int) -> int | None:
        known: dict[str, str] = {}
        kept = self._live.live_out[block.pc]
        pending = self._constants_needed(block)
        for position, instruction in enumerate(block.instructions[:-1]):
            if instruction.mnemonic.startswith("const."):
                name, literal = self._constant(instruction)
                known[name] = literal
                if name in kept and position == pending[name]:
                    self._write(indent, f"{name} = {literal}")
                continue
            self._instruction(instruction, block.instructions[position + 1], known, indent)
            for name in writes(instruction):
                known.pop(name, None)
        return self._terminator(block.instructions[-1], known, indent)

    def _constants_needed(self, block: Block) -> dict[str, int]:
        """Where each register is last written, so that only the final constant is stored."""
        return {
            name: position
            for position, instruction in enumerate(block.instructions)
            for name in writes(instruction)
        }

    def _constant(self, instruction: Instruction) -> tuple[str, str]:
        (name,) = writes(instruction)
        if instruction.mnemonic == "const.ref.rodata":
            return name, f"D{instruction.operands[0]}"
        literal = repr(instruction.operands[0])
        return name, SEMANTICS[instruction.mnemonic].format(literal)

    def _instruction(
        self, instruction: Instruction, following: Instruction, known: dict[str, str], indent: int
    ) -> None:
        mnemonic = instruction.mnemonic
        if mnemonic in _DEBUG_ONLY:
            return
        if mnemonic == "discard.refs":
            if following.mnemonic not in ("return", "fail"):
                names = " = ".join(dict.fromkeys(writes(instruction)))
                if names:
                    self._write(indent, f"{names} = None")
        elif mnemonic.startswith("call"):
            for line in self._calls.call(instruction, known):
                self._write(indent, line)
        elif mnemonic == "import.resolved":
            (name,) = writes(instruction)
            ordinal = instruction.operands[0]
            assert isinstance(ordinal, int)
            self._write(indent, f"{name} = {self._calls.import_name(ordinal)}_resolved")
        else:
            text = SEMANTICS[mnemonic].format(*self._operands(instruction, known))
            if mnemonic == "global.load.ref" and instruction.operands[:2] in self._uniform_refs:
                text = f"R[{instruction.operands[0]}]"
            results = "".join(f"{name} = " for name in writes(instruction))
            self._write(indent, results + text)

    def _operands(self, instruction: Instruction, known: dict[str, str]) -> list[str]:
        """Operand texts in encoded order, results left out."""
        texts: list[str] = []
        for kind, operand in zip(instruction.opcode.fields, instruction.operands, strict=True):
            if kind.startswith(">"):
                continue
            if kind == "type":
                assert isinstance(operand, int)
                texts.append(repr(self._calls.type_name(operand)))
            elif kind == "registers":
                assert isinstance(operand, tuple)
                names = [register_name(x) for x in operand if isinstance(x, int)]
                texts.append(f"({''.join(known.get(n, n) + ', ' for n in names)})")
            elif kind in ("i32", "i64", "f32", "f64", "ref"):
                assert isinstance(operand, int)
                name = register_name(operand)
                texts.append(known.get(name, name))
            else:
                texts.append(repr(operand))
        return texts

    # --- the end of a block ---------------------------------------------------------

    def _terminator(
        self, instruction: Instruction, known: dict[str, str], indent: int
    ) -> int | None:
        mnemonic = instruction.mnemonic
        if mnemonic == "return":
            values = [known.get(name, name) for name in reads(instruction)]
            self._write(indent, f"return {', '.join(values)}".rstrip())
            return None
        if mnemonic == "fail":
            (name,) = reads(instruction)
            message, location = instruction.operands[1], self._calls.location(instruction)
            status = known.get(name, name)
            self._write(indent, f"raise failure({status}, {message!r}, {location!r})")
            return None
        if mnemonic == "yield":
            self._write(indent, "yield")
        elif mnemonic.startswith("call"):
            for line in self._calls.call(instruction, known):
                self._write(indent, line)
        targets = successors(instruction)
        if mnemonic == "cond_br":
            return self._condition(instruction, targets, known, indent)
        if mnemonic == "br_table":
            (name,) = reads(instruction)
            for index, (label, remap) in enumerate(targets[1:]):
                self._write(indent, f"if {known.get(name, name)} == {index}:")
                self._branch(label, remap, known, indent + 1)
        return self._goto(*targets[0], known, indent)

    def _condition(
        self,
        instruction: Instruction,
        targets: tuple[tuple[int, Remap], ...],
        known: dict[str, str],
        indent: int,
    ) -> int | None:
        (name,) = reads(instruction)
        condition = known.get(name, name)
        nested, level = targets
        if self._size(nested[0]) > self._size(level[0]):
            nested, level = level, nested
            condition = f"not {condition}"
        self._write(indent, f"if {condition}:")
        self._branch(*nested, known, indent + 1)
        return self._goto(*level, known, indent)
