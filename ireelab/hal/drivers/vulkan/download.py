"""Device memory that the host reads slowly or not at all: the device copies it to staging memory.

Programs read the same few outputs after each call. A copy that is submitted when they are asked for
takes a second submission, and begins some time after the kernels have ended. So a recording
remembers what was read right after it, and small copies of that go along with it from then on, in
one submission that is made ready while the one before runs. What is not read after a call does not
go along with the next.

A copy that went along is what the memory holds as long as nothing was submitted since and the host
cannot have written there (``Storage.shown``); else reading makes a new one.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ireelab.hal.drivers.vulkan.barriers import STAGE_TRANSFER
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.memory import Block, Storage
from ireelab.hal.drivers.vulkan.queue import Point
from ireelab.hal.drivers.vulkan.recording import Range, Recording, WithCopies
from ireelab.hal.drivers.vulkan.transfer import queue_for, record_copy

MAX_COPIES = 64
"""Recorded copies that are kept."""

ALONG_BYTES = 64 << 10
"""Up to here a copy goes along: it costs little where nobody reads it."""

MAX_ALONG = 8
"""Copies that go along with one recording."""

_SIMULTANEOUS = 4


@dataclass(slots=True)
class _Sent:
    """The last recording that was submitted, and the copies that went along and were not read yet.

    ``numbers`` are the queues' newest submissions then, later downloads included.
    """

    recording: Recording
    numbers: tuple[int, ...]
    unread: dict[Range, Storage]


class Downloads:
    """Copies to the host, recorded once for each pair of places."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._copies: dict[tuple[int, int, int], Recording] = {}
        self._sent: _Sent | None = None

    def submit(self, recording: Recording) -> int:
        """Submit to the main queue while nothing runs elsewhere, with what was read after it."""
        queues, before = self._core.queues, self._sent
        ready, recording.next = recording.next, None  # its places have a reader: never twice
        if ready is None:
            number, places = queues.submit_main(recording.submission), {}
        else:
            number, places = queues.submit_main(ready.submission), ready.places
        # From here on the device works, and time costs less.
        self._sent = _Sent(recording, (number, *[q.submitted for q in queues.used]), places)
        if before is not None and before.unread:
            before.recording.forget(before.unread)
        if recording.reads:
            recording.next = self._with_copies(recording)
        return number

    def download(self, storage: Storage, pointer: int, length: int) -> npt.NDArray[np.uint8]:
        """A copy of device memory as it is after everything submitted so far."""
        if not length:
            return np.empty(0, np.uint8)
        queue, sent = self._core.queues.main, self._sent
        if sent is not None and (storage.shown or sent.numbers != self._numbers()):
            sent = None
        staged = None if sent is None else sent.unread.pop((pointer, length), None)
        if sent is not None and staged is not None:
            number = sent.numbers[0]
        else:
            staged = self._core.staging_pool.take(length)
            queue, number = self._copy_now(storage.block, pointer, staged, length)
            if sent is not None and (queue, number) == (
                self._core.queues.main,
                sent.numbers[0] + 1,
            ):
                sent.numbers = (number, *sent.numbers[1:])
                self._remember(sent.recording, (pointer, length), storage.block)
        data: npt.NDArray[np.uint8] = np.asarray(staged)[:length]  # before the wait: it takes time
        queue.wait(number)
        return data

    def forget(self) -> None:
        """Let go of staging memory and command buffers; they go once nothing uses them."""
        with self._core.lock:
            self._sent = None
            self._copies.clear()

    def _remember(self, recording: Recording, read: Range, block: Block) -> None:
        if read[1] <= ALONG_BYTES and len(recording.reads) < MAX_ALONG:
            recording.remember(read, block)
            recording.next = self._with_copies(recording) if recording.reads else None

    def _with_copies(self, recording: Recording) -> WithCopies:
        """The next submission of a recording that is read afterwards."""
        core = self._core
        places: dict[Range, Storage] = {}
        followers: list[Recording] = []
        for read, block in recording.reads.items():
            pointer, length = read
            staged = places[read] = core.staging_pool.take(length)
            followers.append(self._copy(core.queues.main.family, block, pointer, staged, length))
        return WithCopies(recording.followed_by(tuple(followers)), places)

    def _copy_now(self, block: Block, pointer: int, staged: Storage, length: int) -> Point:
        core = self._core
        queue = queue_for(core, length)
        copy = self._copy(queue.family, block, pointer, staged, length)
        point = copy.submit(queue, core.queues.everything())
        core.raise_messages()
        return point

    def _copy(
        self, family: int, block: Block, pointer: int, staged: Storage, length: int
    ) -> Recording:
        """The recorded copy, made where there is none yet; the oldest go."""
        key = (pointer, staged.pointer, length)
        with self._core.lock:
            found = self._copies.get(key)
            if found is None:
                found = self._record(family, block, pointer, staged, length)
                while len(self._copies) >= MAX_COPIES:
                    del self._copies[next(iter(self._copies))]
                self._copies[key] = found
        return found

    def _record(
        self, family: int, block: Block, pointer: int, staged: Storage, length: int
    ) -> Recording:
        core = self._core
        handle = core.acquire_command_buffer(family)
        recording = Recording(core, handle, family)
        core.begin(handle, _SIMULTANEOUS)
        work = core.work(family)
        first = core.barriers.first(STAGE_TRANSFER, work=work)
        core.vulkan.lib.vkCmdPipelineBarrier2(handle, first)
        record_copy(
            core, handle, block.buffer, pointer - block.base,
            staged.block.buffer, staged.pointer - staged.block.base, length,
        )  # fmt: skip
        core.end(handle, work)
        return recording

    def _numbers(self) -> tuple[int, ...]:
        queues = self._core.queues
        return (queues.main.submitted, *[queue.submitted for queue in queues.used])
