"""Runs IREE's own end-to-end tests on this project's runtime.

    python tests/corpus/run_iree_e2e.py --iree-root ~/iree --suite linalg --suite stablehlo_ops
    python tests/corpus/run_iree_e2e.py --iree-root ~/iree --suite all --device vulkan

Each suite is a folder of ``tests/e2e`` of the given checkout. Which files belong to the target
(llvm-cpu, or vulkan-spirv for a Vulkan device), and their compiler flags, are read from its
BUILD.bazel; IREE's own continuous integration passes all of these. The other files of the folder
are tried as well, without flags: IREE runs them on other targets only, and what fails to compile
counts as skipped. Programs that a script of the folder generates from a list are generated.
Every exported function without arguments is run here; where an ``iree-check-module`` is found
(--check-module, or on PATH) it runs the same .vmfb and is compared.
Exit code 1 when something fails here that passes there.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CPU_FLAGS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
)
TIMEOUT_S = 600


@dataclass(frozen=True)
class Test:
    """One file of one suite, with the flags its BUILD file gives."""

    suite: str
    path: Path
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What happened here, and in IREE's tool ("pass", "fail", or "-" where there is none)."""

    test: Test
    passed: int
    failures: tuple[str, ...]
    iree: str
    seconds: float
    skipped: str = ""  # why it could not be run: this iree-compile does not take it


# --- what to run ------------------------------------------------------------------------


def tests_of(root: Path, suite: str, backend: str) -> Iterator[Test]:
    """What a folder declares for a backend, each (file, flags) once; then its other files."""
    folder = root / "tests" / "e2e" / suite
    if not folder.is_dir():
        raise SystemExit(f"{folder} does not exist; --iree-root is a checkout of IREE")
    build = folder / "BUILD.bazel"
    declarations = build.read_text() if build.exists() else ""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for name, files, flags in _suites(ast.parse(declarations), folder, backend):
        for file in files:
            if file.endswith(".mlir") and (file, flags) not in seen:
                seen.add((file, flags))
                yield Test(f"{suite}/{name}", folder / file, flags)
    declared = {file for file, _ in seen}
    for path in sorted(folder.glob("*.mlir")):
        if path.name not in declared:
            yield Test(f"{suite}/undeclared", path, ())
    if (folder / "generate.py").exists():
        for path in sorted(folder.glob("*.json")):
            yield Test(f"{suite}/generated", path, ())


def suites_of(root: Path) -> list[str]:
    """Every folder with check tests, by its path below ``tests/e2e``."""
    e2e = root / "tests" / "e2e"
    folders = {path.parent for pattern in ("*.mlir", "generate.py") for path in e2e.rglob(pattern)}
    return sorted(str(folder.relative_to(e2e)) for folder in folders)


def _suites(
    tree: ast.Module, folder: Path, backend: str
) -> Iterator[tuple[str, list[str], tuple[str, ...]]]:
    """Calls of iree_check_single_backend_test_suite for one backend."""
    variables: dict[str, Any] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            variables[statement.targets[0].id] = _value(statement.value, variables, folder)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            function = call.func.id if isinstance(call.func, ast.Name) else ""
            if function != "iree_check_single_backend_test_suite":
                continue
            given = {k.arg or "": _value(k.value, variables, folder) for k in call.keywords}
            if given.get("target_backend") == backend and given.get("srcs"):
                yield given["name"], given["srcs"], tuple(given.get("compiler_flags") or ())


def _value(node: ast.expr, variables: Mapping[str, Any], folder: Path) -> Any:
    """The value of a Starlark expression of the few kinds that occur; None for others."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return variables.get(node.id)
    if isinstance(node, ast.List):
        return [_value(item, variables, folder) for item in node.elts]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (_value(n, variables, folder) for n in (node.left, node.right))
        return (left or []) + (right or [])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        given = {k.arg: _value(k.value, variables, folder) for k in node.keywords}
        if node.func.id == "enforce_glob" and node.args:
            return _value(node.args[0], variables, folder)
        if node.func.id in ("glob", "enforce_glob"):
            patterns = _value(node.args[0], variables, folder) if node.args else given["include"]
            found = {path.name for pattern in patterns for path in folder.glob(pattern)}
            return sorted(found - set(given.get("exclude") or ()))
    return None


# --- running ----------------------------------------------------------------------------


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


def device_flags(device: str) -> tuple[str, ...]:
    """What to compile for: the device that runs it."""
    if not device.startswith("vulkan"):
        return CPU_FLAGS
    from ireelab.pipeline.targets import target_flags

    return target_flags("vulkan")


def source_of(test: Test, folder: Path) -> Path:
    """The program: the file itself, or what the folder's script makes of it."""
    if test.path.suffix == ".mlir":
        return test.path
    script = test.path.with_name("generate.py")
    done = _call([sys.executable, str(script), f"--testcases={test.path}"])
    path = folder / f"{test.path.stem}.mlir"
    path.write_text(done.stdout)
    return path


def run_test(test: Test, folder: Path, device: str, check_module: str | None) -> Outcome:
    """Compiles and runs one test, each in a process of its own."""
    start = time.perf_counter()
    path = folder / f"{abs(hash((test.suite, test.path)))}.vmfb"
    compiler = str(Path(sys.executable).with_name("iree-compile"))
    compile_ = [
        compiler,
        *device_flags(device),
        "--iree-input-type=auto",
        *test.flags,
        str(source_of(test, folder)),
        "-o",
        str(path),
    ]
    done = _call(compile_)
    if done.returncode:
        text = _last_line(done.stderr, "error")
        return Outcome(test, 0, (), "-", time.perf_counter() - start, f"does not compile: {text}")
    here = _call([sys.executable, __file__, "--run", str(path), "--device", device])
    try:
        report = json.loads(here.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        text = _last_line(here.stderr, "")
        report = {"passed": 0, "failures": [f"exit code {here.returncode}: {text}"]}
    theirs = "-"
    if check_module:
        code = _call([check_module, "--device=local-task", f"--module={path}"]).returncode
        theirs = "fail" if code else "pass"
    path.unlink()
    seconds = time.perf_counter() - start
    return Outcome(test, report["passed"], tuple(report["failures"]), theirs, seconds)


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
    for line in filter(None, (outcome.skipped, *outcome.failures)):
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
    return sum(bool(o.failures) and o.iree != "fail" for o in outcomes)


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
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check-module", default=shutil.which("iree-check-module"))
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(run_functions(arguments.run, arguments.device)))
        return 0
    if arguments.iree_root is None:
        parser.error("--iree-root is required")
    suites = arguments.suite or ["linalg", "stablehlo_ops"]
    if suites == ["all"]:
        suites = suites_of(arguments.iree_root)
    backend = "vulkan-spirv" if arguments.device.startswith("vulkan") else "llvm-cpu"
    tests = [t for suite in suites for t in tests_of(arguments.iree_root, suite, backend)]
    tests = [t for t in tests if arguments.filter in t.path.name]
    print(f"{'test':70}  here           IREE  seconds")
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        for outcome in pool.map(
            lambda t: run_test(t, Path(folder), arguments.device, arguments.check_module), tests
        ):
            outcomes.append(outcome)
            show(outcome)
    return 1 if summarize(outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
