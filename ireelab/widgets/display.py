"""Models show themselves in a notebook: each in the explorer's pane for it, alone in its cell.

Registered with IPython by name, so that neither the models nor the widget are imported before
one is shown. Cells that show models of one trace share their selection.
"""

# IPython comes without complete annotations.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ireelab.hal.timeline import Timeline


@dataclass(frozen=True, slots=True)
class _View:
    module: str
    type: str
    model: str  # its name in ireelab.viz.models
    pane: str  # its pane in the front end
    height: int = 460


VIEWS = (
    _View("ireelab.viz.stream_graph", "StreamGraph", "stream", "streams"),
    _View("ireelab.viz.allocation", "Allocation", "allocation", "allocation"),
    _View("ireelab.viz.barrier_model", "Barriers", "barriers", "barriers"),
    _View("ireelab.viz.simulate", "Simulation", "schedule", "schedule", 740),
    _View("ireelab.viz.executables", "Executables", "executables", "executables"),
    _View("ireelab.viz.vm_listing", "VmListing", "vm", "vm"),
    _View("ireelab.viz.timeline", "TimelineModel", "timeline", "timeline", 320),
)
"""The models that show themselves."""


def register_views(ipython: InteractiveShell) -> None:
    """Teach IPython's display to show models as widgets; text and HTML stay for elsewhere."""
    formatter: Any = ipython.display_formatter
    if formatter is None:
        return
    mimebundles = formatter.mimebundle_formatter
    mimebundles.for_type_by_name("ireelab.viz.compare_traces", "Compared", _show_compared)
    for view in VIEWS:
        mimebundles.for_type_by_name(view.module, view.type, _formatter(view))


def _formatter(view: _View) -> Any:
    def show(model: Any, **_: Any) -> Any:
        from ireelab.viz.models import Subject
        from ireelab.viz.simulate import Simulation
        from ireelab.widgets.explorer import Explorer

        explorer = Explorer(height=view.height)
        # A program knows neither its trace nor, for now, who else shows it.
        simulation = model if isinstance(model, Simulation) else None
        subject = Subject(
            getattr(model, "trace", None), getattr(model, "program", None), _run(model), simulation
        )
        explorer.show_model(view.model, view.pane, model.to_json(), subject)
        return explorer._repr_mimebundle_()  # pyright: ignore[reportPrivateUsage]

    return show


@dataclass(frozen=True, slots=True)
class _TimelineAlone:
    """A run of which nothing but its timeline is known."""

    timeline: Timeline | None
    function: str = ""
    device: str = ""
    outputs: tuple[Any, ...] = ()
    seconds: float = 0.0


def _run(model: Any) -> Any:
    """The run that a model tells times of, as far as it is known."""
    run = getattr(model, "run", None)
    if run is None:
        timeline: Any = getattr(model, "timeline", None)
        return None if timeline is None else _TimelineAlone(timeline)
    return run if hasattr(run, "outputs") else _TimelineAlone(run.timeline)


def _show_compared(compared: Any, **_: Any) -> Any:
    from ireelab.widgets.explore import explore_compared

    return explore_compared(compared)._repr_mimebundle_()  # pyright: ignore[reportPrivateUsage]
