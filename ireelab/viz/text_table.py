"""Plain text and HTML tables that models show themselves with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape


def text_table(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: Collection[int] = ()
) -> str:
    """Columns under headings; a column of numbers, and those in ``right``, align right.

    ``None`` reads ``dynamic``.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max(len(heading), *(len(row[column]) for row in cells), 0)
        for column, heading in enumerate(headings)
    ]
    numbers = [c in right or _numeric(rows, c) for c in range(len(headings))]
    lines = [
        "  ".join(
            text.rjust(width) if numeric else text.ljust(width)
            for text, width, numeric in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in [list(headings), *cells]
    ]
    return "\n".join(lines)


def html_table(
    caption: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Collection[int] = (),
) -> str:
    """The same as an HTML table that takes its colours from the page."""
    numbers = [c in right or _numeric(rows, c) for c in range(len(headings))]
    align = [
        'style="text-align:right"' if numeric else 'style="text-align:left"' for numeric in numbers
    ]
    head = "".join(f"<th {a}>{escape(h)}</th>" for a, h in zip(align, headings, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td {a}>{escape(_cell(v))}</td>" for a, v in zip(align, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(value: object) -> str:
    if value is None:
        return "dynamic"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _numeric(rows: Sequence[Sequence[object]], column: int) -> bool:
    return bool(rows) and all(row[column] is None or isinstance(row[column], int) for row in rows)
