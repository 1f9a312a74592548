"""For every test: Ctrl-C works also where the suite was started in the background."""

from __future__ import annotations

import os
import signal

import pytest

# A shell starts background jobs with SIGINT ignored, and Python then leaves it so; the tests of
# interrupts, and the processes that they start, need it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The command line keeps compilations: not among those of the user."""
    os.environ["IREELAB_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
