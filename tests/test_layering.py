"""Imports go one way: ``widgets -> viz -> pipeline``, ``vm -> hal``.

The compile path (pipeline, frontends) and the run path (vm, hal) meet only in ``Program``; native
libraries are reached through a few modules only. Read with ``ast``: nothing is imported here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ireelab"

# What each part may import of ireelab, besides itself. `program` is where the two paths meet,
# `listing` where the run path's decoders are lent to the models, and `device_target` where the
# compiler is told which device is here.
BASE = {"errors"}
MAY_IMPORT = {
    "errors": set[str](),
    "array_text": BASE,
    "examples": BASE,
    "hal": BASE,
    "vm": BASE | {"hal", "program", "array_text"},
    "program": BASE | {"vm", "listing"},
    "listing": BASE | {"program", "vm", "hal"},
    "frontends": BASE,
    "device_target": BASE | {"hal"},
    "pipeline": BASE | {"frontends", "program", "device_target"},
    "viz": BASE | {"pipeline", "hal.timeline", "array_text", "program", "listing"},
    "widgets": BASE
    | {"viz", "pipeline", "frontends", "program", "vm", "hal", "array_text", "examples"},
}
MAY_IMPORT["cli"] = {*MAY_IMPORT, "widgets"}
MAY_IMPORT["__init__"] = MAY_IMPORT["__main__"] = {*MAY_IMPORT, "cli"}


IMPORTS_COMPILER = (
    "pipeline/session.py",
    "pipeline/lab_worker.py",
    "frontends/torch.py",
    "frontends/onnx.py",
)


def imports(source: str, *, types_too: bool) -> Iterator[str]:
    """The dotted names that ``source`` imports, in functions too.

    ``if TYPE_CHECKING`` blocks never run; ``types_too`` says whether they count.
    """
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not types_too:
            todo.extend(node.orelse)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import on line {node.lineno}: write the whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            todo.extend(ast.iter_child_nodes(node))


def part_of(module: str) -> str:
    """``ireelab.hal.device`` -> ``hal``."""
    return module.split(".")[1] if "." in module else "__init__"


def breaks_layers(part: str, source: str) -> list[str]:
    """The imports of ireelab in ``source`` that a module of ``part`` must not have."""
    bad: list[str] = []
    for name in imports(source, types_too=part not in ("errors", "program", "vm")):
        if name != "ireelab" and not name.startswith("ireelab."):
            continue
        target = part_of(name)
        if target == part or any(
            name == f"ireelab.{allowed}" or name.startswith(f"ireelab.{allowed}.")
            for allowed in MAY_IMPORT[part]
        ):
            continue
        # `import ireelab` is the public interface: for those above both paths.
        if target == "__init__" and part in ("cli", "widgets", "__main__"):
            continue
        bad.append(name)
    return bad


def starts(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_module(module: Path) -> None:
    source = (PACKAGE / module).read_text()
    part = module.parts[0].removesuffix(".py")
    assert part in MAY_IMPORT, f"{module}: a new part; say in MAY_IMPORT what it may import"
    assert breaks_layers(part, source) == []
    assert breaks_native_rules(module, source) == []


# Kernels, and the functions that the compiler's process gets in place of libc's.
LLVMLITE_USERS = ("hal/drivers/", "pipeline/interpose_ffi.py")


def breaks_native_rules(module: Path, source: str) -> list[str]:
    """Imports of native libraries outside the modules that own them."""
    bad: list[str] = []
    for name in imports(source, types_too=False):
        compiler_ok = module.as_posix() in IMPORTS_COMPILER
        wrong = (
            (starts(name, "iree") and not (compiler_ok and starts(name, "iree.compiler")))
            or (starts(name, "ctypes", "cffi", "vulkan") and not module.stem.endswith("_ffi"))
            or (starts(name, "llvmlite") and not module.as_posix().startswith(LLVMLITE_USERS))
        )
        if wrong:
            bad.append(name)
    return bad


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("hal", "from ireelab.vm.run import run"),
        ("hal", "import ireelab.vm.run"),
        ("vm", "def f():\n    from ireelab.pipeline import trace"),
        ("pipeline", "from ireelab.hal.timeline import Timeline"),
        ("pipeline", "from ireelab.viz import payload"),
        ("frontends", "from ireelab.pipeline.compile import compile"),
        ("viz", "from ireelab.hal.device import Device"),
        ("viz", "from ireelab.vm.disassembly import disassemble"),
        ("pipeline", "from ireelab.listing.cpu import CpuModule"),
        ("listing", "from ireelab.pipeline.trace import Trace"),
        ("viz", "from ireelab.widgets import explorer"),
        ("pipeline", "import ireelab"),
        ("pipeline", "from ireelab import run"),
    ],
)
def test_the_rule_catches(part: str, source: str) -> None:
    assert breaks_layers(part, source)


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("viz", "from ireelab.hal.timeline import Event"),
        ("errors", "if TYPE_CHECKING:\n    from ireelab.pipeline.trace import Trace"),
        ("widgets", "import ireelab"),
        ("vm", "from ireelab.hal.device import Device"),
        ("pipeline", "from ireelab.program import Program"),
    ],
)
def test_the_rule_allows(part: str, source: str) -> None:
    assert breaks_layers(part, source) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pipeline/trace.py", "from iree.compiler import ir"),
        ("pipeline/session.py", "import iree.runtime"),
        ("vm/run.py", "import iree.runtime as rt"),
        ("hal/drivers/llvm_cpu/jit.py", "import ctypes"),
        ("vm/run.py", "import llvmlite.binding"),
    ],
)
def test_the_native_rule_catches(module: str, source: str) -> None:
    assert breaks_native_rules(Path(module), source)


def test_the_native_rule_allows() -> None:
    assert not breaks_native_rules(Path("pipeline/session.py"), "from iree.compiler import ir")
    assert not breaks_native_rules(Path("hal/drivers/llvm_cpu/elf_ffi.py"), "import ctypes")
    assert not breaks_native_rules(Path("hal/drivers/llvm_cpu/jit.py"), "import llvmlite.binding")
