"""The queues of a device: which one a program means, and the order between them.

Most programs use one queue, and in one queue order is a matter of course. Others name queues by an
affinity mask, bit i for compute queue i; large copies between host and device go through a transfer
queue where the device has one. Then a submission waits, on the device, for the fences it was given
and for everything that callers believe to have ended (``Queue.floor``).

Memory that goes back to a pool, and objects to destroy, keep a *stamp*: the points that were not
reached at that moment.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice
from ireelab.hal.drivers.vulkan.queue import Awaited, Point, Queue, Submission
from ireelab.hal.drivers.vulkan.timeline import Timeline
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle

Stamp = tuple[Point, ...]


class Queues:
    """``main`` is the queue of programs that ask for none; ``transfer`` copies host memory.

    ``transfer`` is ``main`` where the device has no queue for that alone. ``used`` are the queues
    beside ``main`` that ever had work.
    """

    def __init__(self, logical: LogicalDevice, *, timeout_ns: int, spin_ns: int) -> None:
        vulkan = logical.instance.vulkan
        locks: dict[int, threading.Lock] = {}

        def queue(handle: Handle, family: int) -> Queue:
            lock = locks.setdefault(vulkan.address(handle), threading.Lock())
            return Queue(
                vulkan, logical.handle, handle, family, lock, timeout_ns=timeout_ns, spin_ns=spin_ns
            )

        self.compute = tuple(queue(handle, logical.queue_family) for handle in logical.queues)
        self.main = self.compute[0]
        transfer = logical.transfer_queue
        self.transfer = self.main if transfer is None else queue(transfer, logical.transfer_family)
        self.all = (*self.compute, *(() if transfer is None else (self.transfer,)))
        self.used: tuple[Queue, ...] = ()
        self._retired: deque[tuple[Stamp, Callable[[], None]]] = deque()
        self._first_use = threading.Lock()
        self._collecting = threading.Lock()

    def select(self, affinity: int) -> Queue:
        """The first queue of the mask that exists; ``main`` where none does."""
        count = len(self.compute)
        mask = affinity & ((1 << count) - 1)
        return self.compute[(mask & -mask).bit_length() - 1] if mask else self.main

    def submit_main(self, submission: Submission) -> int:
        """Submit to ``main`` while nothing runs elsewhere (see :meth:`quiet`)."""
        number = self.main.submit(submission)
        if self._retired:
            self.collect()
        return number

    def submit(
        self,
        queue: Queue,
        points: Sequence[Awaited],
        submission: Submission,
        command_buffer: Handle,
    ) -> Point:
        """Submit after ``points`` and what has ended for its callers; the point it makes.

        ``submission`` is the command buffer's, prepared for ``main``.
        """
        if queue is not self.main and queue not in self.used:
            self._use(queue)
        waits = self._waits(queue, points) if self.used or points else ()
        if queue is self.main and not waits:
            return queue, self.submit_main(submission)
        number = queue.submit_after(command_buffer, waits)
        self.collect()
        return queue, number

    def meet(self, queue: Queue, points: Sequence[Awaited]) -> Point:
        """One point that is reached when all are; submits only where that takes it."""
        if not points:
            return queue, 0
        awaited, number = points[0]
        if len(points) == 1 and isinstance(awaited, Queue):
            return awaited, number
        return queue, self._submit_waits(queue, self._waits(queue, points))

    def follow(self, queue: Queue, points: Sequence[Awaited]) -> Point | None:
        """Let all that is submitted from now on come after ``points``; None where it does so."""
        waits = self._waits(queue, points)
        return (queue, self._submit_waits(queue, waits)) if waits else None

    def _submit_waits(self, queue: Queue, waits: list[Awaited]) -> int:
        if queue is not self.main and queue not in self.used:
            self._use(queue)
        return queue.submit_after(None, waits)

    def quiet(self) -> bool:
        """Whether nothing runs beside ``main``."""
        return not self.used or all(queue.completed >= queue.submitted for queue in self.used)

    def everything(self) -> Stamp:
        """The points of all that was submitted and, as far as is known, not reached."""
        main = self.main
        if main.completed >= main.submitted and not self.used:
            return ()
        return tuple([(q, q.submitted) for q in (main, *self.used) if q.completed < q.submitted])

    def reached(self, stamp: Stamp) -> bool:
        """Whether all points of a stamp are reached."""
        for queue, number in stamp:
            if number > queue.completed and number > queue.poll():
                return False
        return True

    def wait_idle(self) -> None:
        """Wait for everything submitted so far."""
        self.main.wait_idle()
        for queue in self.used:
            queue.wait_idle()

    def retire(self, release: Callable[[], None]) -> None:
        """Call ``release`` once everything submitted so far has ended."""
        self._retired.append((self.everything(), release))

    def collect(self) -> None:
        """Destroy what was retired and is no longer in use."""
        # Two threads must not look at the same entry: one would then take the next, unseen.
        while self._retired and self._collecting.acquire(blocking=False):
            try:
                if not self._retired or not self.reached(self._retired[0][0]):
                    return
                _, release = self._retired.popleft()
            finally:
                self._collecting.release()
            release()

    def close(self) -> bool:
        """Wait for the work; whether all queues came to rest. Idempotent."""
        idle = True
        for queue in self.all:
            idle = queue.close() and idle
        if idle:
            self.collect()
        return idle

    def _use(self, queue: Queue) -> None:
        """Memory may since have changed hands without a wait, in the order of ``main``."""
        with self._first_use:
            if queue not in self.used:
                self.main.wait_idle()
                self.used = (*self.used, queue)

    def _waits(self, queue: Queue, points: Sequence[Awaited]) -> list[Awaited]:
        """What a submission to ``queue`` has to wait for elsewhere."""
        wanted: dict[Timeline, int] = {other: other.floor for other in (self.main, *self.used)}
        for other, number in points:
            wanted[other] = max(number, wanted.get(other, 0))
        return [
            (other, number)
            for other, number in wanted.items()
            if other is not queue and number > other.completed and number > other.poll()
        ]
