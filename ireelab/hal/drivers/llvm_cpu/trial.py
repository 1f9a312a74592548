"""Compiles edited LLVM IR in a process of its own, because LLVM aborts on much of what is wrong.

``python -m ireelab.hal.drivers.llvm_cpu.trial NAME`` reads the text from standard input and writes
what LLVM says against it, "" if nothing, to standard output as JSON.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

from ireelab.errors import ExecutableMismatch, InvalidCode

_SECONDS = 300
_PARSE_ERROR = re.compile(r"<string>:(\d+):(\d+): error: (.*)")
# LLVM verifies modules with debug information while it parses them, and aborts; without this
# flag it drops the information and leaves verifying to us.
_DEBUG_VERSION = '!"Debug Info Version"'


def check_compiles(text: str, *, name: str) -> None:
    """Compile LLVM IR the way the JIT will.

    Raises:
        InvalidCode: LLVM refuses it, or dies of it; ``line`` is a line of ``text``.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name, name],
            input=text,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except subprocess.TimeoutExpired:
        raise InvalidCode(f"LLVM did not compile {name!r} within {_SECONDS} s") from None
    if done.returncode:
        died = signal.Signals(-done.returncode).name if done.returncode < 0 else "an error"
        last = done.stderr.strip().rpartition("\n")[2] or "nothing more was said"
        raise InvalidCode(f"LLVM ended with {died} on {name!r}: {last}")
    said = str(json.loads(done.stdout))
    if said:
        message, line = _located(text, said, name)
        raise InvalidCode(message, line=line)


def _located(text: str, said: str, name: str) -> tuple[str, int]:
    parse = _PARSE_ERROR.search(said)
    if parse:
        return f"{name!r}, line {parse[1]}, column {parse[2]}: {parse[3]}", int(parse[1])
    return said, _named_line(text, said)


def _named_line(text: str, said: str) -> int:
    """The line of the first instruction that the verifier quotes, 0 where it is not found."""
    lines = text.split("\n")
    for quoted in said.split("\n"):
        if not quoted.startswith("  "):
            continue
        bare = re.sub(r", !dbg !\d+", "", quoted)
        for number, line in enumerate(lines, 1):
            if re.sub(r", !dbg !\d+", "", line) == bare:
                return number
    return 0


def _main() -> None:
    from ireelab.hal.drivers.llvm_cpu.assembly import assemble
    from ireelab.hal.drivers.llvm_cpu.llvm_ffi import parse_module

    name, text = sys.argv[1], sys.stdin.read()
    try:
        parse_module(text.replace(_DEBUG_VERSION, '!"Without Debug Info"'), name)
        assemble(text, name=name)
        said = ""
    except ExecutableMismatch as error:
        said = str(error)
    print(json.dumps(said))


if __name__ == "__main__":
    _main()
