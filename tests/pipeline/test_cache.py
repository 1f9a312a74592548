"""Compilations kept on disk: a hit is the same trace; a cache in trouble costs no compilation."""

from __future__ import annotations

from pathlib import Path

import pytest

import ireelab
from ireelab import lab
from ireelab.pipeline.cache import cache_folder, cache_key, keep_trace

SOURCE = ireelab.examples.path("elementwise")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("IREELAB_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ireelab"


def test_a_hit_is_the_same_compilation(folder: Path) -> None:
    first = ireelab.compile(SOURCE, until="abi", cache=True)
    again = ireelab.compile(SOURCE, until="abi", cache=True)
    assert (first.cached, again.cached) == (False, True)
    assert again.steps == first.steps
    assert again.ir(-1, module=True) == first.ir(-1, module=True)
    assert "from the cache" in repr(again)
    assert len(list(folder.glob("*.iltrace"))) == 1
    assert not ireelab.compile(
        SOURCE, until="abi", flags=["--iree-opt-level=O1"], cache=True
    ).cached


def test_a_damaged_entry_is_compiled_again(folder: Path) -> None:
    ireelab.compile(SOURCE, until="abi", cache=True)
    (entry,) = folder.glob("*.iltrace")
    entry.write_bytes(entry.read_bytes()[:100])
    assert not ireelab.compile(SOURCE, until="abi", cache=True).cached
    assert ireelab.compile(SOURCE, until="abi", cache=True).cached


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="compiled without the cache"):
        assert ireelab.compile(SOURCE, until="abi", cache=True).complete


def test_the_oldest_goes_first(
    folder: Path, mlp_trace: ireelab.Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_trace("a", mlp_trace)
    size = (cache_folder() / "a.iltrace").stat().st_size
    monkeypatch.setenv("IREELAB_CACHE_SIZE", str(size * 2 + 10))
    keep_trace("b", mlp_trace)
    keep_trace("c", mlp_trace)
    assert {path.stem for path in folder.glob("*.iltrace")} == {"b", "c"}
    monkeypatch.setenv("IREELAB_CACHE_SIZE", "10")
    keep_trace("d", mlp_trace)
    assert not (folder / "d.iltrace").exists()


def test_keys_tell_flags_apart() -> None:
    assert cache_key("text", ["a"]) == cache_key("text", ["a"])
    assert cache_key("text", ["a", "b"]) != cache_key("text", ["a"], "b")


def test_lab_pipelines_are_cached_by_their_steps(folder: Path) -> None:
    def compiled(pipeline: lab.Pipeline | str, **options: str) -> bool:
        return ireelab.compile(
            SOURCE, pipeline=pipeline, until="verify-input", cache=True, **options
        ).cached

    assert [compiled("lab"), compiled("lab"), compiled(lab.pipeline())] == [False, True, True]
    changed = lab.insert_before("verify-input", "canonicalize{top-down=true}", called="mine")
    assert [compiled(changed), compiled(changed)] == [False, True]
    other = changed.options("mine", max_iterations=3)
    assert [compiled(other), compiled(other)] == [False, True]
    rude = lab.insert_before("verify-input", lambda module, options: None, called="mine")
    assert [compiled(rude), compiled(rude)] == [False, False]
    assert not ireelab.compile(SOURCE, until="abi", pipeline="lab", cache=True).cached
