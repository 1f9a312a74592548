"""What says that two models, or two explorers, show the same trace."""

from __future__ import annotations

import hashlib

from ireelab.pipeline.trace import Trace


def trace_key(trace: Trace) -> str:
    """The same for everything that shows this trace, so that it can share one selection.

    Made from what was compiled and what came of it: a trace read back from a file has its own
    key again.
    """
    digest = hashlib.sha256()
    for part in (trace.name, trace.target, trace.pipeline, *trace.flags, trace.source):
        digest.update(part.encode() + b"\0")
    for snapshot in trace.snapshots:
        digest.update(snapshot.module.digest)
    return digest.hexdigest()[:32]
