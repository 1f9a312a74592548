"""What each Stream command reads and writes, one small function per kind of op.

``read_accesses`` names SSA values; ``stream_origin`` turns those into resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ireelab.viz.access import ByteRange
from ireelab.viz.amount import Amount
from ireelab.viz.mlir_walk import ValueReader, lifetime, tied_operand

_MODES = {1: "ro", 2: "wo", 3: "rw"}  # IREE's ResourceAccessBitfield


@dataclass(frozen=True, slots=True)
class Use:
    """A range of an SSA value of resource type. ``size`` is the size of the whole value."""

    value: Any
    mode: str
    range: ByteRange
    size: Amount


def is_command(op_name: str) -> bool:
    """Whether an op is work for a device."""
    return op_name in _READERS


def read_accesses(view: Any, values: ValueReader) -> list[Use]:
    """The accesses of one command, in the order of its operands, results last."""
    return list(_READERS[str(view.operation.name)](view, values))


def _use(values: ValueReader, value: Any, mode: str, offset: Any, length: Any, size: Any) -> Use:
    """Amounts are SSA values; an ``offset`` of None is zero."""
    start = Amount(0) if offset is None else values.amount(offset)
    return Use(value, mode, ByteRange(start, values.amount(length)), values.amount(size))


def _whole(values: ValueReader, value: Any, mode: str, size: Any) -> Use:
    return _use(values, value, mode, None, size, size)


# --- stream.cmd -----------------------------------------------------------------


def _cmd_target(mode: str) -> Callable[[Any, ValueReader], Iterator[Use]]:
    def read(op: Any, values: ValueReader) -> Iterator[Use]:
        yield _use(values, op.target, mode, op.target_offset, op.target_length, op.target_size)

    return read


def _cmd_copy(op: Any, values: ValueReader) -> Iterator[Use]:
    yield _use(values, op.source, "ro", op.source_offset, op.length, op.source_size)
    yield _use(values, op.target, "wo", op.target_offset, op.length, op.target_size)


def _cmd_resources(op: Any, values: ValueReader) -> Iterator[Use]:
    """``stream.cmd.dispatch`` and ``stream.cmd.collective``."""
    for value, size, offset, length, access in zip(
        op.resources,
        op.resource_sizes,
        op.resource_offsets,
        op.resource_lengths,
        op.resource_accesses,
        strict=True,
    ):
        yield _use(values, value, _MODES[int(access.value)], offset, length, size)


def _cmd_call(op: Any, values: ValueReader) -> Iterator[Use]:
    operands = [operand for operand in op.resource_operands if lifetime(operand)]
    for value, size, offset, length, access in zip(
        operands,
        op.resource_operand_sizes,
        op.resource_operand_offsets,
        op.resource_operand_lengths,
        op.resource_operand_accesses,
        strict=False,  # IREE lists an access for plain operands too
    ):
        yield _use(values, value, _MODES[int(access.value)], offset, length, size)


# --- stream.async ---------------------------------------------------------------


def _async_result(op: Any, values: ValueReader) -> Iterator[Use]:
    yield _whole(values, op.result, "wo", op.result_size)


def _async_clone(op: Any, values: ValueReader) -> Iterator[Use]:
    yield _whole(values, op.source, "ro", op.source_size)
    yield _whole(values, op.result, "wo", op.result_size)


def _async_slice(op: Any, values: ValueReader) -> Iterator[Use]:
    yield _use(values, op.source, "ro", op.source_offset, op.result_size, op.source_size)
    yield _whole(values, op.result, "wo", op.result_size)


def _async_fill(op: Any, values: ValueReader) -> Iterator[Use]:
    yield _use(values, op.result, "wo", op.target_offset, op.target_length, op.target_size)


def _async_update(op: Any, values: ValueReader) -> Iterator[Use]:
    yield _whole(values, op.update, "ro", op.update_size)
    yield _use(values, op.result, "wo", op.target_offset, op.update_size, op.target_size)


def _async_copy(op: Any, values: ValueReader) -> Iterator[Use]:
    yield _use(values, op.source, "ro", op.source_offset, op.length, op.source_size)
    yield _use(values, op.result, "wo", op.target_offset, op.length, op.target_size)


def _async_collective(op: Any, values: ValueReader) -> Iterator[Use]:
    yield _use(values, op.source, "ro", op.source_offset, op.source_length, op.source_size)
    yield _use(values, op.result, "wo", op.target_offset, op.target_length, op.target_size)


def _async_operands(op: Any, values: ValueReader) -> Iterator[Use]:
    """Dispatches and calls: operands are read, results written; a tied pair is both."""
    results = list(op.results_)
    tied = {tied_operand(op, index) for index in range(len(results))}
    all_operands = list(op.operation.operands)
    resources = [operand for operand in op.resource_operands if lifetime(operand)]
    for value, size, offset, length in zip(
        resources,
        op.resource_operand_sizes,
        op.resource_operand_offsets,
        op.resource_operand_lengths,
        strict=True,
    ):
        mode = "rw" if any(i is not None and all_operands[i] == value for i in tied) else "ro"
        yield _use(values, value, mode, offset, length, size)
    for index, (value, size) in enumerate(zip(results, op.result_sizes, strict=True)):
        if tied_operand(op, index) is None:
            yield _whole(values, value, "wo", size)


_READERS: dict[str, Callable[[Any, ValueReader], Iterator[Use]]] = {
    "stream.cmd.flush": _cmd_target("ro"),
    "stream.cmd.invalidate": _cmd_target("rw"),
    "stream.cmd.discard": _cmd_target("wo"),
    "stream.cmd.fill": _cmd_target("wo"),
    "stream.cmd.copy": _cmd_copy,
    "stream.cmd.dispatch": _cmd_resources,
    "stream.cmd.collective": _cmd_resources,
    "stream.cmd.call": _cmd_call,
    "stream.async.constant": _async_result,
    "stream.async.splat": _async_result,
    "stream.async.clone": _async_clone,
    "stream.async.transfer": _async_clone,
    "stream.async.slice": _async_slice,
    "stream.async.fill": _async_fill,
    "stream.async.update": _async_update,
    "stream.async.copy": _async_copy,
    "stream.async.collective": _async_collective,
    "stream.async.dispatch": _async_operands,
    "stream.async.call": _async_operands,
}
