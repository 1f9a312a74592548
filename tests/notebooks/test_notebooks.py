"""The notebooks run from the first cell to the last, and are committed without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_there_is_a_tour() -> None:
    assert "00_tour.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path: Path, tmp_path: Path) -> None:
    """In an empty folder: a notebook needs nothing but an installed ireelab."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    shown = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output
    ]
    widgets = [o for o in shown if "application/vnd.jupyter.widget-view+json" in o["data"]]
    assert widgets, "no view was displayed"


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.stem != "00_tour"], ids=lambda path: path.stem
)
def test_ends_with_an_exercise_and_its_folded_solution(path: Path) -> None:
    exercise, solution, code = nbformat.read(path, as_version=4).cells[-3:]
    assert exercise.source.startswith("## Exercise\n")
    assert solution.source.startswith("<details><summary>Solution</summary>\n\n")
    assert solution.source.endswith("\n\n</details>")
    assert code.cell_type == "code"
    assert code.metadata["jupyter"]["source_hidden"]
