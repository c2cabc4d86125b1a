"""Rows of text as aligned lines."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["aligned"]


def aligned(rows: Sequence[Sequence[str]], *, rule: bool = True) -> list[str]:
    """One line per row, columns aligned to the left.

    Args:
        rows: Cells, equally many in each row.
        rule: Whether a rule stands under the first row.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if rule:
        lines.insert(1, "  ".join("─" * width for width in widths))
    return lines
