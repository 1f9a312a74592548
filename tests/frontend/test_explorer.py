"""The widget without a browser: what it holds, writes and refuses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import traitlets

import ireelab as il
from ireelab.errors import CompileError, InvalidInput, IreelabError
from ireelab.viz import html
from ireelab.widgets.explore import explore
from ireelab.widgets.explorer import Explorer

INDEX = gzip.compress(json.dumps({"schema": 1, "name": "<m>", "steps": []}).encode())


def test_what_is_shown_as_data() -> None:
    assert Explorer().to_json() == {}
    assert Explorer(INDEX).to_json()["name"] == "<m>"


def test_showing_something_starts_anew() -> None:
    explorer = Explorer(progress={"state": "compiling", "count": 3})
    explorer.selection = {"step": 4}
    explorer.show(il.compile(SOURCE, name="f.mlir", until="abi"))
    assert explorer.progress == {}
    assert explorer.selection["step"] is None
    assert explorer.to_json()["name"] == "f"


def test_the_page_is_titled_after_the_module(tmp_path: Path) -> None:
    path = Explorer(INDEX).save_html(tmp_path / "page.html")
    text = path.read_text()
    assert "<title>&lt;m&gt; · ireelab</title>" in text
    assert "<title>mine</title>" in Explorer(INDEX).save_html(path, title="mine").read_text()


@pytest.mark.parametrize("trait", [{"theme": "blue"}, {"height": 10}])
def test_impossible_settings_are_refused(trait: dict[str, object]) -> None:
    with pytest.raises(traitlets.TraitError):
        Explorer(**trait)  # pyright: ignore[reportArgumentType]


def test_a_missing_bundle_says_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "STATIC", tmp_path)
    with pytest.raises(IreelabError, match=r"pip install -e \."):
        html.render_html(INDEX, b"", title="x")


def test_code_cannot_end_its_element(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "widget.css").write_text('a::before{content:"</STYLE><b>"}')
    (tmp_path / "standalone.js").write_text('const s = "</script><!--";')
    monkeypatch.setattr(html, "STATIC", tmp_path)
    page = html.render_html(INDEX, b"", title="x")
    assert page.lower().count("</style") == 1
    assert page.count("</script") == 3
    assert "<!--" not in page


SOURCE = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> { return %x : tensor<4xf32> }"


def test_source_traces_and_programs_are_explored() -> None:
    trace = il.compile(SOURCE, name="f.mlir")
    record = explore(trace, il.run(trace, "f", np.ones(4, np.float32), profile=True)).to_json()
    assert [step["name"] for step in record["steps"]] == [step.name for step in trace.steps]
    assert record["run"]["outputs"] == [{"dtype": "f32", "shape": [4], "values": [1.0] * 4}]
    assert {"dispatches", "executions", "edges"} <= set(record["stream"])
    assert {"transient_bytes", "lower_bound_bytes", "slices"} <= set(record["allocation"])
    assert {"emitted", "needed", "hazards"} <= set(record["barriers"])
    assert len(explore(SOURCE).to_json()["steps"]) == len(trace.steps)
    program = il.load(trace.program.to_bytes())
    (listing,) = explore(program, height=400).to_json()["steps"]
    assert listing["name"] == "disassembly"


def test_a_failure_is_explored_and_one_without_a_trace_is_raised() -> None:
    shown = explore(SOURCE.replace("return %x", "return %y")).to_json()
    assert shown["state"] == "failed"
    assert "%y" in shown["error"]["diagnostics"][0]["source_line"]
    with pytest.raises(CompileError, match="nowhere"):
        explore(CompileError("nowhere"))


def test_what_is_compared_comes_along_once() -> None:
    trace = il.compile(SOURCE, name="f.mlir", until="abi")
    other = il.compile(SOURCE, name="f.mlir", until="input")
    index = json.loads(gzip.decompress(explore(trace, compare=other, labels=("x", "y")).index))
    alone = json.loads(gzip.decompress(explore(trace).index))
    assert index["compared"]["labels"] == ["x", "y"]
    (side,) = index["compared"]["sides"]
    assert len(side["steps"]) == len(other.steps)
    assert len(index["compared"]["rows"]) == len(trace.steps), "the other has fewer of the same"
    # Equal texts are sent once: the other's steps are nodes that are there already.
    assert all(step["after"] < len(alone["nodes"]) for step in side["steps"])
    assert alone["compared"] is None
    with pytest.raises(InvalidInput, match="different labels"):
        explore(trace, compare=[other, other], labels=("x",))
