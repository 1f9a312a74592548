"""The models of an explorer that compares: all numbers side by side, and the other sides' plans.

``compare`` is the comparison of every model; ``allocation@1`` the allocation of side 1.
"""

from __future__ import annotations

from typing import Any

from ireelab.errors import IreelabError
from ireelab.viz.compare_traces import Compared
from ireelab.viz.comparison import Comparison
from ireelab.viz.models import ModelBlob, Subject, model_blob, pack_model

COMPARE = "compare"
_OF_SIDES = ("allocation",)


def compared_names(compared: Compared) -> tuple[str, ...]:
    """What a saved page needs besides the models of the first side."""
    sides = range(1, len(compared.sides))
    return (COMPARE, *(f"{name}@{side}" for name in _OF_SIDES for side in sides))


def compared_blob(compared: Compared, name: str) -> ModelBlob | None:
    """A model by name; None where the name is not one of a comparison."""
    if name == COMPARE:
        return pack_model(compared_record(compared))
    base, at, side = name.partition("@")
    if not at or base not in _OF_SIDES or not side.isdecimal():
        return None
    if not 0 < int(side) < len(compared.sides):
        return ModelBlob(absent=f"There is no side {side}.")
    chosen = compared.sides[int(side)]
    return model_blob(Subject(chosen.trace, None, chosen.run), base)


def compared_record(compared: Compared) -> dict[str, Any]:
    """Every model that the sides have, compared; why not, for one that cannot be."""
    record: dict[str, Any] = {"labels": list(compared.labels), "models": {}, "absent": {}}
    for name in compared.names:
        try:
            record["models"][name] = _without_unlisted(compared[name])
        except IreelabError as error:
            record["absent"][name] = str(error)
    return record


def _without_unlisted(comparison: Comparison) -> dict[str, object]:
    """Events are on the page already, and pair there."""
    listed = [table.to_json() for table in comparison.tables if table.listed]
    return {**comparison.to_json(), "tables": listed}
