"""Runs IREE's own end-to-end tests on this project's runtime.

    python tests/corpus/run_iree_e2e.py --iree-root ~/iree --suite linalg --suite stablehlo_ops
    python tests/corpus/run_iree_e2e.py --iree-root ~/iree --suite all --device vulkan
    python tests/corpus/run_iree_e2e.py --iree-root ~/iree --suite linalg --pipeline lab

Each suite is a folder of ``tests/e2e`` of the given checkout. Which files belong to the target
(llvm-cpu, or vulkan-spirv for a Vulkan device), and their compiler flags, are read from its
BUILD.bazel; IREE's own continuous integration passes all of these. The other files of the folder
are tried as well, without flags: IREE runs them on other targets only, and what fails to compile
counts as skipped. Programs that a script of the folder generates from a list are generated.
Every exported function without arguments is run here; where an ``iree-check-module`` is found
(--check-module, or on PATH) it runs the same .vmfb and is compared. What fails here is compiled
again to return the values that it checks, and run by ``iree-run-module`` on the same driver too
(``e2e_peer.py``). A file without checks runs on both, with the inputs of its RUN line or
with made-up ones.
``--pipeline lab`` compiles with this project's lab pipeline too: the bytes must be iree-compile's;
``--compile-only`` runs nothing after that.
``--flag`` adds flags of iree-compile, such as ``--flag=--iree-opt-data-tiling``.
Exit code 1 when something fails here that IREE's runtime computes otherwise.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import e2e_peer
import iree_tools
from e2e_suites import Test, suites_of, tests_of
from lab_bytes import lab_difference

CPU_FLAGS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
)
_CPU = "--iree-llvmcpu-target-cpu"
TIMEOUT_S = 600


@dataclass(frozen=True)
class Settings:
    """Where to run: one driver in ireelab's words and in IREE's, and IREE's tool for checks."""

    device: str
    peer: str
    check_module: str | None
    lab: bool
    runs: bool


@dataclass(frozen=True)
class Outcome:
    """What happened here, and on IREE's runtime.

    ``iree`` is "pass" or "fail" of its tool for check programs, "same" where iree-run-module
    computes the values that failed here, "differs", or "-" where it was not asked.
    """

    test: Test
    passed: int
    failures: tuple[str, ...]
    iree: str
    seconds: float
    skipped: str = ""  # why it could not be run: this iree-compile does not take it
    notes: tuple[str, ...] = ()  # beside IREE's runtime, by function


def run_functions(path: Path, device: str) -> dict[str, Any]:
    """Runs all functions without arguments of a .vmfb in this process."""
    import ireelab as il

    failures: list[str] = []
    passed = 0
    with il.Context(il.load(path), device) as context:
        for function in context.program.functions:
            if function.arguments:
                continue
            try:
                context.invoke(function.name)
                passed += 1
            except Exception as error:  # the report names whatever went wrong
                failures.append(f"{function.name}: {type(error).__name__}: {error}")
    return {"passed": passed, "failures": failures}


def compare_functions(path: Path, device: str, peer: str, inputs: list[str]) -> dict[str, str]:
    """All functions of a .vmfb here and on IREE's runtime: what differs, by function."""
    import ireelab as il

    found: dict[str, str] = {}
    for function in il.load(path).functions:
        given = inputs or e2e_peer.made_up_inputs(function, path)
        if given is not None:
            found[function.name] = e2e_peer.compare(
                path, device, peer, function.name, given, path.parent
            )
    return found


def device_flags(device: str, flags: tuple[str, ...]) -> tuple[str, ...]:
    """What to compile for: the device that runs it."""
    if not device.startswith("vulkan"):
        return CPU_FLAGS
    from ireelab.pipeline.targets import target_flags

    return target_flags("vulkan", flags)


