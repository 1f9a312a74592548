"""Steps from the source to dispatches in the flow dialect."""

from __future__ import annotations

from ireelab.pipeline.lab.step import LabStep, fixed_point, functions

_CLEANUP = (
    functions(
        "iree-flow-canonicalize", "cse", "iree-util-simplify-global-accesses",
        "iree-util-apply-patterns",
    ),
    "iree-util-fold-globals",
    "iree-util-fuse-globals",
    "iree-util-ipo",
)  # fmt: skip
_TIDY = ("iree-flow-canonicalize", "cse")
_FUSE = (
    "iree-dispatch-creation-elementwise-op-fusion{intra-dispatch=false "
    "fuse-multi-reduction=$iree-dispatch-creation-element-wise-fuse-multi-reduction|true "
    "fuse-truncate-ops=$iree-dispatch-creation-enable-early-trunc-fusion|false "
    "fuse-broadcast-ops=false}"
)
_HOIST = (
    "iree-util-hoist-into-globals"
    "{max-size-increase-threshold=$iree-opt-const-expr-max-size-increase-threshold}"
)
_PAD_CONSUMERS = "$iree-dispatch-creation-enable-fuse-padding-into-linalg-consumer-ops"
_PAD_PRODUCERS = "$iree-dispatch-creation-enable-fuse-padding-into-linalg-producer-ops|false"
_AGGRESSIVE = "$iree-dispatch-creation-enable-aggressive-fusion"
_DATA_TILING = (
    "iree-opt-data-tiling|iree-dispatch-creation-data-tiling&!iree-global-opt-data-tiling"
)


def _creation(name: str, runs: str, why: str, when: str = "") -> LabStep:
    return LabStep(name, "dispatch-creation", why, runs, when=when)


def _each(name: str, passes: str, why: str, when: str = "") -> LabStep:
    return _creation(name, functions(passes), why, when)


FRONT = (
    LabStep(
        "input",
        "input",
        "everything later reads linalg and util: StableHLO, Torch, TOSA are converted first",
        phases=("start", "input"),
    ),
    LabStep(
        "abi",
        "abi",
        "exported functions must have the runtime's signature before anything is scheduled",
        phases=("input", "abi"),
    ),
    LabStep(
        "preprocessing",
        "global-optimization",
        "devices are assigned here, and user transformations run before any of IREE's own",
        phases=("abi", "preprocessing"),
    ),
    LabStep(
        "global-optimization",
        "global-optimization",
        "whole-program rewrites and constant evaluation need tensors, before dispatches cut them",
        phases=("preprocessing", "global-optimization"),
    ),
)

