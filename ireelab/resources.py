"""Files that come with ireelab: the example programs and the notebooks.

In a checkout (and an editable install) they are the folders ``examples`` and ``notebooks``
beside the package; in an installed wheel they are in ``ireelab/share``.
"""

from __future__ import annotations

from pathlib import Path

from ireelab.errors import IreelabError

_PACKAGE = Path(__file__).resolve().parent


def folder(kind: str) -> Path:
    """The folder of the ``"examples"`` or the ``"notebooks"``.

    Raises ``IreelabError`` in an installation that has neither form of it.
    """
    for candidate in (_PACKAGE / "share" / kind, _PACKAGE.parent / kind):
        if candidate.is_dir():
            return candidate
    raise IreelabError(f"this installation of ireelab has no {kind}: {_PACKAGE / 'share' / kind}")


def example(name: str) -> Path:
    """The path of an example program: ``il.example("mlp")`` or ``il.example("mlp.mlir")``.

    Raises ``IreelabError`` for an unknown name; the message lists the known ones.
    """
    examples = folder("examples")
    path = examples / (name if name.endswith(".mlir") else f"{name}.mlir")
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in examples.glob("*.mlir")))
        raise IreelabError(f"no example named {name!r}; there are: {known}")
    return path
