"""The packed form of a command buffer: what executor.ll walks.

Layouts are those of executor.ll's types of the same names; all are little-endian and packed as
the C ABI packs them.
"""

from __future__ import annotations

import struct

# kind, binding count | kernel, environment, bindings, pattern | first ticket, tickets | chunk,
# total | dispatch state (x, y, z size, constants | x, y, z count, concurrency, bindings |
# constants, pointers, lengths) | local memory, unused, unused
COMMAND = struct.Struct("<II QQQQ II qq IIHHIIHBBQQQ IIq")
# first, end | tickets, indirect | x, y, z, unused | chunk, total, unused, unused
SEGMENT = struct.Struct("<II II IIII qqqq")
BINDING_WORDS = 3
"""slot (-1: direct), offset or address, length (-1: to the end); 64 bits each."""
TABLE_WORDS = 2
"""address, length"""
LANE_WORDS = 3
"""start ns, end ns, workgroups"""

DISPATCH, DISPATCH_INDIRECT, COPY, FILL = range(4)

JOB_WORDS = 32
JOB_COMMANDS, JOB_SEGMENTS, JOB_TABLE, JOB_LOCAL, JOB_LOCAL_STRIDE, JOB_PROFILE, JOB_POOL = range(7)
JOB_COUNTS = 7
"""segments in the low half, participants in the high half"""
JOB_EAGER = 8
JOB_PATIENCE_NS = 9

ERROR_KERNEL, ERROR_BINDING, ERROR_COUNTS = range(3)

assert COMMAND.size == 128
assert SEGMENT.size == 64


def decode_error(error: int) -> tuple[int, int, int]:
    """(command, kind, value) of the executor's result; value is signed for a kernel's code."""
    value = error & 0xFFFFFFFF
    kind = error >> 32 & 3
    if kind == ERROR_KERNEL and value >= 1 << 31:
        value -= 1 << 32
    return (error >> 34) - 1, kind, value
