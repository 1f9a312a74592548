"""Steps of the stream phase: every scheduling and memory decision of the host program."""

from __future__ import annotations

from ireelab.pipeline.lab.step import LabStep, fixed_point, functions

_CLEANUP = "iree-stream-cleanup-pipeline"


def _stream(name: str, runs: str, why: str, when: str = "") -> LabStep:
    return LabStep(name, "stream", why, runs, when=when)


def _cleanup(place: str, why: str) -> LabStep:
    return _stream(f"cleanup:{place}", _CLEANUP, why)


TENSOR = (
    _stream("verify-initialization-order:stream", "iree-util-verify-initialization-order",
            "a gate: the analyses below trust the order in which globals are set"),
    _stream("verify-input", "iree-stream-verify-input", "a gate: no op that cannot be scheduled"),
    _cleanup("input", "conversion is simpler on folded globals and calls"),
    _stream("clone-to-consumers", "iree-stream-clone-to-consumers",
            "cheap ops are repeated where they are used; no cse until conversion, or it undoes it"),
    _stream("annotate-affinities", "iree-stream-annotate-affinities",
            "writes the analysed affinities down, for people",
            "iree-stream-annotate-input-affinities"),
    _stream("conversion", "iree-stream-conversion",
            "tensors become resources with sizes; from here on memory is explicit"),
    _stream("verify-lowering-to-tensors", "iree-stream-verify-lowering-to-tensors",
            "a gate: no tensor op is left"),
    _stream("inline", "inline", "affinities are baked in, so functions may merge"),
    _cleanup("conversion", "folds the globals that conversion made"),
    _stream("combine-initializers", "iree-util-combine-initializers",
            "one initializer can be scheduled as a whole"),
    fixed_point(_stream("cleanup-globals", _CLEANUP,
                        "combining uncovers globals that are equal or only used at load")),
    _stream("unify-encoding-for-globals", "iree-stream-unify-encoding-for-globals",
            "one layout for each constant saves memory",
            "iree-stream-experimental-unify-encoding-for-globals"),
)  # fmt: skip

ASYNC = (
    _stream("specialize-encodings", "iree-stream-specialize-encodings",
            "layouts are resolved for the device that each resource lives on"),
    _stream("encode-host-tensors", functions("iree-stream-encode-host-tensors"),
            "with layouts known, shapes become bytes in the host program"),
    _stream("encode-device-tensors", "stream.executable(iree-stream-encode-device-tensors)",
            "and in the kernels"),
    _stream("materialize-encodings", "iree-stream-materialize-encodings",
            "changes of layout become dispatches"),
    _stream("layout-slices:encodings", functions("iree-stream-layout-slices"),
            "slices that encodings asked for get offsets early, so that they fold"),
    _cleanup("encodings", "sizes are arithmetic now; most of it folds"),
    _stream("verify-lowering-to-async-resources", "iree-stream-verify-lowering-to-async-resources",
            "a gate: everything is stream.async"),
    _stream("materialize-copy-on-write",
            functions("iree-stream-materialize-copy-on-write", "canonicalize"),
            "correct first: every update of a shared resource gets a copy"),
    _stream("elide-async-copies", "iree-stream-elide-async-copies",
            "then fast: copies that nobody can observe go"),
    _stream("emplace-allocations", functions("canonicalize", "iree-stream-emplace-allocations"),
            "results are produced where they are wanted instead of copied there"),
    _stream("refine-usage", "iree-stream-refine-usage",
            "decides each resource's lifetime: transient, external, variable, constant"),
    _stream("canonicalize:refine-usage", functions("canonicalize"),
            "drops the transfers of lifetime that refinement left"),
    _stream("elide-async-copies:refined", "iree-stream-elide-async-copies",
            "known lifetimes show more copies to be needless"),
    _cleanup("usage", "the IR must be minimal before it is partitioned"),
    _stream("verify-async-access-ranges", "iree-stream-verify-async-access-ranges",
            "a gate: no access beyond its resource"),
    _stream("place-transfer-executions", "iree-stream-place-transfer-executions",
            "which device executes a copy between two"),
    _stream("schedule-execution", functions("iree-stream-schedule-execution"),
            "partitions the work into executions: one command buffer each"),
    _stream("schedule-concurrency", functions("iree-stream-schedule-concurrency"),
            "within an execution: which work may run side by side"),
    _stream("sync-initializers", "iree-stream-sync-initializers",
            "loading waits for its work, unless asked not to",
            "iree-scheduling-initialization-mode=sync"),
    _stream("propagate-timepoints", "iree-stream-propagate-timepoints",
            "executions chain by timepoints instead of waiting on the host"),
    _stream("materialize-builtins", "iree-stream-materialize-builtins",
            "fills and copies that devices lack become dispatches, after partitioning saw them"),
    _cleanup("schedule", "timepoints that are equal or unused fold"),
    _stream("verify-lowering-to-async", "iree-stream-verify-lowering-to-async",
            "a gate: everything is scheduled"),
)  # fmt: skip

