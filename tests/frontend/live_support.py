"""Asking an explorer as its page does, without a page."""

from __future__ import annotations

from typing import Any

from ireelab.widgets.explorer import Explorer


def ask(explorer: Explorer, action: str, **request: Any) -> dict[str, Any] | None:
    """Do it to the end; returns the problem that the page is told."""
    explorer.answer({"type": "live", "do": action, **request})
    assert explorer.wait(120)
    assert explorer.job == {}
    return explorer.live["problem"]


def run(explorer: Explorer, *inputs: str, **request: Any) -> dict[str, Any] | None:
    asked = {"program": 1, "function": "", "device": "llvm-cpu", "repeat": 1, "profile": True}
    return ask(explorer, "run", **{**asked, "inputs": list(inputs), **request})
