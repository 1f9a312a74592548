"""Reading MLIR's printed locations, compared with what MLIR's own parser makes of them."""

from __future__ import annotations

import pytest

from ireelab.pipeline.locations import (
    location_aliases,
    parse_location,
    split_location,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"m.py":3:8', ["m.py:3"]),
        ('"m.py":3:8 to :20', ["m.py:3"]),
        ('"m.py":3:8 to 4:20', ["m.py:3"]),
        ('"exp"("m.py":3:8)', ["m.py:3 (exp)"]),
        ('"outer"("inner"("m.py":3:8))', ["m.py:3 (inner)"]),
        ('"only a name"', ["only a name"]),
        ('"a \\" b":3:8', ['a \\" b:3']),
        ("unknown", []),
        ('callsite("f":1:2 at callsite("g":3:4 at "h":5:6))', ["f:1 < g:3 < h:5"]),
        ('callsite("f":1:2 at unknown)', ["f:1"]),
        ('callsite(unknown at "f":1:2)', []),
        ('fused["a":1:1, "b":2:2, "a":1:1]', ["a:1", "b:2"]),
        (
            'fused<{k = "x", v = [1, 2]}>["a":1:1, callsite("b":2:2 at "c":3:3)]',
            ["a:1", "b:2 < c:3"],
        ),
        ('callsite(fused["a":1:1, "b":2:2] at "c":3:3)', ["a:1 < c:3", "b:2 < c:3"]),
    ],
)
def test_chains(text: str, expected: list[str]) -> None:
    assert [" < ".join(map(str, chain)) for chain in parse_location(text)] == expected


def test_aliases_are_followed() -> None:
    module = 'module {\n} loc(#loc)\n#loc = loc(unknown)\n#loc1 = loc("m.py":7:3)\n'
    module += '#loc2 = loc("f"(#loc1))\n#loc3 = loc(callsite(#loc2 at #loc1))\n'
    aliases = location_aliases(module)
    assert [list(map(str, c)) for c in parse_location("#loc3", aliases)] == [
        ["m.py:7 (f)", "m.py:7"]
    ]
    assert parse_location("#loc", aliases) == ()
    assert parse_location("#loc9", aliases) == ()


@pytest.mark.parametrize(
    ("line", "plain", "own"),
    [
        ("  foo.bar", "  foo.bar", ""),
        ('  foo.bar loc("a)b":1:2)', "  foo.bar", '"a)b":1:2'),
        ('func(%a: i32 loc("f":1:2), %b: i32 loc(unknown)) {', "func(%a: i32, %b: i32) {", ""),
        (
            'x(%a: i32 loc("f":1:2)) loc(fused["a":1:1, "b":2:2])',
            "x(%a: i32)",
            'fused["a":1:1, "b":2:2]',
        ),
        ('foo.bar "say loc(it"', 'foo.bar "say loc(it"', ""),
    ],
)
def test_lines_are_split(line: str, plain: str, own: str) -> None:
    assert split_location(line) == (plain, own)


def test_mlir_prints_the_same_without_them() -> None:
    ir = pytest.importorskip("iree.compiler.ir")
    text = """func.func @f(%a: i32, %b: i32) -> i32 {
      %0 = arith.addi %a, %b : i32 loc(callsite("x"("a b":1:2) at fused["c":3:4, "d(":5:6]))
      return %0 : i32
    }"""
    module = ir.Module.parse(text, ir.Context())
    located = module.operation.get_asm(enable_debug_info=True, use_local_scope=True)
    plain = module.operation.get_asm(use_local_scope=True)
    split = [split_location(line) for line in located.splitlines()]
    assert [line for line, _ in split] == plain.splitlines()
    own = next(own for line, own in split if "arith.addi" in line)
    assert [" < ".join(map(str, chain)) for chain in parse_location(own)] == ["a b:1 (x) < c:3"]