CREATION = (
    _each("inject-tensor-tracing", "iree-flow-inject-tensor-tracing",
          "tracers must be in the IR before dispatches hide the tensors"),
    _creation(
        "tensor-pad-to-tensor-insert-slice",
        "iree-dispatch-creation-tensor-pad-to-tensor-insert-slice"
        f"{{skip-one-linalg-use-case={_PAD_CONSUMERS}}}",
        "pads become fills and inserts, which fusion understands",
        "!iree-flow-enable-pad-handling&"
        "!iree-dispatch-creation-enable-fuse-padding-into-linalg-producer-ops",
    ),
    fixed_point(_creation("cleanup-input", ",".join(_CLEANUP),
                          "fusion decides better on IR without dead or repeated ops")),
    _each("fusion-preprocessing", "iree-dispatch-creation-fusion-preprocessing",
          "brings ops into the forms that fusion matches"),
    _each("canonicalize:fusion-preprocessing", ",".join(_TIDY), "tidies what that left"),
    _each("elementwise-op-fusion", _FUSE,
          "fewer ops before shapes move make moving them cheaper"),
    _each("canonicalize:elementwise-op-fusion", ",".join(_TIDY), "tidies what fusion left"),
    _each("fold-reshapes-into-tensor-barriers",
          "iree-dispatch-creation-fold-reshapes-into-tensor-barriers",
          "reshapes at barriers would block the next step"),
    _each("bubble-up-expand-shapes",
          "iree-dispatch-creation-bubble-up-expand-shapes"
          "{enable-reshape-movement-across-reductions="
          "$iree-dispatch-creation-enable-aggressive-reshape-movement}",
          "elementwise ops in more dimensions fuse with more of their neighbours"),
    _each("canonicalize:bubble-up", ",".join(_TIDY), "tidies the moved reshapes"),
    _each("elementwise-op-fusion:expanded", _FUSE, "fuses again, in the dimensions just gained"),
    _each("canonicalize:expanded", ",".join(_TIDY), "tidies what fusion left"),
    _each("sink-reshapes", "iree-dispatch-creation-sink-reshapes",
          "reshapes that still block a producer and its consumer go below both"),
    _each("canonicalize:sink-reshapes", ",".join(_TIDY), "tidies the moved reshapes"),
    _each("fuse-horizontal-contractions",
          "iree-dispatch-creation-fuse-horizontal-contractions," + ",".join(_TIDY),
          "contractions that share an operand become one before regions are formed",
          "iree-dispatch-creation-enable-fuse-horizontal-contractions"),
    _each("fuse-multi-use-elementwise-producer",
          "iree-dispatch-creation-fuse-multi-use-elementwise-producer",
          "after shapes have settled a producer may be fused though it has several uses",
          "iree-dispatch-creation-fuse-multi-use"),
    _each("canonicalize:multi-use", ",".join(_TIDY), "tidies what fusion left"),
    _each("split-reduction-ops", "iree-dispatch-creation-split-reduction-ops",
          "long reductions gain parallelism before they become one dispatch"),
    _each("set-split-reduction-sizes",
          "iree-dispatch-creation-set-split-reduction-sizes{low-parallelism="
          "$iree-dispatch-creation-split-reduction-low-parallelism}",
          "says how to tile the reductions that the next step splits",
          "iree-dispatch-creation-enable-split-reduction"),
    _each("form-split-reduction-dispatches",
          "iree-dispatch-creation-form-split-reduction-dispatches"
          f"{{enable-fuse-pad={_PAD_CONSUMERS}}}",
          "reductions that were given sizes get dispatches of their own first"),
    _each("transpose-generic-ops", "iree-dispatch-creation-transpose-generic-ops",
          "reduction loops innermost: what region formation and code generation expect"),
    _each("propagate-encodings", "iree-dispatch-creation-propagate-encodings",
          "layouts move through reshapes while those are still visible"),
    _creation("hoist-into-globals", _HOIST,
              "constant expressions leave the function before they become dispatches",
              "iree-opt-const-expr-hoisting"),
    _each("canonicalize:hoisted", ",".join(_TIDY), "tidies what hoisting left"),
    _each("form-scalar-dispatches", "iree-dispatch-creation-form-scalar-dispatches",
          "scalar roots are taken first, so that larger regions do not swallow them"),
    _each("form-dispatch-regions",
          f"iree-dispatch-creation-form-dispatch-regions{{aggressive-fusion={_AGGRESSIVE} "
          "fuse-multi-use-producers=$iree-dispatch-creation-fuse-multi-use "
          f"fuse-pad-with-consumers={_PAD_CONSUMERS} fuse-pad-with-producers={_PAD_PRODUCERS}}}",
          "decides what one dispatch computes: a root with its producers and consumers"),
    _each("elementwise-op-fusion:dispatches",
          "iree-dispatch-creation-elementwise-op-fusion{intra-dispatch=true "
          "fuse-multi-reduction=false fuse-truncate-ops=true fuse-broadcast-ops=true}",
          "within a dispatch more may be fused than between"),
    _each("fuse-multi-use-elementwise-producer:dispatches",
          "iree-dispatch-creation-fuse-multi-use-elementwise-producer"
          "{intra-dispatch=true num-iterations=32}",
          "likewise for producers with several uses"),
    _each("clone-producers-into-dispatch-regions",
          "iree-dispatch-creation-clone-producers-into-dispatch-regions"
          f"{{aggressive={_AGGRESSIVE}}}",
          "cheap producers move inside, so that regions can be isolated later"),
    _each("collapse-dimensions", "iree-dispatch-creation-collapse-dimensions",
          "fewer loops inside a dispatch; possible only once its border is known"),
    _each("hoist-uniform-scalar-compute", "iree-dispatch-creation-hoist-uniform-scalar-compute",
          "scalars that collapsing made go to the host, where equal ones merge"),
    _each("annotate-data-tiling-hints",
          "iree-flow-canonicalize{cse-constants=false},"
          "iree-dispatch-creation-annotate-data-tiling-hints{data-tiling-op-types="
          "$iree-dispatch-creation-experimental-set-data-tiling-ops|matmul,scaled_matmul}",
          "fusion is settled: choose the ops whose operands get packed layouts", _DATA_TILING),
    _each("set-encoding",
          "iree-dispatch-creation-set-encoding{encoding-option="
          "$iree-dispatch-creation-set-encoding-strategy|default}",
          "puts those layouts on the chosen ops' operands", _DATA_TILING),
    _creation("hoist-encoding-ops", "iree-dispatch-creation-hoist-encoding-ops",
              "packing must not happen inside the dispatch that reads the packed data",
              _DATA_TILING),
    _each("fuse-encoding-ops-into-dispatch-regions",
          "iree-dispatch-creation-fuse-encoding-ops-into-dispatch-regions-pass"
          "{enable-aggressive-fusion="
          "$iree-dispatch-creation-experimental-multi-use-encoding-fusion|false}",
          "packing joins the dispatch that produces the data"),
    _each("convert-encoding-to-flow", "iree-dispatch-creation-convert-encoding-to-flow",
          "packing that stayed outside becomes an op of the host program"),
    _creation("hoist-into-globals:encodings", _HOIST,
              "packing of constants happens once, at load", "iree-opt-const-expr-hoisting"),
    _each("remove-tensor-barriers", "iree-dispatch-creation-remove-tensor-barriers",
          "regions exist: the barriers that guided fusion have done their work"),
    _each("convert-dispatch-regions-to-workgroups",
          "iree-dispatch-creation-convert-dispatch-regions-to-workgroups",
          "isolates each region: its operands become explicit"),
    _each("convert-tensor-to-flow", "iree-dispatch-creation-convert-tensor-to-flow",
          "slices left outside dispatches become copies and updates of the host program"),
    _each("canonicalize:tensor-to-flow", "cse,iree-flow-canonicalize",
          "tidies what conversion left"),
    _each("materialize-default-workgroup-count-region",
          "iree-dispatch-creation-materialize-default-workgroup-count-region",
          "how many workgroups run is computed from what each dispatch captures"),
    _each("bitcast-unsupported-element-types",
          "iree-dispatch-creation-bitcast-unsupported-element-types",
          "types the runtime cannot carry are hidden at the dispatch border"),
    _each("canonicalize:dispatches", "cse,iree-flow-canonicalize", "tidies for flow"),
)  # fmt: skip


