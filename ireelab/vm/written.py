"""Whether what is computed into a buffer stands there yet, in a call that is stepped through.

A program takes memory, submits the work that fills it and returns a view of it; a debugger may
stand anywhere between, and the work may wait for fences long after the call has returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from ireelab.hal.buffer import Buffer, BufferView
from ireelab.hal.command_buffer import (
    BindingRef,
    Command,
    CopyBuffer,
    Dispatch,
    DispatchIndirect,
    FillBuffer,
    UpdateBuffer,
)
from ireelab.hal.semaphore import Fence
from ireelab.vm.value_facts import facts
from ireelab.vm.value_text import value_text


@dataclass(slots=True)
class _Memory:
    """``computed``: work that writes it has ended. ``pending`` are the fences of what has not."""

    computed: bool
    pending: list[Fence] = field(default_factory=list[Fence])
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """``computed``: something can be read besides what happened to be in the memory before.

    ``note``: why it is not there yet, or may change; "" where neither is so.
    """

    computed: bool
    note: str = ""


class Written:
    """What a call has submitted so far, by the buffers that it writes.

    All of an allocation counts as computed once any work that writes a part of it has ended.
    Dispatches do not say which of their buffers they only read: those may change too.
    """

    def __init__(self) -> None:
        self._memory: WeakKeyDictionary[Buffer, _Memory] = WeakKeyDictionary()

    def called(self, name: str, operands: Sequence[Any], result: Any) -> None:
        """An import was called: note what it does to buffers."""
        if name in _ALLOCATES:
            self._memory[result] = _Memory(computed=False)
        elif name == "hal.buffer.subspan":
            self._memory[result] = self._of(operands[0])
        elif name == "hal.buffer_view.create":
            self._memory[result.buffer] = self._of(operands[0])
        elif name == "hal.buffer.store":
            self._of(operands[1]).computed = True
        elif name in _SUBMITS:
            wait, signal = operands[2:4]
            fence = signal or wait
            for memory in map(self._of, _SUBMITS[name](operands)):
                if fence is None:
                    memory.computed = True  # it has ended, or reading waits for it
                elif fence not in memory.pending:
                    memory.pending.append(fence)

    def look(self, value: Any) -> Standing:
        """What can be said of the contents of a value at this moment."""
        memory = self._settled(value)
        if memory is None:
            return Standing(computed=True)
        waits = "; ".join(map(_fence_text, memory.pending))
        if memory.computed:
            half = f"may be written in part: {memory.failure}" if memory.failure else ""
            note = f"may change: work on it ends with {waits}" if waits else half
        elif waits:
            note = f"not computed yet: the work ends with {waits}"
        elif memory.failure:
            note = f"not computed: {memory.failure}"
        else:
            note = "not computed yet: nothing that writes it was submitted"
        return Standing(memory.computed, note)

    def _of(self, buffer: Buffer) -> _Memory:
        """What is not allocated in the call holds something from the start."""
        return self._memory.setdefault(buffer, _Memory(computed=True))

    def _settled(self, value: Any) -> _Memory | None:
        """Of the value's buffer, with what has ended by now taken into account."""
        buffer = value.buffer if isinstance(value, BufferView) else value
        memory = self._memory.get(buffer) if isinstance(buffer, Buffer) else None
        for fence in list(memory.pending) if memory else ():
            assert memory is not None
            try:
                if not fence.is_signaled():
                    continue
                memory.computed = True
            except Exception as error:  # a failed fence raises what it failed with
                memory.failure = f"its work failed: {error}"
            memory.pending.remove(fence)
        return memory


def _fence_text(fence: Fence) -> str:
    points = ", ".join(f"{name} {text}" for name, text in facts(fence))
    return f"{value_text(fence)} ({points})"


def _executed(operands: Sequence[Any]) -> Iterable[Buffer]:
    command_buffer, bindings = operands[4], operands[6] if len(operands) > 6 else ()
    for command in command_buffer.commands if command_buffer is not None else ():
        for target in _targets(command):
            yield bindings[target.slot][0] if target.buffer is None else target.buffer


def _targets(command: Command) -> Sequence[BindingRef]:
    if isinstance(command, Dispatch | DispatchIndirect):
        return command.bindings
    if isinstance(command, FillBuffer | UpdateBuffer | CopyBuffer):
        return (command.target,)
    return ()


_ALLOCATES = frozenset({"hal.allocator.allocate", "hal.device.queue.alloca"})

_SUBMITS: Mapping[str, Callable[[Sequence[Any]], Iterable[Buffer]]] = {
    "hal.device.queue.fill": lambda operands: (operands[4],),
    "hal.device.queue.update": lambda operands: (operands[6],),
    "hal.device.queue.copy": lambda operands: (operands[6],),
    "hal.device.queue.read": lambda operands: (operands[6],),
    "hal.device.queue.execute": _executed,
    "hal.device.queue.execute.indirect": _executed,
    "io_parameters.gather": lambda operands: (operands[5],),
}
"""The buffers that an operation writes; its fences are operands 2 and 3."""
