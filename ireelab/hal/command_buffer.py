"""Recorded work. Mirrors ``runtime/src/iree/hal/command_buffer.h``.

The base class keeps the record (a log that the explorer and the null driver read); a driver turns
it into its own form in ``_finalize``. Rules beyond memory safety are checked by
:mod:`ireelab.hal.validation`, which wraps any command buffer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from ireelab.errors import CommandBufferError

if TYPE_CHECKING:
    from typing_extensions import Self

    from ireelab.hal.buffer import Buffer
    from ireelab.hal.executable import Executable

Workgroups: TypeAlias = tuple[int, int, int]
BindingTable: TypeAlias = "Sequence[tuple[Buffer, int, int]]"
"""What a submission binds to the slots: (buffer, offset_bytes, length_bytes) each."""


@dataclass(frozen=True, slots=True)
class BindingRef:
    """A byte range of a buffer, or of what the submission binds to ``slot`` (buffer None)."""

    buffer: Buffer | None
    slot: int
    offset_bytes: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    executable: Executable
    function_ordinal: int
    workgroups: Workgroups
    constants: Sequence[int]
    bindings: Sequence[BindingRef]
    flags: int
    location: str


@dataclass(frozen=True, slots=True)
class DispatchIndirect:
    executable: Executable
    function_ordinal: int
    workgroups_ref: BindingRef
    constants: Sequence[int]
    bindings: Sequence[BindingRef]
    flags: int
    location: str


@dataclass(frozen=True, slots=True)
class FillBuffer:
    target: BindingRef
    pattern: bytes
    location: str


@dataclass(frozen=True, slots=True)
class UpdateBuffer:
    target: BindingRef
    data: bytes
    location: str


@dataclass(frozen=True, slots=True)
class CopyBuffer:
    source: BindingRef
    target: BindingRef
    location: str


@dataclass(frozen=True, slots=True)
class ExecutionBarrier:
    source_stages: int
    target_stages: int
    flags: int
    location: str


@dataclass(frozen=True, slots=True)
class BeginDebugGroup:
    label: str


@dataclass(frozen=True, slots=True)
class EndDebugGroup:
    pass


@dataclass(frozen=True, slots=True)
class AdviseBuffer:
    buffer: BindingRef
    flags: int
    arg0: int
    arg1: int


Command: TypeAlias = (
    Dispatch
    | DispatchIndirect
    | FillBuffer
    | UpdateBuffer
    | CopyBuffer
    | ExecutionBarrier
    | BeginDebugGroup
    | EndDebugGroup
    | AdviseBuffer
)

LogEntry: TypeAlias = "tuple[type[Command], tuple[Any, ...]]"

_ids = count(1)


class CommandBuffer(ABC):
    """A list of commands, recorded once and then submitted any number of times.

    Commands between two execution barriers may run in any order and at the same time. ``id`` is
    unique in the process; events of a profile carry it. Raises CommandBufferError when a command
    is recorded after ``finalize``.
    """

    def __init__(
        self, modes: int = 0, categories: int = 3, affinity: int = -1, binding_capacity: int = 0
    ) -> None:
        self.id = next(_ids)
        self.modes = modes
        self.categories = categories
        self.affinity = affinity
        self.binding_capacity = binding_capacity
        self.finalized = False
        self.log: list[LogEntry] = []

    @property
    def commands(self) -> tuple[Command, ...]:
        """What was recorded so far, built on demand: recording itself stays cheap."""
        return tuple(kind(*fields) for kind, fields in self.log)

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
        """Run every workgroup of an entry point. ``constants`` are 32-bit values."""
        fields = (executable, function_ordinal, workgroups, constants, bindings, flags, location)
        self._record(Dispatch, fields)

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
        """Like ``dispatch``; the three u32 workgroup counts are read when the command runs."""
        fields = (
            executable, function_ordinal, workgroups_ref, constants, bindings, flags, location,
        )  # fmt: skip
        self._record(DispatchIndirect, fields)

    def fill_buffer(self, target: BindingRef, pattern: bytes, *, location: str = "") -> None:
        """Repeat ``pattern`` (1, 2, 4 or 8 bytes) over the target."""
        self._record(FillBuffer, (target, pattern, location))

    def update_buffer(self, target: BindingRef, data: bytes, *, location: str = "") -> None:
        """Write ``data``, copied now, to the target."""
        self._record(UpdateBuffer, (target, bytes(data), location))

    def copy_buffer(self, source: BindingRef, target: BindingRef, *, location: str = "") -> None:
        """Copy bytes; the ranges have one length and do not overlap."""
        self._record(CopyBuffer, (source, target, location))

    def execution_barrier(
        self, source_stages: int, target_stages: int, flags: int = 0, *, location: str = ""
    ) -> None:
        """Commands recorded later start after those recorded earlier have ended."""
        self._record(ExecutionBarrier, (source_stages, target_stages, flags, location))

    def begin_debug_group(self, label: str) -> None:
        self._record(BeginDebugGroup, (label,))

    def end_debug_group(self) -> None:
        self._record(EndDebugGroup, ())

    def advise_buffer(
        self, buffer: BindingRef, flags: int = 0, arg0: int = 0, arg1: int = 0
    ) -> None:
        """A hint about a buffer; drivers may ignore it."""
        self._record(AdviseBuffer, (buffer, flags, arg0, arg1))

    def finalize(self) -> None:
        """End recording; the command buffer can be submitted from now on."""
        if self.finalized:
            raise CommandBufferError(
                f"command buffer {self.id} is already finalized; record a new one instead"
            )
        self._finalize()
        self.finalized = True

    def close(self) -> None:
        """Drop what the record holds on to; idempotent. It cannot be submitted afterwards."""
        self.log = []
        self.finalized = False
        self._close()

    @abstractmethod
    def _finalize(self) -> None:
        """Turn ``log`` into the driver's form; CommandBufferError for what it cannot run."""

    @abstractmethod
    def _close(self) -> None:
        """Drop the driver's form; idempotent."""

    def _record(self, kind: type[Command], fields: tuple[Any, ...]) -> None:
        if self.finalized:
            raise CommandBufferError(
                f"{kind.__name__} recorded into command buffer {self.id} after finalize(); "
                "record a new command buffer instead"
            )
        self.log.append((kind, fields))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
