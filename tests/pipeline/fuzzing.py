"""Damaged sources, IR and pipelines, by seed; ``scripts/fuzz.py`` tries more of them.

Every attempt is a compilation. What may come out of it is a trace or one of this project's errors;
afterwards nothing may be left but a reproducer, and the worker may have no child.
"""

from __future__ import annotations

import random
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ireelab import Trace, examples, lab
from ireelab.cli.passes import pass_descriptions
from ireelab.errors import CompileError, IreelabError
from ireelab.pipeline.client import WORKER
from ireelab.pipeline.compile import compile

PROGRAMS = Path(__file__).parents[1] / "programs"
SOURCES = ("zero_sized", "types_bool", "softmax", "stablehlo_complex", "dynamic_shapes", "globals")
_TOKEN = re.compile(r"[%@#!]?[\w.$-]+|\S")
_NUMBER = re.compile(r"\b\d+\b")


@dataclass(frozen=True)
class Attempt:
    """What was tried, how it ended (the error's type, or "compiled"), and what was left behind.

    A plain ``CompileError`` comes with its message.
    """

    tried: str
    ended: str
    seconds: float
    left: tuple[str, ...]


# --- text ----------------------------------------------------------------------------


def mutated(text: str, chance: random.Random) -> tuple[str, str]:
    """A damaged source, and how it was damaged."""
    kind = chance.choice(("drop", "swap", "repeat", "truncate", "nest", "bytes", "number", "line"))
    tokens = list(_TOKEN.finditer(text))
    a, b = sorted(chance.sample(tokens, 2), key=lambda token: token.start())
    if kind == "drop":
        return text[: a.start()] + text[a.end() :], kind
    if kind == "swap":
        middle = text[a.end() : b.start()]
        return text[: a.start()] + b[0] + middle + a[0] + text[b.end() :], kind
    if kind == "repeat":
        return text[: a.end()] + f" {a[0]}" * chance.randint(1, 50) + text[a.end() :], kind
    if kind == "truncate":
        return text[: a.start()] or " x", kind
    if kind == "nest":
        return _nested(text, chance)
    if kind == "number" and (numbers := list(_NUMBER.finditer(text))):
        old = chance.choice(numbers)
        new = chance.choice(("0", "1", "7", "4294967296", "-1", "9223372036854775807", "?"))
        return text[: old.start()] + new + text[old.end() :], f"{kind} {new}"
    if kind == "line":
        lines = text.split("\n")
        at = chance.randrange(len(lines))
        return "\n".join(lines[:at] + lines[at + 1 :]), kind
    noise = "".join(chance.choice('\x01{}<>"\\é(%\U0001f525') for _ in range(8))
    return text[: a.start()] + noise + text[a.start() :], "bytes"


def _nested(text: str, chance: random.Random) -> tuple[str, str]:
    depth = chance.choice((10, 500, 20_000))
    kind = chance.choice(("modules", "regions", "types", "attributes"))
    if kind == "modules":
        return "module {" * depth + "}" * depth, f"nest {depth} modules"
    if kind == "regions":
        inner = "scf.if %c {" * depth + "}" * depth
        return f"func.func @f(%c: i1) {{ {inner} return }}", f"nest {depth} regions"
    if kind == "types":
        return f"func.func private @f({'tuple<' * depth}i32{'>' * depth})", f"nest {depth} types"
    return f"module attributes {{a = {'[' * depth}{']' * depth}}} {{}}", f"nest {depth} attributes"


# --- pipelines -----------------------------------------------------------------------


def with_any_pass(chance: random.Random) -> tuple[lab.Pipeline, str]:
    """The lab pipeline with any registered pass at any boundary, at any nesting."""
    name, at = chance.choice(_passes()), chance.choice(lab.pipeline().names())
    text = chance.choice((name, f"util.func({name})", f"any({name})", f"func.func({name})"))
    return lab.insert_after(at, text, called="tried"), f"{text} after {at}"


def rearranged(chance: random.Random) -> tuple[lab.Pipeline, str]:
    """The lab pipeline with steps missing, twice or elsewhere."""
    steps = list(lab.pipeline())
    at, to = chance.randrange(len(steps)), chance.randrange(len(steps))
    kind = chance.choice(("without", "twice", "moved", "only"))
    if kind == "without":
        return lab.pipeline().remove(steps[at].name), f"without {steps[at].name}"
    if kind == "only":
        return lab.Pipeline((*steps[:3], steps[at])), f"only {steps[at].name}"
    moved = steps[at]
    if kind == "moved":
        del steps[at]
    steps.insert(to, moved)
    return lab.Pipeline(tuple(steps)), f"{kind} {moved.name}"


