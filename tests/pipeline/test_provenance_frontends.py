"""JAX functions, PyTorch modules and ONNX models as sources; each skips without its package."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import ireelab as il
from ireelab.errors import FrontendUnavailable, UnsupportedSource
from ireelab.frontends.source import resolve
from ireelab.pipeline.provenance import OpRef


def double(x: object) -> object:
    return x + x  # type: ignore[operator]


@pytest.mark.parametrize("package", ["jax", "torch", "onnx"])
def test_a_missing_package_is_named(
    package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"")
    module = type("Net", (type("Module", (), {"__module__": "torch.nn.modules.module"}),), {})()
    sources = {"jax": double, "torch": module, "onnx": model}
    monkeypatch.setitem(sys.modules, package, None)  # type: ignore[arg-type]
    with pytest.raises(FrontendUnavailable, match=rf"pip install 'ireelab\[{package}\]'"):
        resolve(sources[package], inputs=[np.ones(4)])


def test_what_no_frontend_takes() -> None:
    with pytest.raises(UnsupportedSource, match="cannot compile a int"):
        resolve(3)


def test_a_jax_function_and_its_python_lines() -> None:
    jax = pytest.importorskip("jax")
    with pytest.raises(UnsupportedSource, match="inputs="):
        il.compile(double)
    x = np.arange(4, dtype=np.float32)
    trace = il.compile(double, inputs=[x])
    result = il.run(trace, "main", x, profile=True)
    np.testing.assert_array_equal(np.asarray(result.outputs[0]), x + x)
    found = trace.provenance(OpRef.find(trace, -1, "stablehlo.add"), run=result)
    line = double.__code__.co_firstlineno + 1
    frame = found.sources[0].origins[0][0]
    assert (frame.file, frame.line) == (__file__, line)
    assert not any(
        "ireelab/frontends" in f.file for s in found.sources for c in s.origins for f in c
    )
    assert len(found.events) == 1
    lowered = jax.jit(double).lower(x)
    assert resolve(lowered).dialect == "stablehlo"


def test_a_torch_module_and_its_python_lines() -> None:
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: object) -> object:
            return torch.relu(x)

    x = np.array([-1.0, 2.0], np.float32)
    trace = il.compile(Net(), inputs=[torch.from_numpy(x)])
    assert trace.name == "Net"
    np.testing.assert_array_equal(np.asarray(il.run(trace, "main", x).outputs[0]), [0.0, 2.0])
    found = trace.provenance(OpRef.find(trace, -1, "torch.aten.relu"))
    line = Net.forward.__code__.co_firstlineno + 1
    assert found.sources[0].origins[0][0].file == __file__
    assert found.sources[0].origins[0][0].line == line


def test_an_onnx_model(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, f32 = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", f32, [2])],
        [helper.make_tensor_value_info("y", f32, [2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    path = tmp_path / "small.onnx"
    onnx.save(model, path)
    x = np.array([-1.0, 2.0], np.float32)
    for source, name in ((path, "small"), (str(path), "small"), (model, "net")):
        trace = il.compile(source)
        assert trace.name == name
    np.testing.assert_array_equal(np.asarray(il.run(trace, "net", x).outputs[0]), [0.0, 2.0])
    path.write_bytes(b"not a model")
    with pytest.raises(UnsupportedSource, match="ONNX"):
        il.compile(path)
