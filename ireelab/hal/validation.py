"""The HAL's rules, checked. Mirrors ``runtime/src/iree/hal/command_buffer_validation.h``.

:class:`ValidatedCommandBuffer` wraps any driver's command buffer and :class:`ValidatedDevice` any
device. What is known while recording is checked then; what a binding slot must offer is collected
and checked when a submission fills the slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ireelab.errors import CommandBufferError
from ireelab.hal.command_buffer import BindingRef, CommandBuffer, Workgroups
from ireelab.hal.device_wrapper import WrappedDevice
from ireelab.hal.types import BufferUsage, CommandCategory, flag_names

if TYPE_CHECKING:
    from ireelab.hal.buffer import Buffer
    from ireelab.hal.command_buffer import BindingTable
    from ireelab.hal.executable import Executable
    from ireelab.hal.semaphore import Fence

MAX_UPDATE_BYTES = 64 * 1024
"""IREE's limit for data that is recorded into a command buffer."""


@dataclass(slots=True)
class _SlotRequirements:
    """What the commands recorded so far need of one slot."""

    usage: int = 0
    end_bytes: int = 0
    alignment_bytes: int = 1
    first_use: str = ""


class ValidatedCommandBuffer(CommandBuffer):
    """Checks every command, then passes it to ``inner``."""

    def __init__(self, inner: CommandBuffer) -> None:
        super().__init__(inner.modes, inner.categories, inner.affinity, inner.binding_capacity)
        self.inner = inner
        self.id = inner.id
        self.log = inner.log
        self._slots: dict[int, _SlotRequirements] = {}
        self._debug_depth = 0
        self._closed = False

    # --- recording --------------------------------------------------------------------

    def dispatch(
        self,
        executable: Executable,
        function_ordinal: int,
        workgroups: Workgroups,
        constants: Sequence[int],
        bindings: Sequence[BindingRef],
        flags: int = 0,
        *,
        location: str = "",
    ) -> None:
        where = self._begin("dispatch", CommandCategory.DISPATCH, location)
        self._check_kernel(where, executable, function_ordinal, constants, bindings)
        if min(workgroups) < 0 or max(workgroups) >= 1 << 32:
            raise CommandBufferError(f"{where}: workgroup counts {workgroups} are not 32-bit")
        self.inner.dispatch(
            executable, function_ordinal, workgroups, constants, bindings, flags, location=location
        )

    def dispatch_indirect(
        self,
        executable: Executable,
        function_ordinal: int,
        workgroups_ref: BindingRef,
        constants: Sequence[int],
        bindings: Sequence[BindingRef],
        flags: int = 0,
        *,
        location: str = "",
    ) -> None:
        where = self._begin("dispatch_indirect", CommandCategory.DISPATCH, location)
        counts = workgroups_ref
        if 0 <= counts.length_bytes < 12:
            raise CommandBufferError(
                f"{where}: the workgroup counts take 12 bytes, not {counts.length_bytes}"
            )
        counts = BindingRef(counts.buffer, counts.slot, counts.offset_bytes, 12)
        usage = BufferUsage.DISPATCH_INDIRECT_PARAMETERS
        self._check_binding(f"{where}, workgroup counts", counts, usage, alignment_bytes=4)
        self._check_kernel(where, executable, function_ordinal, constants, bindings)
        self.inner.dispatch_indirect(
            executable, function_ordinal, workgroups_ref, constants, bindings, flags,
            location=location,
        )  # fmt: skip

    def fill_buffer(self, target: BindingRef, pattern: bytes, *, location: str = "") -> None:
        where = self._begin("fill_buffer", CommandCategory.TRANSFER, location)
        size = len(pattern)
        if size not in (1, 2, 4, 8):
            raise CommandBufferError(f"{where}: a pattern has 1, 2, 4 or 8 bytes, not {size}")
        if target.offset_bytes % size or (target.length_bytes > 0 and target.length_bytes % size):
            raise CommandBufferError(
                f"{where}: offset {target.offset_bytes} and length {target.length_bytes} are not "
                f"multiples of the {size}-byte pattern"
            )
        self._check_binding(where, target, BufferUsage.TRANSFER_TARGET, alignment_bytes=size)
        self.inner.fill_buffer(target, pattern, location=location)

    def update_buffer(self, target: BindingRef, data: bytes, *, location: str = "") -> None:
        where = self._begin("update_buffer", CommandCategory.TRANSFER, location)
        if len(data) > MAX_UPDATE_BYTES:
            raise CommandBufferError(
                f"{where}: {len(data)} bytes; an update takes at most {MAX_UPDATE_BYTES}, "
                "copy from a buffer instead"
            )
        if target.length_bytes != len(data):
            raise CommandBufferError(
                f"{where}: {len(data)} bytes of data for a target of {target.length_bytes} bytes"
            )
        self._check_binding(where, target, BufferUsage.TRANSFER_TARGET)
        self.inner.update_buffer(target, data, location=location)

    def copy_buffer(self, source: BindingRef, target: BindingRef, *, location: str = "") -> None:
        where = self._begin("copy_buffer", CommandCategory.TRANSFER, location)
        if source.length_bytes != target.length_bytes:
            raise CommandBufferError(
                f"{where}: source has {source.length_bytes} bytes, target {target.length_bytes}"
            )
        self._check_binding(f"{where}, source", source, BufferUsage.TRANSFER_SOURCE)
        self._check_binding(f"{where}, target", target, BufferUsage.TRANSFER_TARGET)
        if source.buffer is not None and source.buffer is target.buffer:
            distance = abs(source.offset_bytes - target.offset_bytes)
            if distance < source.length_bytes:
                raise CommandBufferError(f"{where}: source and target overlap in one buffer")
        self.inner.copy_buffer(source, target, location=location)

    def execution_barrier(
        self, source_stages: int, target_stages: int, flags: int = 0, *, location: str = ""
    ) -> None:
        self._begin("execution_barrier", CommandCategory.NONE, location)
        self.inner.execution_barrier(source_stages, target_stages, flags, location=location)

    def begin_debug_group(self, label: str) -> None:
        self._begin("begin_debug_group", CommandCategory.NONE, "")
        self._debug_depth += 1
        self.inner.begin_debug_group(label)

    def end_debug_group(self) -> None:
        where = self._begin("end_debug_group", CommandCategory.NONE, "")
        if self._debug_depth == 0:
            raise CommandBufferError(f"{where}: no debug group is open")
        self._debug_depth -= 1
        self.inner.end_debug_group()

    def advise_buffer(
        self, buffer: BindingRef, flags: int = 0, arg0: int = 0, arg1: int = 0
    ) -> None:
        where = self._begin("advise_buffer", CommandCategory.NONE, "")
        self._check_binding(where, buffer, BufferUsage.NONE)
        self.inner.advise_buffer(buffer, flags, arg0, arg1)

    def _finalize(self) -> None:
        if self._debug_depth:
            raise CommandBufferError(
                f"command buffer {self.id}: {self._debug_depth} debug groups are still open"
            )
        self.inner.finalize()

    def _close(self) -> None:
        self._closed = True
        self.inner.close()

    # --- submission -------------------------------------------------------------------

    def check_submission(self, bindings: BindingTable) -> None:
        """Raise CommandBufferError unless it may run now, with these buffers in its slots."""
        state = "closed" if self._closed else "not finalized" if not self.finalized else ""
        if state:
            raise CommandBufferError(f"command buffer {self.id} was submitted, but is {state}")
        for slot, needs in self._slots.items():
            where = f"slot {slot} of command buffer {self.id}, first used by {needs.first_use}"
            if slot >= len(bindings):
                raise CommandBufferError(f"{where}: the binding table has {len(bindings)} entries")
            self._check_slot(where, needs, *bindings[slot])

    def _check_slot(
        self, where: str, needs: _SlotRequirements, buffer: Buffer | None, offset: int, length: int
    ) -> None:
        if buffer is None:
            raise CommandBufferError(f"{where}: no buffer is bound")
        if length < 0:
            length = buffer.length_bytes - offset
        if offset < 0 or offset + length > buffer.length_bytes:
            raise CommandBufferError(
                f"{where}: bytes [{offset}, {offset + length}) are bound, the buffer has "
                f"{buffer.length_bytes}"
            )
        if needs.end_bytes > length:
            raise CommandBufferError(
                f"{where}: commands use {needs.end_bytes} bytes, {length} are bound"
            )
        if offset % needs.alignment_bytes:
            raise CommandBufferError(
                f"{where}: offset {offset} is not a multiple of {needs.alignment_bytes}"
            )
        _check_usage(where, buffer, needs.usage)

    # --- parts ------------------------------------------------------------------------

    def _begin(self, what: str, category: int, location: str) -> str:
        place = f" at {location}" if location else ""
        where = f"command {len(self.inner.log)} ({what}{place}) of command buffer {self.id}"
        if self.finalized or self._closed:
            raise CommandBufferError(f"{where}: recorded after finalize() or close()")
        if category & ~self.categories:
            raise CommandBufferError(
                f"{where}: the command buffer was created without the category "
                f"{CommandCategory(category).name}"
            )
        return where

    def _check_kernel(
        self, where: str, executable: Executable, ordinal: int, constants: Sequence[int],
        bindings: Sequence[BindingRef],
    ) -> None:  # fmt: skip
        if not 0 <= ordinal < len(executable.functions):
            count = len(executable.functions)
            raise CommandBufferError(
                f"{where}: the executable has {count} entry points, there is no {ordinal}"
            )
        function = executable.functions[ordinal]
        # A count of -1 means that the driver does not know.
        if function.binding_count >= 0 and len(bindings) != function.binding_count:
            raise CommandBufferError(
                f"{where}: {function.name!r} takes {function.binding_count} bindings, "
                f"got {len(bindings)}"
            )
        if function.constant_count >= 0 and len(constants) != function.constant_count:
            raise CommandBufferError(
                f"{where}: {function.name!r} takes {function.constant_count} constants, "
                f"got {len(constants)}"
            )
        for number, reference in enumerate(bindings):
            usage = BufferUsage.DISPATCH_STORAGE
            self._check_binding(f"{where}, binding {number}", reference, usage)

    def _check_binding(
        self, where: str, reference: BindingRef, usage: int, *, alignment_bytes: int = 1
    ) -> None:
        offset, length = reference.offset_bytes, reference.length_bytes
        if offset < 0 or offset % alignment_bytes:
            raise CommandBufferError(
                f"{where}: offset {offset} is not a multiple of {alignment_bytes}"
            )
        buffer = reference.buffer
        if buffer is not None:
            end = offset + length if length >= 0 else buffer.length_bytes
            if end > buffer.length_bytes or offset > buffer.length_bytes:
                raise CommandBufferError(
                    f"{where}: bytes [{offset}, {end}) are outside the buffer of "
                    f"{buffer.length_bytes} bytes"
                )
            _check_usage(where, buffer, usage)
            return
        if not 0 <= reference.slot < self.binding_capacity:
            raise CommandBufferError(
                f"{where}: slot {reference.slot} is outside the command buffer's "
                f"{self.binding_capacity} slots"
            )
        needs = self._slots.setdefault(reference.slot, _SlotRequirements(first_use=where))
        needs.usage |= usage
        needs.end_bytes = max(needs.end_bytes, offset + max(length, 0))
        needs.alignment_bytes = max(needs.alignment_bytes, alignment_bytes)  # powers of two


