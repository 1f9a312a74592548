"""What each pass does and where it is implemented; the data come from scripts/pass_facts.py."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

_IREE = "https://github.com/iree-org/iree/blob/v3.13.0/"
_MLIR = "https://mlir.llvm.org/docs/Passes/#-"

# Passes that run others or mark phases, made by the driver and listed nowhere.
_INTERNAL = {
    "iree-op-pipeline-adaptor": (
        "Runs a pipeline on each function-like op below",
        "compiler/src/iree/compiler/Utils/PassUtils.h",
    ),
}


@cache
def _facts() -> dict[str, tuple[str, str]]:
    text = resources.files("ireelab.pipeline").joinpath("pass_facts.json").read_text("utf-8")
    return {**{name: (fact[0], fact[1]) for name, fact in json.loads(text).items()}, **_INTERNAL}


def pass_description(name: str) -> str:
    """One line on what a pass does, "" where nothing is known."""
    return _facts().get(name, ("", ""))[0]


def pass_link(name: str) -> str:
    """Where a pass is implemented in IREE, or MLIR's page on one of its own; "" if unknown."""
    if name not in _facts():
        return ""
    file = _facts()[name][1]
    return f"{_IREE}{file}" if file else f"{_MLIR}{name}"
