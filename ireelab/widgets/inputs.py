"""The inputs that the Run pane sends, as texts, one for each argument.

- nothing: made-up values
- ``8x64xf32=1``, ``2x2xi32=1 2 3 4``, ``@x.npy``, a number: as IREE's tools write them
- ``run 2``: what this argument was in run 2 of the explorer
- ``x``: the value of a variable of the notebook

A page is no place to run Python from: a name is looked up, and nothing is evaluated.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ireelab.array_text import parse_input
from ireelab.errors import InvalidInput
from ireelab.program import Function
from ireelab.vm.example_inputs import example_inputs

_RUN = re.compile(r"run (\d+)")

Earlier = Mapping[int, Sequence[Any]]
"""The inputs of earlier runs, by their number."""


def read_inputs(texts: Sequence[str], function: Function, earlier: Earlier) -> list[Any]:
    """One value for each text, which there is one of for each argument of ``function``.

    Raises:
        InvalidInput: a text means nothing; it is named, with its argument.
    """
    texts = [text.strip() for text in texts]
    if len(texts) != len(function.arguments):
        raise InvalidInput(
            f"@{function.name} takes {len(function.arguments)} inputs, not {len(texts)}"
        )
    given = [i for i, text in enumerate(texts) if text]
    made_up = iter(example_inputs(function, given=given))
    return [_read(i, text, earlier) if text else next(made_up) for i, text in enumerate(texts)]


def _read(index: int, text: str, earlier: Earlier) -> Any:
    run = _RUN.fullmatch(text)
    if run is not None:
        return _of_run(index, int(run[1]), earlier)
    if text.isidentifier() and text in (names := _notebook()):
        return _array(index, text, names[text])
    try:
        values = parse_input(text)
    except InvalidInput as error:
        raise InvalidInput(f"input {index}: {error}{_unevaluated(text)}") from None
    except OSError as error:
        raise InvalidInput(f"input {index}: cannot read {text}: {error.strerror}") from None
    if len(values) != 1:
        raise InvalidInput(f"input {index}: {text} holds {len(values)} arrays; one was expected")
    return values[0]


def _of_run(index: int, number: int, earlier: Earlier) -> Any:
    inputs = earlier.get(number)
    if inputs is None or index >= len(inputs):
        raise InvalidInput(f"input {index}: there is no such input of run {number}")
    return inputs[index]


def _notebook() -> Mapping[str, Any]:
    """The notebook's variables; none outside of IPython."""
    if "IPython" not in sys.modules:
        return {}
    from IPython import get_ipython

    shell: Any = get_ipython()
    return {} if shell is None else shell.user_ns


def _array(index: int, name: str, value: object) -> Any:
    if isinstance(value, np.ndarray | int | float):
        return value  # pyright: ignore[reportUnknownVariableType]
    if hasattr(value, "__array__"):
        return np.asarray(value)
    raise InvalidInput(f"input {index}: {name} is a {type(value).__name__}, not an array")


def _unevaluated(text: str) -> str:
    return (
        "; Python is not evaluated here: assign it to a variable in a cell, and write its name"
        if re.search(r"[(.]", text) and not text.startswith("@")
        else ", or the name of a variable of the notebook"
    )
