"""From source lines to kernels and timeline events, and back."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable

import numpy as np
import pytest

import ireelab as il
from ireelab import examples
from ireelab.errors import ProvenanceUnavailable
from ireelab.pipeline.provenance import OpRef
from ireelab.pipeline.provenance_index import ProvenanceIndex, provenance_index
from ireelab.pipeline.provenance_walk import op_name
from ireelab.pipeline.trace import Trace
from ireelab.viz.payload import trace_payload
from ireelab.viz.provenance_payload import provenance_record
from ireelab.viz.provenance_rates import is_compute, provenance_rates
from ireelab.vm.run import RunResult

Traces = Callable[[str], Trace]
FIRST, SECOND = "mlp_dispatch_0_matmul_8x128x64_f32", "mlp_dispatch_1_matmul_8x10x128_f32"
MATMUL, RELU, LOGITS = (
    "%hidden = linalg.matmul",
    "%relu = arith.maximumf",
    "%logits = linalg.matmul",
)


@pytest.fixture(scope="module")
def mlp(traces: Traces) -> Trace:
    return traces("mlp")


@pytest.fixture(scope="module")
def mlp_run(mlp: Trace) -> RunResult:
    return il.run(mlp, "mlp", *examples.inputs("mlp"), profile=True)


@pytest.mark.parametrize(("text", "kernel"), [(MATMUL, FIRST), (RELU, FIRST), (LOGITS, SECOND)])
def test_source_to_kernel_and_event(mlp: Trace, mlp_run: RunResult, text: str, kernel: str) -> None:
    op = OpRef.find(mlp, -1, text)
    found = mlp.provenance(op, run=mlp_run)
    assert [source.line for source in found.sources] == [op.line]
    assert found.kernels == (kernel,)
    assert found.entry_points == (f"{kernel[:14]}::{kernel}",)
    assert mlp_run.timeline is not None
    assert [mlp_run.timeline.events[i].entry_point for i in found.events] == [kernel]
    assert not found.ancestors
    phases = {step.phase for step in found.descendants}
    assert {"dispatch-creation", "flow", "stream", "executable"} <= phases


def test_a_matmul_stays_a_matmul_until_it_becomes_vectors(mlp: Trace) -> None:
    found = mlp.provenance(OpRef.find(mlp, -1, MATMUL))
    names = [{op_name(op.text) for op in step.ops} for step in found.descendants]
    vectors = next(n for n, ops in enumerate(names) if any(o.startswith("vector.") for o in ops))
    assert all(ops == {"linalg.matmul"} for ops in names[:10])
    assert any("linalg.matmul" in ops for ops in names[:vectors])
    assert any("llvm.intr.fmuladd" in ops for ops in names[vectors:])
    for step in found.descendants[1:]:
        lines = mlp.ir(step.step, module=True).splitlines()
        assert all(lines[op.line - 1].endswith(op.text) for op in step.ops)


@pytest.mark.parametrize(("kernel", "text"), [(FIRST, MATMUL), (SECOND, LOGITS)])
def test_dispatches_lead_back_to_all_that_was_fused(
    mlp: Trace, mlp_run: RunResult, kernel: str, text: str
) -> None:
    source = OpRef.find(mlp, -1, text)
    sites = mlp.provenance(source).dispatches
    assert [mlp.steps[site.step].phase for site in sites] == ["stream", "hal", "vm"]
    for site in sites:
        found = mlp.provenance(site, run=mlp_run)
        assert "dispatch" in found.text
        assert found.kernels == (kernel,)
        assert len(found.events) == 1
        assert source.line in [s.line for s in found.sources]
        relu = OpRef.find(mlp, -1, RELU).line
        assert (relu in [s.line for s in found.sources]) == (kernel == FIRST)
        before = {op_name(op.text) for step in found.ancestors for op in step.ops}
        assert "linalg.matmul" in before


def test_an_llvm_op_leads_back_to_the_source(mlp: Trace) -> None:
    step = max(s.index for s in mlp.steps if s.phase == "executable" and s.changed)
    op = OpRef.find(mlp, step, "llvm.intr.fmuladd")
    found = mlp.provenance(op)
    first = OpRef.find(mlp, -1, MATMUL).line
    assert [source.line for source in found.sources] == [first]
    assert found.kernels == (FIRST,)
    assert found.ancestors[0].step == -1
    assert op_name(found.ancestors[0].ops[0].text) == "linalg.matmul"


def test_references(mlp: Trace) -> None:
    step = mlp.step("inline")
    by_text = mlp.provenance((step, "linalg.matmul"))
    op = by_text.op
    assert mlp.provenance((step.index, op.line)).text == by_text.text
    name = by_text.text.split()[0]
    assert OpRef.find(mlp, step.index, name) == op
    for bad in (OpRef(-1, 10_000), OpRef(0, 10_000), OpRef(10_000, 1)):
        with pytest.raises(KeyError):
            mlp.provenance(bad)
    with pytest.raises(KeyError, match="contains"):
        OpRef.find(mlp, -1, "no such op")
    json.dumps(by_text.to_json())
    assert "became" in str(by_text)


def test_inlined_calls_keep_their_call_sites() -> None:
    text = """func.func private @twice(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @twice(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = math.exp %0 : tensor<4xf32>
  %2 = call @twice(%1) : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}"""
    trace = il.compile(text, until="flow")
    adds = [trace.provenance(OpRef(-1, line)).descendants[-1].ops for line in (2, 6, 8)]
    in_kernel = [{op.line for op in ops if "arith.addf" in op.text} for ops in adds]
    assert len(in_kernel[0]) == 2
    assert in_kernel[1] | in_kernel[2] == in_kernel[0]
    assert not in_kernel[1] & in_kernel[2]


def test_vulkan_kernels_and_their_events() -> None:
    """Down to the SPIR-V function, and to the events of a run where there is a Vulkan device."""
    trace = il.compile(examples.path("mlp"), target="vulkan")
    device = next((d for d in il.devices() if d.driver == "vulkan" and d.available), None)
    result = None
    if device is not None:
        result = il.run(trace, "mlp", *examples.inputs("mlp"), device=device.id, profile=True)
    for text, kernel in ((MATMUL, FIRST), (RELU, FIRST), (LOGITS, SECOND)):
        found = trace.provenance(OpRef.find(trace, -1, text), run=result)
        assert found.kernels == (kernel,)
        lowered = {op.text for step in found.descendants for op in step.ops}
        assert any("spirv." in text for text in lowered)
        if result is not None and result.timeline is not None:
            assert [result.timeline.events[i].entry_point for i in found.events] == [kernel]
    for rate in provenance_rates(trace).phases:
        assert min(rate.ancestor_rate, rate.descendant_rate) >= 0.95, rate


def test_rates(traces: Traces, example: str) -> None:
    rates = provenance_rates(traces(example))
    assert sum(rate.ops for rate in rates.phases) > 5
    assert {"stream", "executable", "vm"} <= {r.phase for r in rates.phases if r.ops}
    for rate in rates.phases:
        assert rate.ancestor_rate >= 0.95, rate
        assert rate.descendant_rate >= 0.95, rate
    assert str(rates).count("\n") == len(rates.phases)


@pytest.mark.parametrize(
    ("line", "computes"),
    [
        ("%0 = linalg.matmul ins(%a, %b : tensor<2x2xf32>) outs(%c) -> tensor<2x2xf32>", True),
        ("%0 = arith.addf %a, %b : f32", True),
        ("%0 = arith.addi %a, %b : index", False),
        ("%0 = arith.extui %a : i32 to i64", False),
        ("%cst = arith.constant 1.0 : f32", False),
        ("stream.cmd.dispatch @a::@b {", True),
        ("%1 = flow.dispatch.tie_shape %arg0 : !flow.dispatch.tensor<tensor<?xf32>>{%0}", False),
        ("linalg.yield %0 : f32", False),
        ("%1 = llvm.fadd %0, %0 : vector<4xf32>", True),
        ("%1 = llvm.getelementptr %0[1] : (!llvm.ptr) -> !llvm.ptr, f32", False),
    ],
)
def test_what_counts_as_compute(line: str, computes: bool) -> None:
    assert is_compute(line) is computes


def test_the_explorer_gets_the_same_nodes(mlp: Trace) -> None:
    index = json.loads(gzip.decompress(trace_payload(mlp).index))
    data = json.loads(json.dumps(provenance_record(mlp)))
    offsets = index["chunk_offsets"]
    chunks = gzip.decompress(trace_payload(mlp).chunks)
    lengths = [chunks[a:b].count(b"\n") for a, b in itertools.pairwise(offsets)]
    runs = [sum(run[1::2]) for run in data["lines"]]
    for (head, tail, *_), (head_lines, tail_lines) in zip(
        index["nodes"], data["nodes"], strict=False
    ):
        assert lengths[head] == runs[head_lines]
        assert (tail == -1) == (tail_lines == -1)
        assert tail == -1 or lengths[tail] == runs[tail_lines]
    assert all(step["module"] < len(data["nodes"]) for step in index["steps"])
    assert max(max(run[::2]) for run in data["lines"] if run) < len(data["groups"])
    kernels = {entry["kernel"]: entry for entry in data["entry_points"]}
    assert set(kernels) == {FIRST, SECOND}
    line = OpRef.find(mlp, -1, RELU).line
    atoms = {n for n, a in enumerate(data["atoms"]) if data["sources"][a[0]]["line"] == line}
    assert atoms <= set(kernels[FIRST]["atoms"])
    assert not atoms & set(kernels[SECOND]["atoms"])


def test_the_explorer_names_the_same_kernels(mlp: Trace) -> None:
    """Without following a line, by the source ops that the kernels were made of."""
    record, index = provenance_record(mlp), provenance_index(mlp)
    lines = [n for n in range(1, len(mlp.source.splitlines()) + 1) if index.atoms_at(n)]
    assert len(lines) > 10
    for line in lines:
        own = index.near(index.ops_among(index.atoms_at(line)))
        named = {e["kernel"] for e in record["entry_points"] if not own.isdisjoint(e["atoms"])}
        assert named == set(mlp.provenance(OpRef(-1, line)).kernels), line


def test_who_only_reads_a_value_is_not_where_it_comes_from(traces: Traces) -> None:
    """A kernel's argument has the location of what made its value.

    IREE keeps one of the two normalisations' equal executables, located at the first.
    """
    trace = traces("transformer")
    product = trace.provenance(OpRef.find(trace, -1, "%67 = stablehlo.dot_general"))
    first, second = (
        trace.provenance(OpRef.find(trace, -1, text))
        for text in ("%21 = stablehlo.add", "%66 = stablehlo.add")
    )
    assert product.kernels == ("transformer_dispatch_15_matmul_128x512x128_f32",)
    assert first.kernels == second.kernels
    assert len(second.kernels) == 1
    assert second.kernels[0].endswith("_reduction_128x128_f32")
    assert len(second.dispatches) == len(first.dispatches) > 0


def test_another_compilation_is_refused(mlp: Trace, traces: Traces) -> None:
    with pytest.raises(ProvenanceUnavailable):
        ProvenanceIndex(mlp, traces("elementwise"), "mlp.mlir")


def test_the_index_is_kept(mlp: Trace) -> None:
    assert provenance_index(mlp) is provenance_index(mlp)


def test_a_failed_compilation_has_provenance_until_then() -> None:
    text = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
    text += '  %0 = "stablehlo.custom_call"(%x) {call_target_name = "nowhere"} '
    text += ": (tensor<4xf32>) -> tensor<4xf32>\n  return %0 : tensor<4xf32>\n}"
    with pytest.raises(il.IreelabError) as caught:
        il.compile(text)
    trace = getattr(caught.value, "trace")  # noqa: B009
    found = trace.provenance(OpRef(-1, 2))
    assert found.descendants
    assert found.kernels == ()
    assert np.all([step.phase == "input" for step in found.descendants])