def source_of(test: Test, folder: Path) -> Path:
    """The program: the file itself, or what the folder's script makes of it."""
    if test.path.suffix == ".mlir":
        return test.path
    script = test.path.with_name("generate.py")
    done = _call([sys.executable, str(script), f"--testcases={test.path}"])
    path = folder / f"{test.path.stem}.mlir"
    path.write_text(done.stdout)
    return path


def run_test(test: Test, folder: Path, settings: Settings) -> Outcome:
    """Compiles and runs one test, each in a process of its own."""
    start = time.perf_counter()
    path = folder / f"{abs(hash((test.suite, test.path, test.flags)))}.vmfb"
    source = source_of(test, folder)
    problem = compile_test(test, source, path, settings.device)
    if problem:
        skipped = f"does not compile: {problem}"
        return Outcome(test, 0, (), "-", time.perf_counter() - start, skipped)
    if settings.lab:
        flags = flags_of(test, settings.device)
        if difference := lab_difference(source, flags, settings.device, path):
            return Outcome(test, 0, (difference,), "-", time.perf_counter() - start)
    if not settings.runs:
        path.unlink()
        return Outcome(test, 0, (), "-", time.perf_counter() - start)
    report = _in_a_process("--run", path, settings, "failures")
    failures = tuple(report["failures"])
    theirs, notes, skipped = "-", {}, ""
    if settings.check_module and (report["passed"] or failures):
        command = [settings.check_module, f"--device={settings.peer}", f"--module={path}"]
        theirs = "fail" if _call(command).returncode else "pass"
    if failures:
        notes = failed_values(test, source, path, settings)
        theirs = _verdict(notes) if theirs == "-" else theirs
    elif not report["passed"]:
        inputs = e2e_peer.inputs_of(source.read_text())
        notes = _in_a_process("--compare", path, settings, "compare", *inputs)
        failures = tuple(f"{k}: {v}" for k, v in notes.items() if v != e2e_peer.SAME)
        report["passed"], theirs = len(notes) - len(failures), _verdict(notes)
        skipped = "" if notes else "nothing to run: neither checks nor static inputs"
    path.unlink()
    seconds = time.perf_counter() - start
    lines = tuple(f"beside iree-run-module, {k}: {v}" for k, v in notes.items())
    return Outcome(test, report["passed"], failures, theirs, seconds, skipped, lines)


def flags_of(test: Test, device: str) -> tuple[str, ...]:
    given = (*device_flags(device, test.flags), "--iree-input-type=auto", *test.flags)
    if device.startswith("vulkan") or any(flag.startswith(_CPU) for flag in given):
        return given
    return (*given, f"{_CPU}=host")  # as il.compile does, which is to get the same flags


def compile_test(test: Test, source: Path, out: Path, device: str) -> str:
    """Compile for the device; why it does not, or ""."""
    done = _call([iree_tools.compiler(), *flags_of(test, device), str(source), "-o", str(out)])
    return _last_line(done.stderr, "error") if done.returncode else ""


def failed_values(test: Test, source: Path, path: Path, settings: Settings) -> dict[str, str]:
    """The values that a failing file checks, here and on IREE's runtime."""
    variant = _call([sys.executable, __file__, "--values", str(source)]).stdout
    if not variant:
        return {}
    values = path.with_suffix(".mlir")
    values.write_text(variant)
    if compile_test(test, values, path, settings.device):
        return {}
    return _in_a_process("--compare", path, settings, "compare")


def _verdict(notes: Mapping[str, str]) -> str:
    if not notes:
        return "-"
    return "same" if all(note == e2e_peer.SAME for note in notes.values()) else "differs"


def _in_a_process(
    what: str, path: Path, settings: Settings, name: str, *inputs: str
) -> dict[str, Any]:
    """This script's ``--run`` or ``--compare``, where a crash takes nothing along."""
    command = [sys.executable, __file__, what, str(path), "--device", settings.device]
    done = _call([*command, "--peer", settings.peer, *inputs])
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        text = f"exit code {done.returncode}: {_last_line(done.stderr, '')}"
        return {"passed": 0, "failures": [text]} if name == "failures" else {name: text}


