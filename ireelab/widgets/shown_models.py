"""The models of what an explorer shows, each computed when a pane first asks for it."""

from __future__ import annotations

from typing import Any

from ireelab.pipeline.trace import Trace
from ireelab.viz.compare_traces import Compared
from ireelab.viz.compared_models import compared_blob, compared_names
from ireelab.viz.models import (
    MODEL_NAMES,
    RUN_MODELS,
    ModelBlob,
    Subject,
    model_blob,
    pack_model,
)
from ireelab.widgets.vm_execution import EXECUTION, execution_blob


class ShownModels:
    """``subject`` is what they are of; where it is compared, others are beside it."""

    def __init__(self) -> None:
        self.subject = Subject()
        self._compared: Compared | None = None
        self._blobs: dict[str, ModelBlob] = {}

    def show(self, subject: Subject, compared: Compared | None) -> None:
        """Something else is shown."""
        self.subject, self._compared = subject, compared
        self._blobs.clear()

    def show_run(self, subject: Subject) -> None:
        """Another run of it is shown: what tells nothing of runs stays."""
        self.subject = subject
        stale = (*RUN_MODELS, EXECUTION)
        self._blobs = {n: b for n, b in self._blobs.items() if n.partition("/")[0] not in stale}

    def show_alone(self, subject: Subject, name: str, record: dict[str, Any]) -> None:
        """There is one model, and it is made already."""
        self.show(subject, None)
        self._blobs = {name: pack_model(record)}

    def compared(self, trace: Trace | None) -> Compared | None:
        """The comparison, while ``trace`` is its first side."""
        compared = self._compared
        return compared if compared and compared.sides[0].trace is trace else None

    def get(self, name: str) -> ModelBlob:
        if name not in self._blobs:
            self._blobs[name] = self._make(name)
        return self._blobs[name]

    def _make(self, name: str) -> ModelBlob:
        compared = self.compared(self.subject.trace)
        if compared is not None and (blob := compared_blob(compared, name)) is not None:
            return blob
        make = execution_blob if name.partition("/")[0] == EXECUTION else model_blob
        return make(self.subject, name)

    def saved(self) -> dict[str, ModelBlob]:
        """What a page carries that has no kernel to ask."""
        names = MODEL_NAMES if self.subject.run is None else (*MODEL_NAMES, EXECUTION)
        compared = self.compared(self.subject.trace)
        if compared is not None:
            names = (*names, *compared_names(compared))
        return {name: self.get(name) for name in names}
