"""Runs IREE's generated tests (matmul, convolution, attention) on this project's runtime.

    python tests/corpus/run_iree_generated.py --iree-root ~/iree [--device vulkan] [--suite matmul]

The folder's script makes a module of functions, and a module that calls them with shapes and seeds
and needs IREE's own test program. Here the shapes are read off those calls; each function runs on
the same inputs here and with ``iree-run-module``, the same .vmfb on the same driver: the results
must have the same bits. A declaration for another CPU or GPU runs as what this machine has; those
of one generator call with the same flags run once. On Vulkan everything runs that llvm-cpu has,
without its flags but those of inputs. Exit code 1 when some result differs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import e2e_peer
import iree_tools
import ml_dtypes
import numpy as np

from ireelab.pipeline.targets import target_flags

SCRIPTS = {
    "matmul": "generate_e2e_matmul_tests.py",
    "convolution": "generate_e2e_conv2d_tests.py",
    "attention": "generate_e2e_attention_tests.py",
}
TIMEOUT_S = 900


@dataclass(frozen=True)
class Test:
    """One call of a generator, and the flags its module is compiled with."""

    suite: str
    name: str
    script: Path
    arguments: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function with the shapes, element types and seeds of its inputs."""

    function: str
    inputs: tuple[tuple[tuple[int, ...], str, int], ...]


def declared(root: Path, suite: str, device: str) -> Iterator[Test]:
    """What the folder's CMakeLists.txt declares for the CPU, each once."""
    folder = root / "tests" / "e2e" / suite
    vulkan = device.startswith("vulkan")
    seen: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
    text = (folder / "CMakeLists.txt").read_text()
    for block in re.findall(r"^iree_generated_e2e_runner_test\((.*?)^\)", text, re.M | re.S):
        fields = {
            name: tuple(re.findall(r'"([^"]*)"', values) or values.split())
            for name, values in re.findall(r"^  ([A-Z_]+)\n((?:    .*\n)+)", block, re.M)
        }
        generator = fields.get("GENERATOR", ("",))[0]
        foreign = any("triple" in flag for flag in fields.get("COMPILER_FLAGS", ()))
        if fields.get("TARGET_BACKENDS") != ("llvm-cpu",) or foreign or not generator:
            continue
        arguments = tuple(a for a in fields["GENERATOR_ARGS"] if "requirements" not in a)
        given = fields.get("COMPILER_FLAGS", ())
        if vulkan:
            given = tuple(flag for flag in given if flag.startswith("--iree-input"))
        flags = tuple(flag.replace("\\(", "(").replace("\\)", ")") for flag in given)
        if (arguments, flags) not in seen:
            seen.add((arguments, flags))
            yield Test(suite, fields["NAME"][0], folder / generator, arguments, flags)


def calls_in(text: str) -> list[Call]:
    """The calls of a generated module, by the constants before each."""
    found: list[Call] = []
    for body in re.split(r"^(?:util\.)?func(?:\.func)? @", text, flags=re.M)[1:]:
        numbers = {n: int(v) for n, v in re.findall(r"%(\w+) = arith.constant (\d+) : i\d+", body)}
        types = dict(re.findall(r"%(\w+)_element_type = hal.element_type<(\w+)>", body))
        called = re.search(r"call @module\.([\w.]+)\(([^)]*)\)", body)
        if called is None:
            continue
        inputs: list[tuple[tuple[int, ...], str, int]] = []
        for name in re.findall(r"%(\w+)", called[2]):
            dims = sorted(n for n in numbers if re.fullmatch(rf"{name}_dim\d+", n))
            shape = tuple(numbers[dim] for dim in dims)
            inputs.append((shape, types.get(name, "?"), numbers.get(f"{name}_seed", 0)))
        found.append(Call(called[1], tuple(inputs)))
    return found


