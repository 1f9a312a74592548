"""Compile the programs of benchmarks/vulkan.py for a GPU that need not be here.

    python benchmarks/vulkan_programs.py OUT [--target TARGET]

TARGET is ``device`` (this machine's, the default), ``h100``, a name of IREE's (``ampere``), or a
file with the text that ``python benchmarks/vulkan.py --describe`` printed on the machine with the
GPU. OUT then holds the .vmfb files and a manifest: copy it there. Needs the compiler.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from ireelab import examples
from ireelab.device_target import vulkan_flags
from ireelab.hal.drivers.vulkan.logical_device import USEFUL_FEATURES
from ireelab.hal.drivers.vulkan.physical_device import CooperativeMatrix, PhysicalDevice
from ireelab.hal.drivers.vulkan.target import device_target

COMPILER = Path(sys.executable).parent / "iree-compile"
LAYERS = 12
CHAIN = 200


@dataclass(frozen=True)
class Case:
    """A program: inputs are (shape, dtype, scale) each; ``heavy`` ones only run on GPUs."""

    name: str
    function: str
    source: str
    inputs: tuple[tuple[tuple[int, ...], str, float], ...]
    heavy: bool = False
    flop: float = 0.0
    bytes: float = 0.0


def mlp() -> Case:
    source = examples.path("mlp").read_text()
    return _from_example("mlp", source)


def transformer() -> Case:
    """Twelve layers of the example's block, with one set of weights."""
    block = examples.path("transformer").read_text()
    arrays = examples.inputs("transformer")
    types = [f"tensor<{'x'.join(map(str, a.shape))}xf32>" for a in arrays]
    weights = [f"%w{i}" for i in range(1, len(types))]
    signature = ", ".join(f"{name}: {kind}" for name, kind in zip(weights, types[1:], strict=True))
    lines = [f"func.func @main(%x0: {types[0]}, {signature}) -> {types[0]} {{"]
    for layer in range(LAYERS):
        operands = ", ".join([f"%x{layer}", *weights])
        lines.append(
            f"  %x{layer + 1} = call @transformer({operands}) : ({', '.join(types)}) -> {types[0]}"
        )
    lines += [f"  return %x{LAYERS} : {types[0]}", "}"]
    private = block.replace("func.func @transformer", "func.func private @transformer")
    inputs = tuple((a.shape, "float32", 0.1) for a in arrays)
    return Case("transformer12", "main", private + "\n".join(lines) + "\n", inputs)


def chain() -> Case:
    """So many dependent 8x8 matmuls: nothing but launches and barriers."""
    kind = "tensor<8x8xf32>"
    lines = [f"func.func @main(%x0: {kind}, %w: {kind}) -> {kind} {{"]
    lines.append("  %z = arith.constant 0.0 : f32")
    for i in range(CHAIN):
        lines += [
            f"  %e{i} = tensor.empty() : {kind}",
            f"  %f{i} = linalg.fill ins(%z : f32) outs(%e{i} : {kind}) -> {kind}",
            f"  %x{i + 1} = linalg.matmul ins(%x{i}, %w : {kind}, {kind}) "
            f"outs(%f{i} : {kind}) -> {kind}",
        ]
    lines += [f"  return %x{CHAIN} : {kind}", "}"]
    shape = ((8, 8), "float32", 0.3)
    return Case("chain200", "main", "\n".join(lines) + "\n", (shape, shape))


def matmul(size: int, element: str, accumulator: str, *, heavy: bool) -> Case:
    source = f"""func.func @main(%a: tensor<{size}x{size}x{element}>,
    %b: tensor<{size}x{size}x{element}>) -> tensor<{size}x{size}x{accumulator}> {{
  %z = arith.constant 0.0 : {accumulator}
  %e = tensor.empty() : tensor<{size}x{size}x{accumulator}>
  %f = linalg.fill ins(%z : {accumulator}) outs(%e : tensor<{size}x{size}x{accumulator}>)
      -> tensor<{size}x{size}x{accumulator}>
  %c = linalg.matmul
      ins(%a, %b : tensor<{size}x{size}x{element}>, tensor<{size}x{size}x{element}>)
      outs(%f : tensor<{size}x{size}x{accumulator}>) -> tensor<{size}x{size}x{accumulator}>
  return %c : tensor<{size}x{size}x{accumulator}>
}}
"""
    dtype = {"f32": "float32", "f16": "float16"}[element]
    kinds = element if element == accumulator else f"{element}_{accumulator}"
    shape = ((size, size), dtype, 0.05)
    return Case(f"matmul{size}_{kinds}", "main", source, (shape, shape), heavy, 2.0 * size**3)


