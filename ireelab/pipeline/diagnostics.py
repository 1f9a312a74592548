"""What MLIR wrote on standard error -> ``Diagnostic`` records.

The text is that of MLIR's ``SourceMgrDiagnosticHandler``: ``file:line:col: severity: message``,
the source line, a caret line, and notes of the same shape.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ireelab.errors import Diagnostic

_HEADER = re.compile(
    r"^(?:(?P<file>[^\n:]+(?::[^\n:0-9][^\n:]*)*):(?P<line>\d+):(?P<column>\d+): |"
    r"(?P<place><[^>]*>|loc\([^\n]*?\)|[^\s:]+)(?::\d+)?: )?"
    r"(?P<severity>error|warning|remark|note): (?P<message>.*)$"
)
_CARET = re.compile(r"^\s*\^[~^ ]*$")


@dataclass
class _Draft:
    severity: str
    file: str
    line: int
    column: int
    message: list[str]
    source_line: str = ""
    notes: list[_Draft] = field(default_factory=list["_Draft"])

    def freeze(self) -> Diagnostic:
        return Diagnostic(
            severity=self.severity,
            message="\n".join(self.message).rstrip(),
            file=self.file,
            line=self.line,
            column=self.column,
            source_line=self.source_line,
            notes=tuple(note.freeze() for note in self.notes),
        )


def parse_diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """Every diagnostic in ``text``, in order; notes hang under the diagnostic they follow.

    >>> parse_diagnostics("a.mlir:2:3: error: no\\n  %0 = x\\n  ^\\n")[0].column
    3
    """
    drafts: list[_Draft] = []
    current: _Draft | None = None
    lines = text.splitlines()
    for index, line in enumerate(lines):
        match = _HEADER.match(line)
        if match:
            current = _Draft(
                severity=match["severity"],
                file=match["file"] or match["place"] or "",
                line=int(match["line"] or 0),
                column=int(match["column"] or 0),
                message=[match["message"]],
            )
            if current.severity == "note" and drafts:
                drafts[-1].notes.append(current)
            else:
                drafts.append(current)
        elif current is not None and not current.source_line:
            if index + 1 < len(lines) and _CARET.match(lines[index + 1]):
                current.source_line = line
            elif not _CARET.match(line) and not _is_noise(line):
                current.message.append(line)
    return tuple(draft.freeze() for draft in drafts)


def _is_noise(line: str) -> bool:
    """Lines of LLVM's crash handler, which belong to no diagnostic."""
    return line.startswith(("Please report issues", "Stack dump", " #", "#")) or not line.strip()


def errors_of(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those that are errors."""
    return tuple(d for d in diagnostics if d.severity == "error")


def located(diagnostic: Diagnostic) -> str:
    """Its message behind its place."""
    place = f"{diagnostic.file}:{diagnostic.line}:{diagnostic.column}: " if diagnostic.line else ""
    return f"{place}{diagnostic.message}"
