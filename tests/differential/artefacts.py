"""Compiled programs, each made once in a test session, by both compilers.

The names of the files are the same for both, since a ``.vmfb`` holds them as locations.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ireelab as il
from ireelab import examples
from ireelab.pipeline.targets import target_flags

IREE_COMPILE = Path(sys.executable).with_name("iree-compile")
PROGRAMS = tuple(sorted((Path(__file__).parents[1] / "programs").glob("*.mlir")))
EXAMPLES = tuple(example.path for example in examples.EXAMPLES)

Flags = tuple[str, ...]

_POOL = ThreadPoolExecutor(1)


def own_flags(source: Path) -> Flags:
    """The flags that a program asks for in a line ``// flags: ...``."""
    found = re.search(r"^// flags: (.*)$", source.read_text(), re.MULTILINE)
    return tuple(found[1].split()) if found else ()


@functools.cache
def ours(source: Path, flags: Flags = ()) -> il.Program:
    """What ``il.compile`` makes of the file."""
    return il.compile(source, flags=(*own_flags(source), *flags)).program


@functools.cache
def theirs(source: Path, flags: Flags = ()) -> bytes:
    """What a plain ``iree-compile`` writes for the file."""
    given = (*own_flags(source), *flags)
    command = [IREE_COMPILE, source, *target_flags("llvm-cpu", given), *given, "-o", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def both(source: Path, flags: Flags = ()) -> tuple[bytes, bytes]:
    """Our bytes and theirs, made side by side."""
    plain = _POOL.submit(theirs, source, flags)
    return ours(source, flags).to_bytes(), plain.result()


@functools.cache
def program(source: Path, kind: str) -> il.Program:
    """The file as a program to run here.

    ``"jit"`` is our own compilation, whose LLVM IR comes along and is compiled here; ``"elf"``
    is ``iree-compile``'s, run from the machine code in it.
    """
    return ours(source) if kind == "jit" else il.load(theirs(source))
