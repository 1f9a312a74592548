"""ireelab: compile with IREE one step at a time, run the result, see everything.

    import ireelab as il

    trace = il.compile(mlir_text)
    result = il.run(trace, "main", array, profile=True)
    il.explore(trace, result)

Everything public is listed in ``__all__`` and imported on first use: ``import ireelab`` by
itself loads neither the compiler nor a driver nor the widget.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ireelab import examples
    from ireelab.errors import IreelabError
    from ireelab.hal.registry import devices
    from ireelab.pipeline import lab
    from ireelab.pipeline.compile import compile
    from ireelab.pipeline.saved import load_trace
    from ireelab.pipeline.trace import Trace
    from ireelab.program import Program, load
    from ireelab.viz.allocation import allocation
    from ireelab.viz.barriers import barriers
    from ireelab.viz.compare import compare
    from ireelab.viz.executables import executables
    from ireelab.viz.simulate import simulate
    from ireelab.viz.stream_graph import stream_graph
    from ireelab.viz.timeline import timeline
    from ireelab.viz.vm_listing import vm_listing
    from ireelab.vm.context import Context
    from ireelab.vm.debugger import debug
    from ireelab.vm.run import RunResult, run
    from ireelab.widgets.explore import explore

__version__ = "0.1.0"

__all__ = [
    "Context",
    "IreelabError",
    "Program",
    "RunResult",
    "Trace",
    "allocation",
    "barriers",
    "compare",
    "compile",
    "debug",
    "devices",
    "examples",
    "executables",
    "explore",
    "lab",
    "load",
    "load_trace",
    "run",
    "simulate",
    "stream_graph",
    "timeline",
    "vm_listing",
]

# Public modules, under the names they have here.
_MODULES = {"examples": "ireelab.examples", "lab": "ireelab.pipeline.lab"}

# Public name -> the module that defines it.
_HOMES = {
    "Context": "ireelab.vm.context",
    "IreelabError": "ireelab.errors",
    "Program": "ireelab.program",
    "RunResult": "ireelab.vm.run",
    "Trace": "ireelab.pipeline.trace",
    "allocation": "ireelab.viz.allocation",
    "barriers": "ireelab.viz.barriers",
    "compare": "ireelab.viz.compare",
    "compile": "ireelab.pipeline.compile",
    "debug": "ireelab.vm.debugger",
    "devices": "ireelab.hal.registry",
    "executables": "ireelab.viz.executables",
    "explore": "ireelab.widgets.explore",
    "load": "ireelab.program",
    "load_trace": "ireelab.pipeline.saved",
    "run": "ireelab.vm.run",
    "simulate": "ireelab.viz.simulate",
    "stream_graph": "ireelab.viz.stream_graph",
    "timeline": "ireelab.viz.timeline",
    "vm_listing": "ireelab.viz.vm_listing",
}


def __getattr__(name: str) -> object:
    """Import the module that defines public ``name``, once, and return the object."""
    home = _MODULES.get(name) or _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(home)
    except ModuleNotFoundError as error:
        from ireelab.errors import explain_missing

        raise explain_missing(error) or error from None
    if name in _MODULES:
        return module
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """``%load_ext ireelab``: register ``%%iree``, ``%iree_run`` and ``%iree_diff``."""
    from ireelab.widgets.magic import register_magics

    register_magics(ipython)


def _show_models_in_notebooks() -> None:
    """In a notebook ``il.stream_graph(trace)`` and its like are views, linked by their trace."""
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    if (ipython := get_ipython()) is not None:
        from ireelab.widgets.display import register_views

        register_views(ipython)


_show_models_in_notebooks()
