"""VM-level calls that record into a command buffer, as commands and barriers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ireelab.viz.access import Access, ByteRange
from ireelab.viz.amount import Amount
from ireelab.viz.command_buffer_ir import RecordedBarrier, RecordedCommand, stage_names
from ireelab.viz.host_calls import Binding, host_call
from ireelab.viz.mlir_walk import ValueReader

_KINDS = {
    "hal.command_buffer.fill_buffer": "fill",
    "hal.command_buffer.update_buffer": "update",
    "hal.command_buffer.copy_buffer": "copy",
    "hal.command_buffer.dispatch": "dispatch",
    "hal.command_buffer.dispatch.indirect": "dispatch",
}
_BARRIER = "hal.command_buffer.execution_barrier"


def record_call(
    op: Any, values: ValueReader, modes: Mapping[str, tuple[str, ...]]
) -> RecordedCommand | RecordedBarrier | None:
    """What a ``vm.call`` records; ``modes`` as in ``read_recorded``."""
    call = host_call(op)
    if call is None or call.name not in (*_KINDS, _BARRIER):
        return None
    if call.name == _BARRIER:
        masks = (call.constant(f"{side}_stage_mask", values) or 0 for side in ("source", "target"))
        return RecordedBarrier(*map(stage_names, masks))
    kind = _KINDS[call.name]
    if kind != "dispatch":
        ranges = call.ranges
        touched = tuple(
            _access(one, "ro" if kind == "copy" and position == 0 else "wo", values)
            for position, one in enumerate(ranges)
        )
        return RecordedCommand(kind, kind, "Transfer", (), (), touched)
    name = _entry_point(call.values["function"])
    known = modes.get(name, ())
    accesses = [
        _access(binding, known[i] if i < len(known) else "rw", values)
        for i, binding in enumerate(call.bindings)
    ]
    counts = [call.values.get(f"workgroup_{axis}") for axis in "xyz"]
    workgroups: tuple[int | None, ...] = ()
    if call.name.endswith("indirect"):
        buffer, slot = call.values["workgroups_buffer"], call.values.get("workgroups_slot")
        where = Binding(buffer, call.values["workgroups_offset"], None, slot)
        accesses.append(_access(where, "ro", values))
    else:
        workgroups = values.constants(counts)
    constants = values.constants(call.constants)
    return RecordedCommand("dispatch", name, "Dispatch", workgroups, constants, tuple(accesses))


def _access(binding: Binding, mode: str, values: ValueReader) -> Access:
    """No length: the 12 bytes of workgroup counts."""
    slot = None if binding.slot is None else values.constant(binding.slot)
    resource = values.name(binding.buffer) if slot is None else f"slot {slot}"
    length = Amount(12) if binding.length is None else values.amount(binding.length)
    return Access(resource, mode, ByteRange(values.amount(binding.offset), length))


def _entry_point(function: Any) -> str:
    """From the look-up of its ordinal, by name."""
    owner: Any = function.owner
    call = host_call(owner) if hasattr(owner, "opview") else None
    if call is None or "function_name" not in call.values:
        return ""
    return _rodata_text(call.values["function_name"].owner)


def _rodata_text(reference: Any) -> str:
    """The string behind a ``vm.const.ref.rodata``."""
    if str(getattr(reference, "name", "")) != "vm.const.ref.rodata":
        return ""
    wanted = reference.attributes["rodata"].value
    module: Any = reference.operation
    while module is not None and str(module.name) != "vm.module":
        module = module.parent
    for op in module.regions[0].blocks[0].operations if module is not None else ():
        if "sym_name" in op.attributes and op.attributes["sym_name"].value == wanted:
            return str(op.attributes["value"]).strip('"')
    return ""
