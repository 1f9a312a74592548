"""IREE's end-to-end tests: what a folder of ``tests/e2e`` declares in its BUILD.bazel."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Test:
    """One file of one suite, with the flags its BUILD file gives."""

    suite: str
    path: Path
    flags: tuple[str, ...]


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