def _flow(name: str, runs: str, why: str, when: str = "") -> LabStep:
    return LabStep(name, "flow", why, runs, when=when)


FLOW = (
    _flow("verify-input-legality", "iree-verify-input-legality",
          "a gate: what is not legal here would fail obscurely later"),
    _flow("verify-initialization-order", "iree-util-verify-initialization-order",
          "later steps rely on globals being initialised before use, and keep it so"),
    _flow("attribute-call-graph", "iree-util-attribute-call-graph",
          "attributes of callees at the call sites make later analyses local"),
    _flow("initialize-empty-tensors",
          functions("iree-flow-initialize-empty-tensors"
                    "{zero-fill=$iree-flow-zero-fill-empty-tensors|false}"),
          "empty tensors of the host program become allocations"),
    _flow("capture-dynamic-dims",
          functions("iree-flow-capture-dynamic-dims", "iree-flow-canonicalize", "cse"),
          "dynamic dimensions become operands, while the tensors that know them are here"),
    _flow("outline-dispatch-externs", "iree-flow-outline-dispatch-externs",
          "kernels given by the user get executables"),
    _flow("outline-dispatch-regions", "iree-flow-outline-dispatch-regions",
          "host program and kernels part: each dispatch's body goes to an executable"),
    _flow("annotate-dispatches", "iree-flow-annotate-dispatches",
          "names executables by what they compute"),
    _flow("strip-debug-ops", "flow.executable(iree-util-strip-debug-ops)",
          "kernels cannot raise assertions"),
    _flow("canonicalize:outlined", functions("iree-flow-canonicalize"),
          "tidies the host program so that equal executables look equal"),
    _flow("deduplicate-executables", "iree-flow-deduplicate-executables",
          "equal kernels are compiled once"),
    _flow("export-benchmark-funcs", "iree-flow-export-benchmark-funcs-pass",
          "one function for each unique executable", "iree-flow-export-benchmark-funcs"),
    _flow("inject-dispatch-tracing", functions("iree-flow-inject-dispatch-tracing"),
          "after merging, so that names match later stages", "iree-flow-trace-dispatch-tensors"),
    _flow("inject-tensor-tracing:dispatches", functions("iree-flow-inject-tensor-tracing"),
          "for what the steps above marked"),
    _flow("cleanup-tensor-shapes", functions("iree-flow-cleanup-tensor-shapes"),
          "shape ops have been captured and only stand in the way"),
    fixed_point(_flow(
        "outline-constants",
        ",".join((
            "iree-flow-outline-constants",
            functions("iree-util-optimize-int-arithmetic", "iree-flow-canonicalize", "cse",
                      "iree-util-simplify-global-accesses", "iree-util-apply-patterns"),
            *_CLEANUP[1:],
        )),
        "constants become globals; repeated, since folding calls uncovers more")),
    _flow("canonicalize:executables", "flow.executable(iree-flow-canonicalize,cse)",
          "tidies kernels after their operands have folded"),
    _flow("replicate-globals-per-affinity",
          "iree-flow-replicate-globals-per-affinity{use-transfers="
          "$iree-stream-experimental-transfer-to-replicate-globals|false}",
          "each device gets its own copy of the globals it reads",
          "iree-flow-experimental-replicate-globals-per-affinity"),
    _flow("symbol-dce:flow", "symbol-dce", "drops what nobody calls any more"),
    _flow("dump-dispatch-graph",
          "iree-flow-dump-dispatch-graph-pass{output-file="
          "$iree-flow-dump-dispatch-graph-output-file|dispatch.dot}",
          "the finished dispatch graph", "iree-flow-dump-dispatch-graph"),
)  # fmt: skip
