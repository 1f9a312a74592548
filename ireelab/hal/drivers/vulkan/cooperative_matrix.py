"""A repair of IREE's f16 -> f32 cooperative-matrix kernels.

IREE 3.13 converts the f16 fragments to f32 before it multiplies them and then asks for an
f32 x f32 shape, which no GPU has: the driver refuses the pipeline. The multiplication takes f16
fragments with an f32 accumulator as they are, so the conversions can go:

    %a32 = OpFConvert %mat_f32 %a16                            (removed)
    %c = OpCooperativeMatrixMulAddKHR %mat_f32 %a32 %b32 %acc  ->  ... %a16 %b16 %acc

The products of f16 numbers are exact in f32, so the result does not change.
"""

from __future__ import annotations

from array import array

from ireelab.hal.drivers.vulkan.spirv import HEADER_WORDS, from_words, instructions, to_words

_OP_TYPE_FLOAT, _OP_FUNCTION, _OP_CONVERT = 22, 54, 115
_OP_TYPE_MATRIX, _OP_LOAD, _OP_MULTIPLY_ADD = 4456, 4457, 4459


def without_fragment_conversions(code: bytes) -> bytes:
    """The module with such conversions removed; the same bytes where there are none."""
    words = to_words(code)
    module = instructions(words)
    converted = _widened_loads(module)
    # Only those that nothing but the factors of multiplications read may go. Declarations, full of
    # literals that look like ids, read no values.
    opcodes = [instruction[0] & 0xFFFF for instruction in module]
    first = opcodes.index(_OP_FUNCTION) if _OP_FUNCTION in opcodes else len(opcodes)
    for instruction in module[first:]:
        opcode = instruction[0] & 0xFFFF
        if opcode == _OP_CONVERT:
            read = instruction[3:]
        else:
            read = instruction[5:] if opcode == _OP_MULTIPLY_ADD else instruction[1:]
        for word in read:
            converted.pop(word, None)
    if not converted:
        return code
    kept = array("I", words[:HEADER_WORDS])
    for instruction in module:
        opcode = instruction[0] & 0xFFFF
        if opcode == _OP_CONVERT and instruction[2] in converted:
            continue
        if opcode == _OP_MULTIPLY_ADD:
            for operand in (3, 4):
                instruction[operand] = converted.get(instruction[operand], instruction[operand])
        kept.extend(instruction)
    return from_words(kept)


def _widened_loads(module: list[array[int]]) -> dict[int, int]:
    """Result -> operand of the conversions of loaded f16 fragments to f32."""
    float_bits: dict[int, int] = {}
    matrix_bits: dict[int, int] = {}
    loaded_bits: dict[int, int] = {}
    converted: dict[int, int] = {}
    for instruction in module:
        opcode = instruction[0] & 0xFFFF
        if opcode == _OP_TYPE_FLOAT:
            float_bits[instruction[1]] = instruction[2]
        elif opcode == _OP_TYPE_MATRIX:
            matrix_bits[instruction[1]] = float_bits.get(instruction[2], 0)
        elif opcode == _OP_LOAD:
            loaded_bits[instruction[2]] = matrix_bits.get(instruction[1], 0)
        elif (
            opcode == _OP_CONVERT
            and matrix_bits.get(instruction[1]) == 32
            and loaded_bits.get(instruction[3]) == 16
        ):
            converted[instruction[2]] = instruction[3]
    return converted
