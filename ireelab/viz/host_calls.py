"""Calls of the HAL, the same from ``hal`` ops and from ``vm.call`` of an import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ireelab.viz.mlir_walk import ValueReader

# Arguments of imports in order: `*` marks a list, its arity behind it. The names are those of the
# HAL dialect's operands.
_SUBMIT = ("device", "queue_affinity", "wait_fence", "signal_fence")
_IMPORTS: dict[str, tuple[str, ...]] = {
    "hal.command_buffer.create": ("device", "modes", "categories", "queue_affinity", "capacity"),
    "hal.command_buffer.execution_barrier": (
        "command_buffer", "source_stage_mask", "target_stage_mask", "flags",
    ),
    "hal.command_buffer.fill_buffer": (
        "command_buffer", "target_buffer", "target_offset", "length", "target_slot", "pattern",
        "pattern_length", "flags",
    ),
    "hal.command_buffer.update_buffer": (
        "command_buffer", "source_buffer", "source_offset", "target_buffer", "target_offset",
        "length", "target_slot", "flags",
    ),
    "hal.command_buffer.copy_buffer": (
        "command_buffer", "source_slot", "target_slot", "source_buffer", "source_offset",
        "target_buffer", "target_offset", "length", "flags",
    ),
    "hal.command_buffer.dispatch": (
        "command_buffer", "executable", "function", "workgroup_x", "workgroup_y", "workgroup_z",
        "flags", "*constants", "*bindings 5",
    ),
    "hal.command_buffer.dispatch.indirect": (
        "command_buffer", "executable", "function", "workgroups_slot", "workgroups_buffer",
        "workgroups_offset", "flags", "*constants", "*bindings 5",
    ),
    "hal.executable.lookup.function": ("executable", "function_name"),
    "hal.fence.join": ("flags", "*fences"),
    "hal.fence.await": ("timeout_millis", "flags", "*fences"),
    "hal.buffer.subspan": ("source_buffer", "source_offset", "length"),
    "hal.device.queue.alloca": (
        *_SUBMIT, "pool", "memory_types", "buffer_usage", "result_size", "flags",
    ),
    "hal.device.queue.dealloca": (*_SUBMIT, "buffer", "flags"),
    "hal.device.queue.fill": (
        *_SUBMIT, "target_buffer", "target_offset", "length", "pattern", "pattern_length", "flags",
    ),
    "hal.device.queue.update": (
        *_SUBMIT, "source_bytes", "source_offset", "target_buffer", "target_offset", "length",
        "flags",
    ),
    "hal.device.queue.copy": (
        *_SUBMIT, "source_buffer", "source_offset", "target_buffer", "target_offset", "length",
        "flags",
    ),
    "hal.device.queue.read": (
        *_SUBMIT, "source_file", "source_offset", "target_buffer", "target_offset", "length",
        "flags",
    ),
    "hal.device.queue.write": (
        *_SUBMIT, "source_buffer", "source_offset", "target_file", "target_offset", "length",
        "flags",
    ),
    "hal.device.queue.barrier": (*_SUBMIT, "flags"),
    "hal.device.queue.execute": (*_SUBMIT, "command_buffer", "flags"),
    "hal.device.queue.execute.indirect": (*_SUBMIT, "command_buffer", "flags", "*bindings 3"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binding:
    """A range of a buffer, or of what the slot of a binding table will hold."""

    buffer: Any
    offset: Any
    length: Any
    slot: Any = None


@dataclass(slots=True)
class HostCall:
    """``values`` are SSA values (or attributes with a ``value``) by operand name."""

    name: str
    values: dict[str, Any]
    constants: list[Any] = field(default_factory=list[Any])
    bindings: list[Binding] = field(default_factory=list[Binding])
    fences: list[Any] = field(default_factory=list[Any])

    def constant(self, name: str, values: ValueReader) -> int | None:
        """The integer of an operand or attribute; None where it is none, or not known."""
        found = self.values.get(name)
        if found is None:
            return None
        return values.constant(found) if hasattr(found, "owner") else int(found.value)

    @property
    def ranges(self) -> list[Binding]:
        """What a fill, copy, update, read or write touches: source first, then target."""
        found = [
            Binding(self.values[f"{side}_buffer"], self.values[f"{side}_offset"],
                    self.values["length"], self.values.get(f"{side}_slot"))
            for side in ("source", "target")
            if self.values.get(f"{side}_buffer") is not None
        ]  # fmt: skip
        return found if self.name.rsplit(".", 1)[1] not in ("alloca", "dealloca") else []


def host_call(op: Any) -> HostCall | None:
    """The call that an op makes of the HAL, None where it makes none."""
    name = str(op.operation.name)
    if name.startswith("hal."):
        return _from_hal(name, op.operation.opview)
    if name.startswith("vm.call"):
        callee = op.operation.attributes["callee"].value
        if callee in _IMPORTS:
            return _from_vm(callee, op.operation)
    return None


def _from_hal(name: str, view: Any) -> HostCall | None:
    names = _IMPORTS.get(name)
    if names is None:
        return None
    plain = (one for one in names if not one.startswith("*"))
    call = HostCall(name, {one: getattr(view, one, None) for one in plain})
    if hasattr(view, "fences"):
        call.fences = list(view.fences)
    if hasattr(view, "binding_buffers"):
        triples = zip(view.binding_buffers, view.binding_offsets, view.binding_lengths, strict=True)
        call.bindings = [Binding(*triple) for triple in triples]
    return call


def _from_vm(name: str, op: Any) -> HostCall:
    operands = list(op.operands)
    sizes = (
        [int(n) for n in op.attributes["segment_sizes"]] if "segment_sizes" in op.attributes else []
    )
    call = HostCall(name, {})
    for position, argument in enumerate(_IMPORTS[name]):
        if not argument.startswith("*"):
            call.values[argument] = operands.pop(0)
            continue
        kind, _, arity = argument[1:].partition(" ")
        count = sizes[position] * int(arity or 1)
        taken, operands = operands[:count], operands[count:]
        if kind == "bindings":
            width = int(arity)
            call.bindings = [_vm_binding(taken[i : i + width]) for i in range(0, count, width)]
        else:
            setattr(call, kind, taken)
    if name == "hal.command_buffer.update_buffer":
        call.values["source_buffer"] = None  # bytes of the host
    for side in ("source", "target", "workgroups"):
        slot, buffer = f"{side}_slot", call.values.get(f"{side}_buffer")
        if buffer is not None and not _is_null(buffer):
            call.values.pop(slot, None)
    return call


def _vm_binding(parts: list[Any]) -> Binding:
    """(buffer, offset, length) of a table; with (reserved, slot) before it of a dispatch."""
    *head, buffer, offset, length = parts
    return Binding(buffer, offset, length, head[1] if head and _is_null(buffer) else None)


def _is_null(value: Any) -> bool:
    return str(getattr(value.owner, "name", "")) == "vm.const.ref.zero"
