"""What users get from pip: one wheel that holds the bundle of the widget, examples, notebooks."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built as pip builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, REPOSITORY],
        check=True,
    )
    (built,) = folder.glob("ireelab-*.whl")
    return built


def test_the_wheel_holds_what_it_needs_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    bundle = [name for name in names if name.startswith("ireelab/widgets/static/")]
    assert any(name.endswith(".js") for name in bundle), bundle
    assert "ireelab/_examples/transformer.mlir" in names
    assert "ireelab/_notebooks/00_tour.ipynb" in names
    assert "ireelab/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    stray = [
        name for name in names if not name.startswith(("ireelab/", "ireelab-")) or "test" in name
    ]
    assert stray == []


def test_the_wheel_works_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own and without dependencies, which a lazy import does not need."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv/bin/python"
    site = next((tmp_path / "venv/lib").glob("python*/site-packages"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel],
        check=True,
    )
    program = """
import sys, ireelab, ireelab.cli.notebook as notebook
from pathlib import Path
print(Path(ireelab.__file__).parent.parent)
assert notebook.tour().read_text().startswith("{")
assert list((Path(ireelab.__file__).parent / "widgets/static").glob("*.js"))
"""
    ran = subprocess.run(
        [python, "-I", "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert Path(ran.stdout.strip()).resolve() == site.resolve()
    assert (tmp_path / "ireelab-notebooks/00_tour.ipynb").is_file()


HEAVY = (
    "iree",
    "llvmlite",
    "numpy",
    "IPython",
    "ipywidgets",
    "anywidget",
    "vulkan",
)


def test_import_is_light() -> None:
    """``import ireelab`` and ``ireelab --help`` load none of the libraries that take time."""
    program = (
        "import sys, ireelab, ireelab.cli, json;"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, check=True, capture_output=True, text=True
    ).stdout
    assert [name for name in HEAVY if f'"{name}"' in shown] == []


def test_every_public_name_exists() -> None:
    import ireelab

    for name in ireelab.__all__:
        assert getattr(ireelab, name) is not None
    assert set(ireelab.__all__) <= set(dir(ireelab))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ireelab.nothing
