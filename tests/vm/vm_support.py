"""IREE's tools and runtime, to compare with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import iree.runtime as rt
import numpy as np

CPU_FLAGS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
)
PROGRAMS = Path(__file__).parent / "programs"


def tool(name: str) -> str:
    """The path of one of IREE's tools in this environment."""
    return str(Path(sys.executable).with_name(name))


def iree_compile(source: str, *flags: str) -> bytes:
    done = subprocess.run(
        [tool("iree-compile"), *flags, "-", "-o", "-"], input=source.encode(), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def assemble(source: Path, target: Path) -> None:
    """VM assembly text to a .vmfb."""
    command = [tool("iree-as-module"), f"--output={target}", str(source)]
    subprocess.run(command, check=True, capture_output=True)


class VmReference:
    """Calls functions of numbers in IREE's own VM, without a device."""

    def __init__(self, path: Path) -> None:
        self._instance = rt.VmInstance()
        self._module = rt.VmModule.copy_buffer(self._instance, path.read_bytes())
        self._context = rt.VmContext(self._instance, [self._module])

    def __call__(self, name: str, *arguments: float) -> tuple[Any, ...]:
        inputs = rt.VmVariantList(len(arguments))
        for value in arguments:
            (inputs.push_int if isinstance(value, int) else inputs.push_float)(value)
        outputs = rt.VmVariantList(4)
        self._context.invoke(self._module.lookup_function(name), inputs, outputs)
        return tuple(outputs.get_variant(i) for i in range(len(outputs)))


class CpuReference:
    """Calls functions of arrays in IREE's own runtime, on local-sync."""

    def __init__(self, path: Path) -> None:
        config = rt.Config("local-sync")
        self._context = rt.SystemContext(config=config)
        module = rt.VmModule.copy_buffer(self._context.instance, path.read_bytes())
        self._context.add_vm_module(module)
        self._name = module.name

    def __call__(self, name: str, *arguments: Any) -> tuple[Any, ...]:
        out = self._context.modules[self._name][name](*arguments)
        values = out if isinstance(out, list | tuple) else (out,)
        return tuple(np.asarray(v) if isinstance(v, rt.DeviceArray) else v for v in values)


def same(a: Any, b: Any) -> bool:
    """Equality where NaN equals NaN."""
    return a == b or (a != a and b != b)