def made(shape: tuple[int, ...], element: str, seed: int) -> np.ndarray:
    """Small numbers: halves from -4 to 4, or whole ones."""
    values = np.random.default_rng(seed).integers(-8, 9, shape)
    if element.startswith(("i", "ui")):
        bits = int(element.lstrip("ui"))
        return (values // 2).astype(f"{'u' if element[0] == 'u' else ''}int{bits}")
    dtype = {"f16": np.float16, "f32": np.float32, "f64": np.float64}.get(element)
    if dtype is None:
        name = {"bf16": "bfloat16"}.get(element, element.replace("f8E", "float8_e").lower())
        dtype = getattr(ml_dtypes, name)
    return (values / 2).astype(dtype)


def run_calls(vmfb: Path, calls: Path, device: str, peer: str) -> dict[str, str]:
    """Every call here and on IREE's runtime: what differs, by function and shapes."""
    import ireelab as il

    results: dict[str, str] = {}
    loaded = il.Context(il.load(vmfb), device)
    for number, call in enumerate(calls_in(calls.read_text())):
        inputs: list[str] = []
        for position, (shape, element, seed) in enumerate(call.inputs):
            path = vmfb.with_name(f"{vmfb.stem}.{number}.{position}.bin")
            path.write_bytes(made(shape, element, seed).tobytes())
            # Integers of a program have no sign: ui8 goes in as the i8 of the same bits.
            kind = element.removeprefix("u")
            inputs.append(f"--input={'x'.join(map(str, (*shape, kind)))}=@{path}")
        label = f"{call.function} {' '.join('x'.join(map(str, s)) for s, *_ in call.inputs)}"
        results[label] = e2e_peer.compare(
            vmfb, device, peer, call.function, inputs, vmfb.parent, loaded
        )
    loaded.close()
    return results


def run_test(test: Test, root: Path, folder: Path, device: str, peer: str) -> dict[str, str] | str:
    """The results of each call; a text where the module does not get that far."""
    stem = f"{test.name}-{abs(hash(test)):x}"
    module, calls, vmfb = (folder / f"{stem}{end}" for end in (".mlir", ".calls.mlir", ".vmfb"))
    kind = re.sub(r"generate_e2e_(\w+)_tests\.py", r"\1", test.script.name).replace("batch_", "")
    outputs = (f"--output_{kind}_mlir={module}", f"--output_calls_mlir={calls}")
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, str(test.script), *test.arguments, *outputs]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        return f"is not generated: {done.stderr.strip().splitlines()[-1]}"
    target = "vulkan" if device.startswith("vulkan") else "llvm-cpu"
    compiler = iree_tools.compiler()
    flags = (*target_flags(target, test.flags), *test.flags)
    try:
        done = subprocess.run(
            [compiler, *flags, str(module), "-o", str(vmfb)],
            capture_output=True, text=True, timeout=TIMEOUT_S,
        )  # fmt: skip
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error:" in line]
            return f"does not compile: {(lines or [done.stderr[-200:]])[0]}"
        command = [sys.executable, __file__, "--calls", str(calls), "--vmfb", str(vmfb)]
        command += ["--device", device, "--peer", peer]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return f"timed out after {TIMEOUT_S} s"
    except (IndexError, ValueError):
        return f"exit code {done.returncode}: {done.stderr[-300:]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--iree-root", type=Path, help="a checkout of IREE")
    parser.add_argument("--suite", action="append", choices=tuple(SCRIPTS), help="may repeat")
    parser.add_argument("--device", default="llvm-cpu")
    parser.add_argument("--filter", default="", help="only names that contain this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--peer", help="the same device in IREE's words")
    for hidden in ("--calls", "--vmfb"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    device: str = arguments.device
    peer = arguments.peer or ("vulkan" if device.startswith("vulkan") else "local-task")
    if arguments.calls:
        print(json.dumps(run_calls(arguments.vmfb, arguments.calls, device, peer)))
        return 0
    if arguments.iree_root is None:
        parser.error("--iree-root is required")
    root: Path = arguments.iree_root.resolve()
    suites = arguments.suite or list(SCRIPTS)
    tests = [t for s in suites for t in declared(root, s, device) if arguments.filter in t.name]
    wrong, totals = 0, {suite: [0, 0, 0] for suite in suites}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as pool:

        def timed(test: Test) -> tuple[Test, dict[str, str] | str, float]:
            start = time.perf_counter()
            result = run_test(test, root, Path(folder), device, peer)
            return test, result, time.perf_counter() - start

        for test, result, seconds in pool.map(timed, tests):
            total = totals[test.suite]
            if isinstance(result, str):
                total[2] += 1
                print(f"{test.name:70}  skip {seconds:7.1f}\n    {result[:400]}", flush=True)
                continue
            differing = {k: v for k, v in result.items() if v != e2e_peer.SAME}
            wrong += len(differing)
            total[0] += not differing
            total[1] += len(result) - len(differing)
            state = "FAIL" if differing else "pass"
            print(f"{test.name:70}  {state} {len(result) - len(differing):4}/{len(result):<4} "
                  f"{seconds:7.1f}", flush=True)  # fmt: skip
            for label, note in differing.items():
                print(f"    {label}: {note[:300]}", flush=True)
    print(f"\n{'suite':20}  modules pass  calls the same  skipped")
    for suite, (modules, calls, skipped) in totals.items():
        count = sum(test.suite == suite for test in tests)
        print(f"{suite:20}  {modules:4} of {count:<4} {calls:12} {skipped:8}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
