"""The models of a trace by name, as the explorer asks for them: computed when first shown."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ireelab.errors import IreelabError
from ireelab.pipeline.trace import Trace
from ireelab.viz.allocation import allocation
from ireelab.viz.barriers import barriers
from ireelab.viz.stream_graph import stream_graph

_LEVEL = 1  # gzip level: the browser is beside the kernel, time matters more than bytes.

_LATER = ("stream", "executable", "hal", "vm")


@dataclass(frozen=True, slots=True)
class _Kind:
    phase: str  # the phase that a compilation must have gone through
    make: Callable[[Trace], dict[str, Any]]


_KINDS: dict[str, _Kind] = {
    "stream": _Kind("stream", lambda trace: stream_graph(trace).to_json()),
    "allocation": _Kind("stream", lambda trace: allocation(trace).to_json()),
    "barriers": _Kind("hal", lambda trace: barriers(trace).to_json()),
}

MODEL_NAMES = tuple(_KINDS)
"""Every model that an explorer can show."""


@dataclass(frozen=True, slots=True)
class ModelBlob:
    """A model as the front end reads it: gzip-compressed JSON, or why there is none."""

    data: bytes = b""
    absent: str = ""


def model_record(trace: Trace, name: str) -> dict[str, Any] | None:
    """A model as JSON; None where the compilation ended before the phase that it reads."""
    kind = _KINDS[name]
    after = _LATER[_LATER.index(kind.phase) + 1 :]
    passed = trace.complete and trace.until == kind.phase
    if not passed and not any(step.phase in after for step in trace.steps):
        return None
    return kind.make(trace)


def model_blob(trace: Trace | None, name: str) -> ModelBlob:
    """A model for the front end; what cannot be had says why in words for the user."""
    if trace is None:
        return ModelBlob(absent="This program came without the trace of its compilation.")
    if name not in _KINDS:
        return ModelBlob(absent=f"There is no model {name!r}; there are: {', '.join(_KINDS)}.")
    try:
        record = model_record(trace, name)
    except IreelabError as error:
        return ModelBlob(absent=str(error))
    if record is None:
        return ModelBlob(absent=f"The compilation ended before phase {_KINDS[name].phase}.")
    return pack_model(record)


def pack_model(record: dict[str, Any]) -> ModelBlob:
    """JSON as the front end reads it."""
    return ModelBlob(gzip.compress(json.dumps(record, separators=(",", ":")).encode(), _LEVEL))
