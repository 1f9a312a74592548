"""For every test: Ctrl-C works also where the suite was started in the background."""

from __future__ import annotations

import signal

# A shell starts background jobs with SIGINT ignored, and Python then leaves it so; the tests of
# interrupts, and the processes that they start, need it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
