"""HAL-level IR -> command buffers as recorded: commands and barriers in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ireelab.viz.access import Access, ByteRange
from ireelab.viz.amount import Amount
from ireelab.viz.mlir_walk import ValueReader, symbol_path

_PREFIX = "hal.command_buffer."
_SILENT = frozenset({"create", "finalize", "device", "begin_debug_group", "end_debug_group"})
_KINDS = {
    "fill_buffer": "fill",
    "copy_buffer": "copy",
    "update_buffer": "update",
    "flush_buffer": "flush",
    "invalidate_buffer": "invalidate",
    "dispatch.indirect": "dispatch",
}
# Bits of IREE's ExecutionStageBitfield and CommandBufferModeBitfield.
_STAGES = {
    1: "CommandIssue",
    2: "CommandProcess",
    4: "Dispatch",
    8: "Transfer",
    16: "CommandRetire",
    32: "Host",
}


@dataclass(frozen=True, slots=True)
class RecordedCommand:
    """One command. ``accesses`` is what its bindings name: the whole bound ranges."""

    kind: str  # "dispatch", "copy", "fill", "update", "flush", "invalidate", "call", "collective"
    name: str  # the entry point of a dispatch, the callee of a call, else the kind
    stage: str  # "Dispatch" or "Transfer"
    workgroups: tuple[int | None, ...]  # empty but for direct dispatches
    constants: tuple[int | None, ...]
    accesses: tuple[Access, ...]


@dataclass(frozen=True, slots=True)
class RecordedBarrier:
    """An ``execution_barrier``: what runs in the source stages ends before the targets begin."""

    source_stages: frozenset[str]
    target_stages: frozenset[str]


@dataclass(slots=True)
class Recording:
    """One command buffer, ``one_shot`` where it is recorded anew for each call."""

    function: str
    device: str  # the global that holds it, "" where it comes from elsewhere
    one_shot: bool
    straight: bool = True  # False where commands stand in several blocks
    items: list[RecordedCommand | RecordedBarrier] = field(
        default_factory=list["RecordedCommand | RecordedBarrier"]
    )

    @property
    def commands(self) -> list[RecordedCommand]:
        return [item for item in self.items if isinstance(item, RecordedCommand)]


def read_recorded(
    op: Any, values: ValueReader, modes: Mapping[str, tuple[str, ...]]
) -> RecordedCommand | RecordedBarrier | None:
    """What an op of the HAL dialect that names a command buffer records; None for nothing.

    ``modes`` gives, for an entry point, the access of each of its bindings; a binding of an
    unknown entry point is taken to be read and written.
    """
    if str(op.operation.name).removeprefix(_PREFIX) in _SILENT:
        return None
    return _Reader(values, modes).read(op)


@dataclass(slots=True)
class _Reader:
    values: ValueReader
    modes: Mapping[str, tuple[str, ...]]

    def read(self, op: Any) -> RecordedCommand | RecordedBarrier | None:
        """One op that names a command buffer; None if it records nothing."""
        name, view = str(op.operation.name), op.operation.opview
        if name == f"{_PREFIX}execution_barrier":
            return RecordedBarrier(_stages(view.source_stage_mask), _stages(view.target_stage_mask))
        if name == "util.call":
            callee = view.attributes["callee"].value
            return RecordedCommand("call", callee, "Dispatch", (), (), ())
        if not name.startswith(_PREFIX):
            return None
        verb = name.removeprefix(_PREFIX)
        kind = _KINDS.get(verb, verb)
        if kind == "dispatch":
            return self._dispatch(view, indirect=verb.endswith("indirect"))
        accesses = tuple(self._buffers(view, kind))
        stage = "Dispatch" if kind == "collective" else "Transfer"
        return RecordedCommand(kind, kind, stage, (), (), accesses)

    def _dispatch(self, view: Any, *, indirect: bool) -> RecordedCommand:
        name = _entry_point(view.entry_point)
        modes = self.modes.get(name, ())
        accesses: list[Access] = []
        for index, (buffer, offset, length) in enumerate(
            zip(view.binding_buffers, view.binding_offsets, view.binding_lengths, strict=True)
        ):
            mode = modes[index] if index < len(modes) else "rw"
            accesses.append(self._access(buffer, mode, offset, length))
        workgroups: tuple[int | None, ...] = ()
        if indirect:
            counts = self._access(view.workgroups_buffer, "ro", view.workgroups_offset, None)
            accesses.append(counts)
        else:
            workgroups = self.values.constants(
                (view.workgroup_x, view.workgroup_y, view.workgroup_z)
            )
        constants = self.values.constants(view.constants)
        return RecordedCommand("dispatch", name, "Dispatch", workgroups, constants, tuple(accesses))

    def _buffers(self, view: Any, kind: str) -> Iterator[Access]:
        if kind == "copy":
            yield self._access(view.source_buffer, "ro", view.source_offset, view.length)
        if kind == "collective":
            if view.send_buffer is not None:
                yield self._access(view.send_buffer, "ro", view.send_offset, view.send_length)
            if view.recv_buffer is not None:
                yield self._access(view.recv_buffer, "wo", view.recv_offset, view.recv_length)
            return
        if hasattr(view, "target_buffer"):
            mode = {"flush": "ro", "invalidate": "rw"}.get(kind, "wo")
            yield self._access(view.target_buffer, mode, view.target_offset, view.length)

    def _access(self, buffer: Any, mode: str, offset: Any, length: Any) -> Access:
        """``buffer`` is a HAL buffer, or an index: a slot of the binding table. No length: 12."""
        slot = str(buffer.type) == "index"
        known = self.values.constant(buffer) if slot else None
        resource = f"slot {known}" if known is not None else self.values.name(buffer)
        size = Amount(12) if length is None else self.values.amount(length)
        return Access(resource, mode, ByteRange(self.values.amount(offset), size))


def _entry_point(function_id: Any) -> str:
    """The function a dispatch runs, from the look-up of its id."""
    view: Any = function_id.owner.opview
    attribute = getattr(view, "entry_point", None)
    return symbol_path(attribute)[-1] if attribute is not None else ""


def _stages(attribute: Any) -> frozenset[str]:
    return stage_names(int(attribute.value))


def stage_names(bits: int) -> frozenset[str]:
    """The stages of a mask, by IREE's names."""
    return frozenset(stage for bit, stage in _STAGES.items() if bits & bit)
