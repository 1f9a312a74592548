"""Provenance for the explorer: which lines of which steps belong together, as compact JSON.

``nodes`` runs parallel to the nodes of ``ireelab.viz.payload``: the same numbers, so that the
groups of a step's lines are found by the walk that puts its text together. See docs/json.md.
"""

from __future__ import annotations

from array import array
from itertools import groupby
from typing import Any

from ireelab.pipeline.provenance_index import ProvenanceIndex, provenance_index
from ireelab.pipeline.provenance_sites import DispatchSites
from ireelab.pipeline.provenance_walk import modules_of
from ireelab.pipeline.snapshot import Node
from ireelab.pipeline.trace import Trace
from ireelab.viz.provenance_rates import provenance_rates

SCHEMA = 1


def provenance_record(trace: Trace) -> dict[str, Any]:
    """Plain data, in about the time of compiling once more, for that is what it does.

    Raises:
        ProvenanceUnavailable: the source does not compile again as it did.
    """
    index = provenance_index(trace)
    sites = DispatchSites(index, trace, modules_of(trace))
    lines = _Lines(index)
    for snapshot in trace.snapshots:
        for node in (snapshot.before, snapshot.after, snapshot.module):
            lines.add(node)
    if trace.initial is not None:
        lines.add(trace.initial)
    every = set(range(len(index.atoms)))
    return {
        "schema": SCHEMA,
        "sources": [source.to_json() for source in index.sources],
        "atoms": index.atoms,
        "related": {atom: sorted(others) for atom, others in index.related.items()},
        "function_atoms": sorted(every - index.ops_among(every)),
        "groups": index.groups,
        "lines": lines.runs,
        "nodes": lines.nodes,
        "entry_points": [
            {
                "entry_point": f"{executable}::{kernel}",
                "kernel": kernel,
                "atoms": sorted(sites.atoms_inside({(executable, kernel)})),
                "site_atoms": sorted(sites.site_atoms((executable, kernel))),
            }
            for executable, kernel in sites.entry_points(sites.kernels)
        ],
        "rates": provenance_rates(trace).to_json()["phases"],
    }


class _Lines:
    """Groups of lines as runs, each distinct array once; nodes in the order of the payload."""

    def __init__(self, index: ProvenanceIndex) -> None:
        self.runs: list[list[int]] = []
        self.nodes: list[list[int]] = []
        self._index = index
        self._known: dict[bytes, int] = {}
        self._nodes: set[bytes] = set()

    def add(self, node: Node) -> None:
        """Number a node after its descendants, once."""
        if node.digest in self._nodes:
            return
        self._nodes.add(node.digest)
        for child in node.children:
            self.add(child)
        head = self._number(self._index.lines((node, False)))
        tail = self._number(self._index.lines((node, True))) if node.tail else -1
        self.nodes.append([head, tail])

    def _number(self, groups: array[int]) -> int:
        key = groups.tobytes()
        number = self._known.setdefault(key, len(self.runs))
        if number == len(self.runs):
            self.runs.append([n for group, run in groupby(groups) for n in (group, len(list(run)))])
        return number
