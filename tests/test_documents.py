"""The Python of the documents, run in order as a reader would who copies it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ireelab.hal.registry import devices

_ROOT = Path(__file__).parent.parent
# How a document's output reads where it says what is printed.
_DOCUMENTS = {
    "README.md": "mlp_dispatch_0",
    "examples/README.md": "",
    "docs/provenance.md": "",
    "docs/several-devices.md": "",
    "docs/write-a-pass.md": "4 symbols\n",
}


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def _require_vulkan() -> None:
    """Skip the test without a Vulkan device; in CI, go on and let it fail."""
    missing = [d.reason for d in devices() if d.driver == "vulkan" and not d.available]
    if missing and os.environ.get("CI", "").lower() not in ("true", "1"):
        pytest.skip(missing[0])


@pytest.mark.parametrize("name", _DOCUMENTS)
def test_the_snippets_of_a_document_run_as_printed(name: str, tmp_path: Path) -> None:
    text = (_ROOT / name).read_text()
    for module in _blocks(text, "mlir"):
        (tmp_path / "main.mlir").write_text(module)
    if '"vulkan"]' in text:
        _require_vulkan()
    snippets = "\n".join(_blocks(text, "python"))
    assert snippets
    (tmp_path / "snippets.py").write_text(snippets)
    ended = subprocess.run(
        [sys.executable, "snippets.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert _DOCUMENTS[name] in ended.stdout
