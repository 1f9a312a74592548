"""A repair of modules that IREE 3.13 compiles for SPIR-V 1.6, as integer dot products need it.

Their header says the lowest version that the instructions need, often 1.0; but the entry point
lists all variables and sums are decorated ``NoSignedWrap``, as only modules from 1.4 on may. Such a
module is one of 1.4: the header is all that is wrong. And of two names of one extension it takes
the one that Vulkan 1.3 devices do not know.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from ireelab.hal.drivers.vulkan.spirv import HEADER_WORDS, from_words, to_words

_VERSION_1_4 = 0x10400
_OP_EXTENSION, _OP_ENTRY_POINT, _OP_FUNCTION, _OP_VARIABLE, _OP_DECORATE = 10, 15, 54, 59, 71
_NO_WRAP = (4469, 4470)
_NO_WRAP_EXTENSION = b"SPV_KHR_no_integer_wrap_decoration"
_INPUT, _OUTPUT = 1, 3


def with_true_header(code: bytes) -> bytes:
    """The module with version 1.4 in its header where it is one, and known extensions."""
    code = code.replace(b"SPV_EXT_physical_storage_buffer", b"SPV_KHR_physical_storage_buffer")
    words = to_words(code)
    if words[1] >= _VERSION_1_4 or not _is_of_1_4(words):
        return code
    words[1] = _VERSION_1_4
    return from_words(words)


def _is_of_1_4(words: array[int]) -> bool:
    """Whether it does what only modules from 1.4 on may do."""
    interface: set[int] = set()
    decorated = named = False
    for operation, instruction in _globals(words):
        if operation == _OP_EXTENSION:
            named = named or instruction[1:].tobytes().startswith(_NO_WRAP_EXTENSION)
        elif operation == _OP_ENTRY_POINT:
            interface.update(_interface(instruction))
        elif operation == _OP_DECORATE:
            decorated = decorated or instruction[2] in _NO_WRAP
        elif (
            operation == _OP_VARIABLE
            and instruction[2] in interface
            and instruction[3] not in (_INPUT, _OUTPUT)
        ):
            return True
    return decorated and not named


def _globals(words: array[int]) -> Iterator[tuple[int, array[int]]]:
    """The instructions before the first function."""
    position = HEADER_WORDS
    while position < len(words):
        operation, length = words[position] & 0xFFFF, words[position] >> 16
        if operation == _OP_FUNCTION or not length:
            return
        yield operation, words[position : position + length]
        position += length


def _interface(entry_point: array[int]) -> array[int]:
    """What follows the name, which ends with the first word that has a zero byte."""
    for index in range(3, len(entry_point)):
        if b"\0" in entry_point[index].to_bytes(4, "little"):
            return entry_point[index + 1 :]
    return entry_point[:0]
