"""Which models a notebook shows as panes: IPython finds them by module and name."""

from __future__ import annotations

from importlib import import_module

import pytest

from ireelab.widgets.display import VIEWS


@pytest.mark.parametrize(("module", "name"), [(view.module, view.type) for view in VIEWS])
def test_models_are_defined_where_they_are_looked_for(module: str, name: str) -> None:
    model = getattr(import_module(module), name)
    assert (model.__module__, model.__name__) == (module, name)
