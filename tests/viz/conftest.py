"""Compilations shared by the tests of the models: each module is compiled once."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ireelab import examples
from ireelab.pipeline.compile import compile
from ireelab.pipeline.targets import target_flags
from ireelab.pipeline.trace import Trace

HERE = Path(__file__).parent
EXAMPLES = {example.path.stem: example.path for example in examples.EXAMPLES}

Traces = Callable[[str], Trace]
Statistics = Callable[[str], dict[str, dict[str, int]]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "example" in metafunc.fixturenames:
        metafunc.parametrize("example", sorted(EXAMPLES))


@pytest.fixture(scope="session")
def traces() -> Traces:
    """A compilation by name: of an example, or of a file beside the tests."""

    @functools.cache
    def get(name: str) -> Trace:
        return compile(EXAMPLES.get(name, HERE / f"{name}.mlir"))

    return get


@pytest.fixture(scope="session")
def statistics() -> Statistics:
    """IREE's own counts of what it scheduled, from its command line compiler."""

    @functools.cache
    def get(name: str) -> dict[str, dict[str, int]]:
        command = [
            str(Path(sys.executable).with_name("iree-compile")),
            str(EXAMPLES[name]),
            *target_flags("llvm-cpu"),
            "--compile-to=stream",
            "--iree-scheduling-dump-statistics-format=json",
            "--iree-scheduling-dump-statistics-file=-",
            "-o",
            "/dev/null",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout + done.stderr)["stream-aggregate"]

    return get