def erases(module: Any, options: Mapping[str, Any]) -> None:
    """A Python pass that erases an op, used or not."""
    ops: list[Any] = []

    def collect(op: Any) -> Any:
        from iree.compiler import ir

        ops.append(op)
        return ir.WalkResult.ADVANCE

    module.operation.walk(collect)
    ops[options["at"] % len(ops)].erase()


def drops_attributes(module: Any, options: Mapping[str, Any]) -> None:
    """A Python pass after which ops lack what they must have."""
    for number, op in enumerate(module.body.operations):
        if number % 2 == options["at"] % 2:
            for name in [attribute.name for attribute in op.attributes]:
                del op.attributes[name]


def leaves(module: Any, options: Mapping[str, Any]) -> None:
    """A Python pass that ends the process."""
    raise SystemExit(options["at"])


def with_rude_python(chance: random.Random) -> tuple[lab.Pipeline, str]:
    """The lab pipeline with a Python pass that does what it must not."""
    run, at = (
        chance.choice((erases, drops_attributes, leaves)),
        chance.choice(lab.pipeline().names()),
    )
    pipeline = lab.insert_after(at, run, called="rude").options("rude", at=chance.randrange(1000))
    return pipeline, f"{run.__name__} after {at}"


@cache
def _passes() -> Sequence[str]:
    return sorted(pass_descriptions())


# --- attempts ------------------------------------------------------------------------


def attempts(
    seed: int, count: int, watched: Sequence[Path], limit_seconds: int = 60
) -> Iterator[Attempt]:
    """Try damage of all kinds in turn; an error that is not this project's comes out as it is.

    ``watched`` are the folders where temporary files lie.
    """
    chance = random.Random(seed)
    trace = compile(examples.path("elementwise"), pipeline="lab")
    for number in range(count):
        tried, run = _attempt(number, chance, trace)
        before = {path for folder in watched for path in folder.iterdir()}
        start = time.perf_counter()
        ended = _ends(run, limit_seconds)
        yield Attempt(tried, ended, time.perf_counter() - start, _left(watched, before))


def _attempt(number: int, chance: random.Random, trace: Trace) -> tuple[str, Callable[[], object]]:
    small = examples.path("elementwise")
    kind = number % 5
    if kind == 0:
        name = chance.choice(SOURCES)
        source, how = mutated((PROGRAMS / f"{name}.mlir").read_text(), chance)
        pipeline = chance.choice(("lab", "upstream"))
        return f"{name}, {how}, {pipeline}", lambda: compile(source, pipeline=pipeline)
    if kind == 1:
        boundary, last = chance.choice(list(trace.boundaries.items())[:-1])
        text, how = mutated(trace.ir(last, module=True), chance)
        return f"IR after {boundary}, {how}", lambda: trace.resume(last, text)
    change = (with_any_pass, rearranged, with_rude_python)[kind - 2]
    changed, how = change(chance)
    return how, lambda: compile(small, pipeline=changed)


def _ends(run: Callable[[], object], limit_seconds: int) -> str:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(limit_seconds)
    try:
        run()
    except IreelabError as error:
        return type(error).__name__ if type(error) is not CompileError else f"CompileError: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
    return "compiled"


def _left(watched: Sequence[Path], before: set[Path]) -> tuple[str, ...]:
    """New files, reproducers aside, which are removed; and processes that still compile."""
    new = {path for folder in watched for path in folder.iterdir()} - before
    kept = {path for path in new if path.name.startswith("ireelab-reproducer-")}
    for path in kept:
        shutil.rmtree(path)
    known = ("ireelab-worker-",)  # It lives on.
    files = [str(path) for path in new - kept if not path.name.startswith(known)]
    end = time.monotonic() + 5
    while (running := children()) and time.monotonic() < end:
        time.sleep(0.05)
    return (*files, *(f"process {pid}" for pid in running))


def children() -> list[str]:
    """Processes that the worker has started and that still run."""
    process = WORKER._process  # pyright: ignore[reportPrivateUsage]
    if process is None or process.poll() is not None:
        return []
    return _children(str(process.pid))


def compilers() -> list[str]:
    """The compilers themselves: those processes have one each, and end a little later."""
    return [pid for supervisor in children() for pid in _children(supervisor)]


def _children(parent: str) -> list[str]:
    try:
        pids = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return []
    return [pid for pid in pids if _runs(pid)]


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def watch(folder: Path) -> Sequence[Path]:
    """Let temporary files lie in ``folder`` from now on; the folders to watch."""
    temporary, shared = folder / "tmp", folder / "shm"
    for path in (temporary, shared):
        path.mkdir()
    tempfile.tempdir = str(temporary)
    import ireelab.pipeline.compiler_job as module

    module._SHM = shared  # pyright: ignore[reportPrivateUsage]
    return temporary, shared
