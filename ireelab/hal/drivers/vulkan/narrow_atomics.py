"""A repair of kernels with atomic operations on 8 or 16 bits, of which Vulkan has none.

IREE 3.13 packs sub-byte types with ``OpAtomicAnd`` and ``OpAtomicOr`` on bytes where the target
stores 8 bits. The same buffer is declared a second time, as words, and the operation done on the
word around the element, the other bits of which it leaves as they are:

    %p = OpAccessChain %ptr_uchar %bytes %uint_0 %i
    %r = OpAtomicOr %uchar %p %scope %semantics %v
    ->
    %q = OpAccessChain %ptr_uint %words %uint_0 (%i / 4)
    %old = OpAtomicOr %uint %q %scope %semantics (%v << %i % 4 * 8)
    %r = %old >> %i % 4 * 8

Buffers end on a word (see ``dispatches.py``). Any other narrow atomic operation stays as it is, and
the kernel is refused.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from ireelab.hal.drivers.vulkan.spirv import HEADER_WORDS, from_words, instructions, to_words

_OP_ENTRY_POINT, _OP_DECORATE, _OP_MEMBER_DECORATE, _OP_FUNCTION = 15, 71, 72, 54
_OP_TYPE_INT, _OP_TYPE_RUNTIME_ARRAY, _OP_TYPE_STRUCT, _OP_TYPE_POINTER = 21, 29, 30, 32
_OP_CONSTANT, _OP_VARIABLE, _OP_ACCESS_CHAIN, _OP_CONVERT = 43, 59, 65, 113
_OP_SHIFT_RIGHT, _OP_SHIFT_LEFT, _OP_OR, _OP_AND, _OP_NOT = 194, 196, 197, 199, 200
_OP_ATOMIC_AND = 240
_OPERATIONS = (_OP_ATOMIC_AND, 241, 242)  # and, or, xor
_BLOCK, _ARRAY_STRIDE, _ALIASED, _BINDING, _SET, _OFFSET = 2, 6, 20, 33, 34, 35
_STORAGE_BUFFER = 12
_BOUND = 3  # the header's word with the first id that is free

Instruction = Sequence[int]
"""Its opcode in place of the first word, then the other words."""


def with_wide_atomics(code: bytes) -> bytes:
    """The module with such operations on words; the same bytes where there are none."""
    words = to_words(code)
    module = _Module([(i[0] & 0xFFFF, *i[1:]) for i in instructions(words)], words[_BOUND])
    if not module.narrow:
        return code
    rewritten = [*module.rewritten()]
    out = array("I", [*words[:_BOUND], module.bound, *words[_BOUND + 1 : HEADER_WORDS]])
    for instruction in rewritten:
        out.extend((len(instruction) << 16 | instruction[0], *instruction[1:]))
    return from_words(out)


class _Module:
    """The instructions of a module, and the new ones. ``narrow`` are the operations to rewrite."""

    def __init__(self, code: list[Instruction], bound: int) -> None:
        self.bound = bound
        self._code = code
        self._constants: dict[int, int] = {}  # value -> id
        self._words: dict[int, int] = {}  # a variable of narrow elements -> the same as words
        self._int_bits = {i[1]: i[2] for i in code if i[0] == _OP_TYPE_INT}
        self._word = next((i[1] for i in code if (i[0], *i[2:]) == (_OP_TYPE_INT, 32, 0)), 0)
        pointer = (_OP_TYPE_POINTER, _STORAGE_BUFFER, self._word)
        self._word_pointer = next((i[1] for i in code if (i[0], *i[2:]) == pointer), 0)
        # What has a type names it first, then its own id.
        values = (i for i in code if i[0] >= _OP_CONSTANT and len(i) > 2)
        self._of_words = {i[2] for i in values if i[1] == self._word}
        self._variables = {i[2] for i in code if i[0] == _OP_VARIABLE and i[3] == _STORAGE_BUFFER}
        # Into the array of a block: the variable, member 0, the element.
        self._chains = {i[2]: i for i in code if i[0] == _OP_ACCESS_CHAIN and len(i) == 6}
        self.narrow = {i[2] for i in code if self._is_narrow(i)}

    def rewritten(self) -> list[Instruction]:
        has_pointer = self._word_pointer
        self._word_pointer = has_pointer or self._id()
        functions = next(at for at, i in enumerate(self._code) if i[0] == _OP_FUNCTION)
        body = [new for old in self._code[functions:] for new in self._operation(old)]
        decorations, types = self._declarations(new_pointer=not has_pointer)
        head = [self._entry_point(i) for i in self._code[:functions]]
        annotations = 1 + max(
            at for at, i in enumerate(head) if i[0] in (_OP_DECORATE, _OP_MEMBER_DECORATE)
        )
        return [*head[:annotations], *decorations, *head[annotations:], *types, *body]

    def _id(self) -> int:
        self.bound += 1
        return self.bound - 1

    # --- operations -------------------------------------------------------------------

    def _is_narrow(self, instruction: Instruction) -> bool:
        if instruction[0] not in _OPERATIONS or self._int_bits[instruction[1]] not in (8, 16):
            return False
        chain = self._chains.get(instruction[3], ())
        return len(chain) == 6 and chain[3] in self._variables and chain[5] in self._of_words

    def _operation(self, instruction: Instruction) -> list[Instruction]:
        if instruction[0] not in _OPERATIONS or instruction[2] not in self.narrow:
            return [instruction]
        opcode, narrow_type, result, pointer, scope, semantics, value = instruction
        _, _, _, variable, member, index = self._chains[pointer]
        bits = self._int_bits[narrow_type]
        out: list[Instruction] = []

        def make(opcode: int, *operands: int, type: int = self._word) -> int:
            made = self._id()
            out.append((opcode, type, made, *operands))
            return made

        per_word = 32 // bits
        word = make(_OP_SHIFT_RIGHT, index, self._constant(per_word.bit_length() - 1))
        lane = make(_OP_AND, index, self._constant(per_word - 1))
        shift = make(_OP_SHIFT_LEFT, lane, self._constant(bits.bit_length() - 1))
        wide = make(_OP_SHIFT_LEFT, make(_OP_CONVERT, value), shift)
        if opcode == _OP_ATOMIC_AND:
            here = make(_OP_SHIFT_LEFT, self._constant((1 << bits) - 1), shift)
            wide = make(_OP_OR, wide, make(_OP_NOT, here))
        target = make(
            _OP_ACCESS_CHAIN, self._words_of(variable), member, word, type=self._word_pointer
        )
        old = make(opcode, target, scope, semantics, wide)
        out.append((_OP_CONVERT, narrow_type, result, make(_OP_SHIFT_RIGHT, old, shift)))
        return out

    # --- declarations -----------------------------------------------------------------

    def _constant(self, value: int) -> int:
        if value not in self._constants:
            self._constants[value] = self._id()
        return self._constants[value]

    def _words_of(self, variable: int) -> int:
        if variable not in self._words:
            self._words[variable] = self._id()
        return self._words[variable]

    def _declarations(self, *, new_pointer: bool) -> tuple[list[Instruction], list[Instruction]]:
        """Decorations and types, constants, variables of what the new operations use."""
        elements, block, pointer = self._id(), self._id(), self._id()
        decorations: list[Instruction] = [
            (_OP_DECORATE, elements, _ARRAY_STRIDE, 4),
            (_OP_MEMBER_DECORATE, block, 0, _OFFSET, 0),
            (_OP_DECORATE, block, _BLOCK),
        ]
        types: list[Instruction] = [
            (_OP_TYPE_RUNTIME_ARRAY, elements, self._word),
            (_OP_TYPE_STRUCT, block, elements),
            (_OP_TYPE_POINTER, pointer, _STORAGE_BUFFER, block),
        ]
        if new_pointer:
            types.append((_OP_TYPE_POINTER, self._word_pointer, _STORAGE_BUFFER, self._word))
        types += [(_OP_CONSTANT, self._word, id, value) for value, id in self._constants.items()]
        for old, new in self._words.items():
            types.append((_OP_VARIABLE, pointer, new, _STORAGE_BUFFER))
            given = [i for i in self._code if i[0] == _OP_DECORATE and i[1] == old]
            place = [i for i in given if i[2] in (_BINDING, _SET)]
            decorations += [(_OP_DECORATE, new, *i[2:]) for i in place]
            decorations.append((_OP_DECORATE, new, _ALIASED))
            if not any(i[2] == _ALIASED for i in given):
                decorations.append((_OP_DECORATE, old, _ALIASED))
        return decorations, types

    def _entry_point(self, instruction: Instruction) -> Instruction:
        """From SPIR-V 1.4 on it lists all variables: then the new ones too."""
        if instruction[0] != _OP_ENTRY_POINT:
            return instruction
        name_end = next(
            at
            for at in range(3, len(instruction))
            if b"\0" in instruction[at].to_bytes(4, "little")
        )
        listed = instruction[name_end + 1 :]
        return (*instruction, *[new for old, new in self._words.items() if old in listed])