def elementwise(count: int, *, heavy: bool) -> Case:
    """Reads two arrays and writes one: bound by memory bandwidth."""
    kind = f"tensor<{count}xf32>"
    source = f"""#id = affine_map<(i) -> (i)>
func.func @main(%a: {kind}, %b: {kind}) -> {kind} {{
  %e = tensor.empty() : {kind}
  %c = linalg.generic {{indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}}
      ins(%a, %b : {kind}, {kind}) outs(%e : {kind}) {{
    ^bb0(%x: f32, %y: f32, %o: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %p, %x : f32
      linalg.yield %s : f32
  }} -> {kind}
  return %c : {kind}
}}
"""
    shape = ((count,), "float32", 1.0)
    return Case(
        f"elementwise{count >> 20}M", "main", source, (shape, shape), heavy, bytes=12.0 * count
    )


def cases() -> tuple[Case, ...]:
    return (
        mlp(),
        transformer(),
        chain(),
        matmul(128, "f32", "f32", heavy=False),
        elementwise(1 << 20, heavy=False),
        matmul(2048, "f32", "f32", heavy=True),
        matmul(2048, "f16", "f16", heavy=True),
        matmul(2048, "f16", "f32", heavy=True),
        elementwise(1 << 26, heavy=True),
    )


def h100() -> PhysicalDevice:
    """What the compile target needs to know of an H100, as its driver reports it."""
    limits = {
        "subgroupSize": 32,
        "subgroupSupportedOperations": 0xFF,
        "maxComputeWorkGroupSize": [1024, 1024, 64],
        "maxComputeWorkGroupInvocations": 1024,
        "maxComputeSharedMemorySize": 49152,
        "maxComputeWorkGroupCount": [2**31 - 1, 65535, 65535],
    }
    shapes = [CooperativeMatrix(16, 16, 16, "f16", "f16", kind, kind, 3) for kind in ("f32", "f16")]
    return PhysicalDevice(
        None, "NVIDIA H100", "", "discrete", "NVIDIA", "", 0x10DE, 0, (1, 3, 0), limits,
        dict.fromkeys(USEFUL_FEATURES, True), frozenset(), (), (), tuple(shapes),
    )  # fmt: skip


def flags_of(target: str) -> tuple[str, ...]:
    if target == "device":
        return vulkan_flags()
    if target == "h100":
        return (f"--iree-hal-target-device=vulkan={device_target(h100())}",)
    if Path(target).is_file():
        return (f"--iree-hal-target-device=vulkan={Path(target).read_text().strip()}",)
    return ("--iree-hal-target-device=vulkan", f"--iree-vulkan-target={target}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--target", default="device")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    flags = flags_of(arguments.target)
    manifest = []
    for case in cases():
        source = out / f"{case.name}.mlir"
        source.write_text(case.source)
        command = [COMPILER, *flags, source, "-o", out / f"{case.name}.vmfb"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            error = next((s for s in done.stderr.splitlines() if "error" in s), done.stderr[-200:])
            print(f"{case.name}: does not compile for this target: {error}", file=sys.stderr)
            continue
        entry = asdict(case)
        del entry["source"]
        manifest.append(entry)
        print(f"{case.name}: {(out / f'{case.name}.vmfb').stat().st_size:,} bytes")
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1))


def _from_example(name: str, source: str) -> Case:
    example = examples.get(name)
    inputs = tuple((a.shape, str(a.dtype), 0.1) for a in example.inputs())
    return Case(name, example.function, source, inputs)


if __name__ == "__main__":
    main()
