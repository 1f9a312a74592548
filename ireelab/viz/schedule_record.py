"""A simulation for the explorer: as it is, and with the settings that one usually tries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from ireelab.errors import InvalidInput
from ireelab.viz.schedule_plan import Settings
from ireelab.viz.simulate import Simulation

_UNITS = (8, 32, 128, 2, 16, 64)  # the first are the last to be left out
_MOST_TASKS = 25_000  # of all simulations in a page: about a megabyte


def schedule_record(simulation: Simulation) -> dict[str, Any]:
    """``to_json()``, and under ``others`` other settings, as many as a page can hold."""
    tasks = len(simulation.work.items) * simulation.settings.invocations
    each = tasks * len(simulation.schedules)
    room = max(_MOST_TASKS // max(each, 1) - 1, 0)
    usual = list(_usual(simulation.settings))[:room]
    others = [simulation.again(units=one.units, packed=one.packed) for one in usual]
    return {**simulation.to_json(), "others": [other.to_json() for other in others]}


def with_settings(simulation: Simulation, query: str) -> Simulation:
    """``units=8&packed=0``: the settings that a reader chose.

    Raises:
        InvalidInput: no such setting, or one out of range.
    """
    try:
        chosen = {name: int(value) for name, value in parse_qsl(query, strict_parsing=True)}
    except ValueError:
        raise InvalidInput(f"settings are written units=8&queues=2, not {query!r}") from None
    return simulation.again(**chosen)


def _usual(settings: Settings) -> Iterator[Settings]:
    sizes = [settings.units, *(units for units in _UNITS if units != settings.units)]
    for units in sizes:
        for packed in (settings.packed, not settings.packed):
            changed = replace(settings, units=units, packed=packed)
            if changed != settings:
                yield changed
