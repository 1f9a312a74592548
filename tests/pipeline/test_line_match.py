"""Diffs: applied to one text they give the other; beside difflib they mark about as little."""

from __future__ import annotations

import difflib
import random

from ireelab import Trace
from ireelab.pipeline.diff import diff_nodes
from ireelab.pipeline.line_match import changes
from ireelab.pipeline.snapshot import NodeParser


def applied(old: list[str], new: list[str]) -> list[str]:
    """``old`` with the changes applied; what lies between two must be equal."""
    result: list[str] = []
    at = other = 0
    for i1, i2, j1, j2 in changes(old, new):
        assert old[at:i1] == new[other:j1]
        result += old[at:i1] + new[j1:j2]
        at, other = i2, j2
    assert old[at:] == new[other:]
    return result + old[at:]


def marked(old: list[str], new: list[str]) -> int:
    return sum(i2 - i1 + j2 - j1 for i1, i2, j1, j2 in changes(old, new))


def marked_by_difflib(old: list[str], new: list[str]) -> int:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    blocks = matcher.get_matching_blocks()
    return len(old) + len(new) - 2 * sum(block.size for block in blocks)


def edited(rng: random.Random, lines: list[str]) -> list[str]:
    result = list(lines)
    for _ in range(rng.randrange(8)):
        at = rng.randrange(len(result) + 1)
        if rng.random() < 0.5:
            result[at:at] = rng.choices("abcdefgh", k=rng.randrange(4))
        else:
            del result[at : at + rng.randrange(5)]
    return result


def test_applied_to_one_text_it_gives_the_other() -> None:
    rng = random.Random(1)
    total = total_of_difflib = 0
    for _ in range(400):
        old = rng.choices("abcdefghijkl"[: rng.randrange(1, 12)], k=rng.randrange(60))
        new = edited(rng, old) if rng.random() < 0.8 else rng.choices("abcxyz", k=30)
        assert applied(old, new) == new
        total += marked(old, new)
        total_of_difflib += marked_by_difflib(old, new)
    assert total < 1.05 * total_of_difflib


def test_a_layer_more_among_equal_layers_is_all_that_is_marked() -> None:
    layer = [f"%{i} = op.{i % 7}" for i in range(20)]
    old = ["begin", *layer * 48, "end"]
    assert marked(old, ["begin", *layer * 49, "end"]) == len(layer)
    first_of_each = [line for line in old if line != layer[0]]
    assert marked(old, first_of_each) == 48


def test_of_real_steps_it_marks_about_as_much_as_difflib(mlp_trace: Trace) -> None:
    total = total_of_difflib = 0
    steps = range(60, len(mlp_trace.steps), len(mlp_trace.steps) // 9)
    for a in steps:
        for b in steps:
            if a < b:
                texts = [mlp_trace.ir(step, module=True).splitlines() for step in (a, b)]
                assert applied(*texts) == texts[1]
                total += marked(*texts)
                total_of_difflib += marked_by_difflib(*texts)
    assert 0 < total < 1.02 * total_of_difflib


def test_renumbered_values_are_no_change_and_context_is_cut() -> None:
    def function(lines: list[str]) -> str:
        return "util.func @f() {\n" + "\n".join(f"  {line}" for line in lines) + "\n}\n"

    ops = [f"%{i} = arith.constant {i} : i32" for i in range(30)]
    shifted = [f"%{i + 1} = arith.constant {i} : i32" for i in range(30)]
    parser = NodeParser()
    old = parser.parse_dump(function([*ops, "util.return"]), root=False)
    new = parser.parse_dump(function(["%0 = new.op", *shifted, "util.end"]), root=False)
    (op,) = diff_nodes(old, new, before="a", after="b", context=2).ops
    assert list(op.lines) == [
        "  util.func @f() {",
        "+   %0 = new.op",
        "    %1 = arith.constant 0 : i32",
        "    %2 = arith.constant 1 : i32",
        "  ...",
        "    %29 = arith.constant 28 : i32",
        "    %30 = arith.constant 29 : i32",
        "-   util.return",
        "+   util.end",
        "  }",
    ]
    assert (op.added, op.removed) == (2, 1)
    assert not diff_nodes(old, old, before="a", after="b")
