"""MLIR's printed diagnostics, read back."""

from __future__ import annotations

from ireelab.pipeline.diagnostics import parse_diagnostics

TEXT = """\
bad.mlir:2:3: error: type of return operand 0 doesn't match
  return %a : tensor<4xf32>
  ^
bad.mlir:2:3: note: see current operation: "func.return"(%arg0) : (tensor<4xf32>) -> ()
<unknown>:0: error: failed to run translation
loc(fused["a", "b"]): error: no position
a warning-free line
other.mlir:7:11: warning: odd
"""


def test_position_source_line_and_notes() -> None:
    first = parse_diagnostics(TEXT)[0]
    assert (first.file, first.line, first.column) == ("bad.mlir", 2, 3)
    assert first.severity == "error"
    assert first.source_line == "  return %a : tensor<4xf32>"
    assert first.notes[0].message.startswith("see current operation")
    assert first.render().splitlines()[2].index("^") == 2 + 3 - 1, "the caret stands at column 3"


def test_errors_without_a_position_are_kept() -> None:
    found = parse_diagnostics(TEXT)
    assert [d.severity for d in found] == ["error", "error", "error", "warning"]
    assert "no position" in found[2].message


def test_paths_with_colons_and_no_diagnostics_at_all() -> None:
    assert parse_diagnostics("C:\\x\\a.mlir:3:4: error: no\n")[0].line == 3
    assert parse_diagnostics("all is well\n") == ()