def _call(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"timed out after {TIMEOUT_S} s")


def _last_line(text: str, word: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    matching = [line for line in lines if word and f"{word}:" in line]
    return (matching or lines or [""])[0 if matching else -1][:300]


# --- reporting --------------------------------------------------------------------------


def show(outcome: Outcome) -> None:
    """Prints a test's line, and what went wrong below it."""
    total = outcome.passed + len(outcome.failures)
    state = "skip" if outcome.skipped else "FAIL" if outcome.failures else "pass"
    print(
        f"{_label(outcome.test):70}  {state} {outcome.passed:4}/{total:<4} "
        f"{outcome.iree:>5}  {outcome.seconds:7.1f}",
        flush=True,
    )
    for line in filter(None, (outcome.skipped, *outcome.failures, *outcome.notes)):
        print(f"    {line[:400]}", flush=True)


def summarize(outcomes: Sequence[Outcome]) -> int:
    """Prints a line for each suite; returns how many tests fail here that should pass."""
    suites: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        suites.setdefault(outcome.test.suite, []).append(outcome)
    print(f"\n{'suite':60}  files pass  functions  skipped")
    for name, members in suites.items():
        skipped = sum(bool(o.skipped) for o in members)
        good = sum(not o.failures for o in members) - skipped
        functions = sum(o.passed for o in members)
        print(f"{name:60}  {good:4} of {len(members):<4} {functions:8} {skipped:8}")
    return sum(bool(o.failures) and o.iree not in ("fail", "same") for o in outcomes)


def _label(test: Test) -> str:
    return f"{test.suite}: {test.path.name}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iree-root", type=Path, help="a checkout of IREE")
    parser.add_argument(
        "--suite", action="append", help="a folder of tests/e2e, or all; may repeat"
    )
    parser.add_argument("--filter", default="", help="only files whose name contains this")
    parser.add_argument("--device", default="llvm-cpu")
    parser.add_argument("--pipeline", choices=("upstream", "lab"), default="upstream")
    parser.add_argument("--compile-only", action="store_true")
    parser.add_argument("--flag", action="append", default=[], help="for iree-compile")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check-module", default=shutil.which("iree-check-module"))
    parser.add_argument("--peer", help="the same device in IREE's words")
    for hidden in ("--run", "--values", "--compare"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--input", action="append", default=[], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    peer = arguments.peer or ("vulkan" if arguments.device.startswith("vulkan") else "local-task")
    if arguments.run:
        print(json.dumps(run_functions(arguments.run, arguments.device)))
        return 0
    if arguments.values:
        print(e2e_peer.returns_what_it_checks(arguments.values.read_text()) or "")
        return 0
    if arguments.compare:
        inputs = [f"--input={text}" for text in arguments.input]
        print(json.dumps(compare_functions(arguments.compare, arguments.device, peer, inputs)))
        return 0
    if arguments.iree_root is None:
        parser.error("--iree-root is required")
    suites = arguments.suite or ["linalg", "stablehlo_ops"]
    if suites == ["all"]:
        suites = suites_of(arguments.iree_root)
    backend = "vulkan-spirv" if arguments.device.startswith("vulkan") else "llvm-cpu"
    tests = [t for suite in suites for t in tests_of(arguments.iree_root, suite, backend)]
    tests = [t for t in tests if arguments.filter in t.path.name]
    tests = [replace(t, flags=(*t.flags, *arguments.flag)) for t in tests]
    print(f"{'test':70}  here           IREE  seconds")
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        settings = Settings(
            arguments.device,
            peer,
            arguments.check_module,
            arguments.pipeline == "lab",
            not arguments.compile_only,
        )
        for outcome in pool.map(lambda t: run_test(t, Path(folder), settings), tests):
            outcomes.append(outcome)
            show(outcome)
    return 1 if summarize(outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
