"""What users get from pip: one wheel that holds the bundle of the widget, examples, notebooks."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy
import pytest

import ireelab
from ireelab.errors import explain_missing

REPOSITORY = Path(__file__).parents[1]
SQUARE = """func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


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


# --- ireelab-runtime: the same code, four dependencies ------------------------------------------

RUNTIME_PACKAGES = ("numpy", "ml_dtypes", "llvmlite", "vulkan", "cffi", "pycparser", "numpy.libs")
"""What ireelab-runtime depends on, and what those do."""


def dependencies(project: Path) -> set[str]:
    """The requirements of a pyproject.toml, as they stand there."""
    text = (project / "pyproject.toml").read_text()
    listed = text[text.index("\ndependencies = [") :]
    return set(re.findall(r'"([^"]+)"', listed[: listed.index("]")]))


def test_both_distributions_say_the_same() -> None:
    whole, runtime = dependencies(REPOSITORY), dependencies(REPOSITORY / "runtime")
    assert runtime < whole
    names = {re.split("[=<>]", each)[0] for each in whole - runtime}
    compiler = {"iree-base-compiler", "iree-base-runtime"}
    assert compiler <= names
    for missing in (names - compiler) | {"iree"}:
        assert explain_missing(ModuleNotFoundError(name=f"{missing}.part")) is not None
    assert explain_missing(ModuleNotFoundError(name="numpy")) is None
    versions = [
        re.findall(r'^version = "(.*)"', (folder / "pyproject.toml").read_text(), re.MULTILINE)
        for folder in (REPOSITORY, REPOSITORY / "runtime")
    ]
    assert versions[0] == versions[1] == [ireelab.__version__]


@pytest.fixture(scope="module")
def runtime_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with ireelab-runtime and what it depends on, nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder,
         REPOSITORY / "runtime"],
        check=True,
    )  # fmt: skip
    (built,) = folder.glob("ireelab_runtime-*.whl")
    venv.create(folder / "venv", with_pip=False)
    site = next((folder / "venv/lib").glob("python*/site-packages"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, built],
        check=True,
    )
    here = Path(numpy.__file__).parents[1]
    for name in RUNTIME_PACKAGES:
        if (here / name).exists():
            (site / name).symlink_to(here / name)
    for extension in here.glob("_cffi_backend*"):
        (site / extension.name).symlink_to(extension)
    return folder / "venv/bin/python"


@pytest.mark.parametrize("target", ["llvm-cpu", "vulkan"])
def test_programs_run_without_the_compiler(
    runtime_python: Path, target: str, tmp_path: Path
) -> None:
    if not any(d.driver == target and d.available for d in ireelab.devices()):
        pytest.skip(f"no {target} device")
    ireelab.compile(SQUARE, target=target).program.save(tmp_path / "square.vmfb")
    ran = subprocess.run(
        [runtime_python, "-I", "-m", "ireelab", "run", "square.vmfb", f"--device={target}",
         "--input=4xf32=1 2 3 4"],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1] == "4xf32=1 4 9 16"


@pytest.mark.parametrize("command", [("devices",), ("explore", "square.mlir")])
def test_what_the_runtime_does_without_is_named(
    runtime_python: Path, command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "square.mlir").write_text(SQUARE)
    ran = subprocess.run(
        [runtime_python, "-I", "-m", "ireelab", *command],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, "llvm-cpu" in ran.stdout) in ((0, True), (1, False))
    assert ran.returncode == 0 or "pip install ireelab)" in ran.stderr
    assert "Traceback" not in ran.stderr


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
    for name in ireelab.__all__:
        assert getattr(ireelab, name) is not None
    assert set(ireelab.__all__) <= set(dir(ireelab))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ireelab.nothing
