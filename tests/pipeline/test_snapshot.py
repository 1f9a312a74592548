"""The Merkle tree of IR: splitting, sharing, putting together again."""

from __future__ import annotations

from ireelab.pipeline.snapshot import NodeParser

MODULE = """module @m attributes {a = @dev} {
  util.global private mutable @g = 1 : i32
  hal.executable private @exe {
    hal.executable.variant public @cpu target(<"llvm-cpu", "x">) {
      hal.executable.export public @entry ordinal(0) count(%d: !hal.device) -> index {
        %c1 = arith.constant 1 : index
        hal.return %c1 : index
      }
      builtin.module {
        func.func @entry() {
          %0 = arith.constant 1 : i32
          return
        }
      }
    }
  }
  util.func public @main(%arg0: i32) -> i32 {
    %0 = arith.addi %arg0, %arg0 : i32
    cf.br ^bb1
  ^bb1:  // pred: ^bb0
    util.return %0 : i32
  }
}
"""


def test_text_comes_back_as_it_was() -> None:
    assert NodeParser().parse_dump(MODULE, root=True).text() == MODULE


def test_ops_are_split_by_symbol_down_to_functions() -> None:
    module = NodeParser().parse_dump(MODULE, root=True)
    assert [child.name for child in module.children] == [
        "util.global @g",
        "hal.executable @exe",
        "util.func @main",
    ]
    variant = module.children[1].children[0]
    assert variant.name == "hal.executable.variant @cpu"
    assert [child.name for child in variant.children] == [
        "hal.executable.export @entry",
        "builtin.module",
    ]
    assert not module.children[2].children, "a function is a leaf, blocks and all"


def test_a_function_printed_alone_is_the_node_in_its_module() -> None:
    parser = NodeParser()
    module = parser.parse_dump(MODULE, root=True)
    alone = (
        "module {\n  func.func @entry() {\n    %0 = arith.constant 1 : i32\n    return\n  }\n}\n"
    )
    assert parser.parse_dump(alone, root=False) is module.children[1].children[0].children[1]


def test_replacing_a_child_shares_the_rest() -> None:
    parser = NodeParser()
    module = parser.parse_dump(MODULE, root=True)
    new = parser.parse_dump("util.global private mutable @g = 2 : i32", root=False)
    changed = parser.with_child(module, 0, new)
    assert changed.text() == MODULE.replace("@g = 1", "@g = 2")
    assert changed.children[1] is module.children[1]
    assert parser.with_child(changed, 0, module.children[0]) is module


def test_ops_are_counted_by_dialect() -> None:
    counts = NodeParser().parse_dump(MODULE, root=True).op_counts
    assert counts["arith"] == 3
    assert counts["hal"] == 4
    assert counts["cf"] == 1


def test_long_texts_are_compressed_and_come_back() -> None:
    body = "\n".join(f"  %{i} = arith.addi %a, %a : i32" for i in range(100))
    text = f"util.func @f(%a: i32) {{\n{body}\n  util.return\n}}\n"
    node = NodeParser().parse_dump(text, root=False)
    assert isinstance(node.packed, bytes)
    assert len(node.packed) < len(text) / 5
    assert node.text() == text


def test_a_replaced_child_changes_the_counts() -> None:
    parser = NodeParser()
    module = parser.parse_dump(MODULE, root=True)
    empty = parser.parse_dump("util.func public @main()", root=False)
    assert parser.with_child(module, 2, empty).op_counts["arith"] == 2


def test_attributes_over_several_lines_are_not_ops() -> None:
    text = """vm.module public @m {
  vm.rodata private @r <alignment = 64> #util.composite<64xi8, [
    dense<1> : tensor<2xi32>,
    dense<0> : vector<48xi8>,
]>
  vm.func private @f() {
    vm.return
  }
}"""
    module = NodeParser().parse_dump(text, root=False)
    assert [child.name for child in module.children] == ["vm.rodata @r", "vm.func @f"]
    assert "[dense<1> : tensor<2xi32>, dense<0> : vector<48xi8>,]>" in module.children[0].head


def test_dialect_resources_stay_at_the_end() -> None:
    text = (
        MODULE + '\n{-#\n  dialect_resources: {\n    builtin: {\n      a: "0x00"\n    }\n  }\n#-}\n'
    )
    module = NodeParser().parse_dump(text, root=True)
    assert len(module.children) == 3
    assert module.text() == text


def test_what_is_no_container_is_a_leaf() -> None:
    for text in ("", "}", "module", '"builtin.module"() ({\n}) : () -> ()', "garbage {\n  x\n}"):
        node = NodeParser().parse_dump(text, root=True)
        assert not node.children
        assert node.text() == text + "\n"
