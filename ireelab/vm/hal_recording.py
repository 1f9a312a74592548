"""Imports of the ``hal`` module that record commands: ``hal.command_buffer.*``."""

from __future__ import annotations

from collections.abc import Sequence

from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import BindingRef, CommandBuffer
from ireelab.hal.executable import Executable
from ireelab.vm.hal_queue import fill_pattern
from ireelab.vm.values import VMBuffer

_WHOLE = -1  # a length that means "to the end"
_Binding = tuple[int, int, "Buffer | None", int, int]


class RecordingImports:
    """Methods of ``HalModule``; a last argument ``location`` is the source position of the call."""

    def command_buffer_finalize(self, command_buffer: CommandBuffer) -> None:
        command_buffer.finalize()

    def command_buffer_begin_debug_group(
        self, command_buffer: CommandBuffer, label: VMBuffer
    ) -> None:
        command_buffer.begin_debug_group(label.text())

    def command_buffer_end_debug_group(self, command_buffer: CommandBuffer) -> None:
        command_buffer.end_debug_group()

    def command_buffer_execution_barrier(
        self,
        command_buffer: CommandBuffer,
        source_stages: int,
        target_stages: int,
        flags: int,
        location: str,
    ) -> None:
        command_buffer.execution_barrier(source_stages, target_stages, flags, location=location)

    def command_buffer_advise_buffer(
        self,
        command_buffer: CommandBuffer,
        buffer: Buffer | None,
        flags: int,
        arg0: int,
        arg1: int,
        slot: int,
    ) -> None:
        command_buffer.advise_buffer(BindingRef(buffer, slot, 0, _WHOLE), flags, arg0, arg1)

    def command_buffer_fill_buffer(
        self,
        command_buffer: CommandBuffer,
        target: Buffer | None,
        offset: int,
        length: int,
        slot: int,
        pattern: int,
        pattern_length: int,
        _flags: int,
        location: str,
    ) -> None:
        command_buffer.fill_buffer(
            BindingRef(target, slot, offset, length),
            fill_pattern(pattern, pattern_length),
            location=location,
        )

    def command_buffer_update_buffer(
        self,
        command_buffer: CommandBuffer,
        source: VMBuffer,
        source_offset: int,
        target: Buffer | None,
        offset: int,
        length: int,
        slot: int,
        _flags: int,
        location: str,
    ) -> None:
        command_buffer.update_buffer(
            BindingRef(target, slot, offset, length),
            bytes(source.span(source_offset, length)),
            location=location,
        )

    def command_buffer_copy_buffer(
        self,
        command_buffer: CommandBuffer,
        source_slot: int,
        target_slot: int,
        source: Buffer | None,
        source_offset: int,
        target: Buffer | None,
        target_offset: int,
        length: int,
        _flags: int,
        location: str,
    ) -> None:
        command_buffer.copy_buffer(
            BindingRef(source, source_slot, source_offset, length),
            BindingRef(target, target_slot, target_offset, length),
            location=location,
        )

    def command_buffer_dispatch(
        self,
        command_buffer: CommandBuffer,
        executable: Executable,
        function: int,
        x: int,
        y: int,
        z: int,
        flags: int,
        constants: Sequence[int],
        bindings: Sequence[_Binding],
        location: str,
    ) -> None:
        command_buffer.dispatch(
            executable,
            function,
            (x, y, z),
            [value & 0xFFFF_FFFF for value in constants],
            [BindingRef(buffer, slot, at, size) for _, slot, buffer, at, size in bindings],
            flags,
            location=location,
        )

    def command_buffer_dispatch_indirect(
        self,
        command_buffer: CommandBuffer,
        executable: Executable,
        function: int,
        workgroups_slot: int,
        workgroups: Buffer | None,
        workgroups_offset: int,
        flags: int,
        constants: Sequence[int],
        bindings: Sequence[_Binding],
        location: str,
    ) -> None:
        command_buffer.dispatch_indirect(
            executable,
            function,
            BindingRef(workgroups, workgroups_slot, workgroups_offset, 12),
            [value & 0xFFFF_FFFF for value in constants],
            [BindingRef(buffer, slot, at, size) for _, slot, buffer, at, size in bindings],
            flags,
            location=location,
        )