COMMANDS = (
    _stream("schedule-allocation", "iree-stream-schedule-allocation",
            "concurrency is decided, so lifetimes are: values become ranges of allocations"),
    _stream("emplace-transients", "iree-stream-emplace-transients",
            "transient memory that the caller provides is used"),
    _stream("materialize-transient-size-queries", "iree-stream-materialize-transient-size-queries",
            "lets the caller ask how much that is"),
    _stream("pack-constants", functions("iree-stream-pack-constants"),
            "constants share storage buffers and uploads"),
    _stream("layout-slices", functions("iree-stream-layout-slices"),
            "packs the slices of each slab: lifetimes in, offsets out"),
    _stream("canonicalize:layout-slices", functions("canonicalize"),
            "offsets are constants now; subviews of subviews fold"),
    _stream("propagate-subranges", "iree-util-propagate-subranges",
            "every use refers to its slab directly"),
    _cleanup("allocation", "equal subviews merge"),
    _stream("automatic-reference-counting", "iree-stream-automatic-reference-counting",
            "releases what is left to release, now that most is inside executions"),
    _stream("annotate-constant-transient-size", "iree-stream-annotate-constant-transient-size",
            "transient sizes that folded to constants are put on the function"),
    _stream("verify-lowering-to-cmd", "iree-stream-verify-lowering-to-cmd",
            "a gate: everything is stream.cmd"),
    _stream("dump-statistics",
            "iree-stream-dump-statistics{output-format=$iree-scheduling-dump-statistics-format "
            "output-file=$iree-scheduling-dump-statistics-file}",
            "before dispatches are fused with their bindings, which hides who uses what",
            "iree-scheduling-dump-statistics-format=pretty|"
            "iree-scheduling-dump-statistics-format=verbose|"
            "iree-scheduling-dump-statistics-format=csv|"
            "iree-scheduling-dump-statistics-format=json"),
)  # fmt: skip

OPTIMIZATION = (
    _cleanup("commands", "stitching left repeated ops"),
    _stream("reuse-allocations", functions("iree-stream-reuse-allocations", "convert-scf-to-cf"),
            "a transient that dies gives its memory to the next one of its size"),
    fixed_point(_stream("elide-timepoints", f"{_CLEANUP},iree-stream-elide-timepoints",
                        "waits that another wait implies go; folding uncovers more of them")),
    _stream("fuse-dispatch-bindings", "iree-stream-fuse-dispatch-bindings",
            "bindings of one slab become one binding with offsets",
            "iree-scheduling-optimize-bindings"),
    _stream("annotate-dispatch-arguments", "iree-stream-annotate-dispatch-arguments",
            "kernels learn the values and alignments that all their calls share"),
    _stream("annotate-dispatch-assumptions", "iree-stream-annotate-dispatch-assumptions",
            "and the ranges"),
    _stream("pack-dispatch-operands", "iree-stream-pack-dispatch-operands",
            "operands become i32, which push constants are"),
    _cleanup("operands", "equal operands must look equal for the next step"),
    _stream("fold-uniform-operands", "iree-stream-fold-uniform-operands",
            "operands that never vary move into the kernel"),
    _cleanup("dispatches", "tidies after folding"),
    _stream("symbol-dce:stream", "symbol-dce", "drops what nobody calls any more"),
)  # fmt: skip

STREAM = (*TENSOR, *ASYNC, *COMMANDS, *OPTIMIZATION)
