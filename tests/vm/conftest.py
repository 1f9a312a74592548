"""Programs compiled once per session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from vm_support import CPU_FLAGS, PROGRAMS, assemble, iree_compile


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compiles a file of ``programs/`` (or text) to a .vmfb; each distinct request once."""
    folder = tmp_path_factory.mktemp("programs")
    done: dict[tuple[str, ...], Path] = {}

    def compile_(source: str, *flags: str) -> Path:
        key = (source, *flags)
        if key not in done:
            text = (PROGRAMS / source).read_text() if source.endswith(".mlir") else source
            path = folder / f"{len(done)}.vmfb"
            path.write_bytes(iree_compile(text, *flags))
            done[key] = path
        return done[key]

    return compile_


@pytest.fixture(scope="session")
def vm_program(compiled: Callable[..., Path]) -> Callable[[str], Path]:
    """Compiles ``vm`` dialect source."""
    return lambda source: compiled(source, "--compile-mode=vm")


@pytest.fixture(scope="session")
def cpu_program(compiled: Callable[..., Path]) -> Callable[..., Path]:
    """Compiles for this machine's CPU."""
    return lambda source, *flags: compiled(source, *CPU_FLAGS, *flags)


@pytest.fixture(scope="session")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program in VM assembly: what the compiler would inline or never writes."""
    path = tmp_path_factory.mktemp("assembled") / "calls.vmfb"
    assemble(PROGRAMS / "calls.vmasm", path)
    return path
