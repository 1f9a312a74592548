"""``il.lab``: the compiler as an ordered tuple of steps, any of which can be changed.

    mine = il.lab.replace("layout-slices", my_pass)
    trace = il.compile(source, pipeline=mine)

The functions here change the lab's own pipeline; the same methods on a ``Pipeline`` chain.
"""

from __future__ import annotations

from typing import Any

from ireelab.pipeline.lab.pipeline import Pipeline, pipeline
from ireelab.pipeline.lab.step import LabStep, PythonPass

__all__ = [
    "LabStep",
    "Pipeline",
    "PythonPass",
    "insert_after",
    "insert_before",
    "options",
    "pipeline",
    "remove",
    "replace",
]


def replace(name: str, runs: str | PythonPass) -> Pipeline:
    """``pipeline().replace(...)``."""
    return pipeline().replace(name, runs)


def insert_before(name: str, runs: str | PythonPass, *, called: str = "") -> Pipeline:
    """``pipeline().insert_before(...)``."""
    return pipeline().insert_before(name, runs, called=called)


def insert_after(name: str, runs: str | PythonPass, *, called: str = "") -> Pipeline:
    """``pipeline().insert_after(...)``."""
    return pipeline().insert_after(name, runs, called=called)


def remove(name: str) -> Pipeline:
    """``pipeline().remove(...)``."""
    return pipeline().remove(name)


def options(name: str, /, **values: Any) -> Pipeline:
    """``pipeline().options(...)``."""
    return pipeline().options(name, **values)