def _check_usage(where: str, buffer: Buffer, usage: int) -> None:
    missing = usage & ~buffer.usage
    if missing:
        raise CommandBufferError(
            f"{where}: the buffer lacks the usage {flag_names(BufferUsage(missing))}; it was "
            f"allocated with {flag_names(BufferUsage(buffer.usage))}"
        )


class ValidatedDevice(WrappedDevice):
    """Any device, with its command buffers and submissions checked."""

    def create_executable(
        self, format: str, data: memoryview, constants: bytes, *, llvm_ir: str | None = None
    ) -> Executable:
        if len(constants) % 4:
            raise CommandBufferError(f"executable constants are u32, got {len(constants)} bytes")
        return super().create_executable(format, data, constants, llvm_ir=llvm_ir)

    def create_command_buffer(
        self, modes: int, categories: int, affinity: int, binding_capacity: int
    ) -> ValidatedCommandBuffer:
        inner = super().create_command_buffer(modes, categories, affinity, binding_capacity)
        return ValidatedCommandBuffer(inner)

    def _use(self, what: str, buffer: Buffer, usage: BufferUsage) -> None:
        _check_usage(what, buffer, usage)

    def queue_execute(
        self, affinity: int, wait: Fence | None, signal: Fence | None,
        command_buffer: CommandBuffer | None, bindings: BindingTable, flags: int,
    ) -> None:  # fmt: skip
        if isinstance(command_buffer, ValidatedCommandBuffer):
            command_buffer.check_submission(bindings)
            command_buffer = command_buffer.inner
        super().queue_execute(affinity, wait, signal, command_buffer, bindings, flags)
