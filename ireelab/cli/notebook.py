"""``ireelab notebook``: JupyterLab with the notebooks."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.cli.common import UsageError, add_command, existing_file

_PACKAGE = Path(__file__).resolve().parents[1]

if TYPE_CHECKING:
    from ireelab.cli.common import Commands


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "notebook",
        summary="open JupyterLab with the notebooks",
        examples="  ireelab notebook\n  ireelab notebook mine.ipynb -- --no-browser --port=9000",
    )
    parser.add_argument("file", nargs="?", help="the notebook to open (default: the tour)")
    parser.add_argument("jupyter", nargs="*", help="options for JupyterLab, after --")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise UsageError("JupyterLab is not installed: pip install 'jupyterlab>=4.2,<5'")
    file = existing_file(arguments.file) if arguments.file else tour()
    if file.suffix != ".ipynb":
        raise UsageError(f"{file} is no notebook (.ipynb)")
    command = [sys.executable, "-m", "jupyterlab", str(file), *arguments.jupyter]
    return subprocess.call(command)


def tour() -> Path:
    """The tour notebook, where it can be edited: in the checkout, or copied beside the user.

    An installed wheel keeps the notebooks in a folder that should not change, so they are copied
    to ``ireelab-notebooks`` in the current folder, without touching those already there.
    """
    checkout = _PACKAGE.parent / "notebooks"
    packaged = _PACKAGE / "_notebooks"
    if not packaged.is_dir():
        return checkout / "00_tour.ipynb"
    copy = Path("ireelab-notebooks")
    copy.mkdir(exist_ok=True)
    for notebook in sorted(packaged.glob("*.ipynb")):
        if not (copy / notebook.name).exists():
            shutil.copy(notebook, copy / notebook.name)
    return copy / "00_tour.ipynb"
