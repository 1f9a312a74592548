"""IREE's native tools, as they lie in its packages.

Not its console scripts: those are Python programs, which stand in another folder where packages are
installed with ``pip install --target``, and find nothing once started without its PYTHONPATH.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def run_module() -> str:
    """``iree-run-module`` of the package iree-base-runtime."""
    return _tool("iree._runtime_libs", "iree-run-module", "iree-base-runtime")


def compiler() -> str:
    """``iree-compile`` of the package iree-base-compiler."""
    return _tool("iree.compiler", "_mlir_libs/iree-compile", "iree-base-compiler")


def _tool(package: str, path: str, distribution: str) -> str:
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / path).exists():
            return str(Path(folder) / path)
    raise SystemExit(f"{Path(path).name} is not installed: pip install {distribution}")
