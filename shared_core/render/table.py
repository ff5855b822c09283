"""Tables in plain text: a line of titles, two blanks between columns, no rules, no trailing blanks."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import List, NamedTuple, Sequence, Tuple

from .escape import escape, width

# tabulate 0.9 takes 1.2 s for 100,000 rows of 6 cells (Python 3.11), `by_width` 0.1 s.
_MANY = 1000
_GAP = "  "


class Column(NamedTuple):
    """A column's title, and "left" or "right"."""

    title: str
    align: str = "left"


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """The table as text, each line ended by a newline; cells are stripped, and escaped if not printable."""
    lines = _clean([[column.title for column in columns], *rows])
    if len(lines) > _MANY or len(lines) == 1 or not _all_ascii(lines):
        return by_width(columns, lines)
    return by_tabulate(columns, lines)


def crowd(columns: Sequence[Column], rows: Sequence[Tuple[str, Tuple[str, ...]]], footer: str = "") -> str:
    """The same for rows given as (first cell, other cells), of which many have equal other cells; then the footer."""
    if len(rows) <= _MANY:
        return table(columns, [(head, *tail) for head, tail in rows]) + footer
    title, *titles = [column.title for column in columns]
    tails = list(dict.fromkeys([tail for _, tail in rows]))
    last, *padded = _padded(columns[1:], _clean([titles, *tails]))
    known = {tail: f"{_GAP}{line}".rstrip() + "\n" for tail, line in zip(tails, padded)}
    first, *heads = _padded(columns[:1], _clean([(title,), *[(head,) for head, _ in rows]]))
    if "\n" in known.values():
        heads = [head if any(tail) else head.rstrip() for head, (_, tail) in zip(heads, rows)]
    # Not line by line: a million of them would be as large once more as the text.
    pieces = chain.from_iterable(zip(heads, map(known.__getitem__, map(itemgetter(1), rows))))
    return "".join(chain([f"{first}{_GAP}{last}".rstrip(), "\n"], pieces, [footer]))


def _clean(lines: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    # Asked of all cells at once: one by one it costs as much as the rest of a long table.
    joined = "|".join(chain.from_iterable(lines))
    if not joined.isprintable():
        lines = [[escape(cell) for cell in line] for line in lines]
        joined = ""
    if not joined or " |" in joined or "| " in joined or joined[0] == " " or joined[-1] == " ":
        lines = [list(map(str.strip, line)) for line in lines]
    return lines


def _all_ascii(lines: Sequence[Sequence[str]]) -> bool:
    """tabulate counts characters; columns of a terminal are counted by `width`."""
    return "".join(chain.from_iterable(lines)).isascii()


def by_tabulate(columns: Sequence[Column], lines: Sequence[Sequence[str]]) -> str:
    """Through tabulate; the titles are a row like the others, since it pads real headers by two more blanks."""
    from tabulate import tabulate

    aligns = [column.align for column in columns]
    text = tabulate(lines, tablefmt="plain", disable_numparse=True, colalign=aligns)
    return "".join(line.rstrip() + "\n" for line in text.split("\n"))


def by_width(columns: Sequence[Column], lines: Sequence[Sequence[str]]) -> str:
    """The same by a format string over widths found first."""
    return "".join([line.rstrip() + "\n" for line in _padded(columns, lines)])


def _padded(columns: Sequence[Column], lines: Sequence[Sequence[str]]) -> List[str]:
    ascii_only = _all_ascii(lines)
    widths = [max(map(len if ascii_only else width, cells)) for cells in zip(*lines)]
    if ascii_only:
        form = _GAP.join(_form(column, size) for column, size in zip(columns, widths))
        return [form % tuple(line) for line in lines]
    return [_padded_line(columns, widths, line) for line in lines]


def _form(column: Column, size: int) -> str:
    return f"%{size}s" if column.align == "right" else f"%-{size}s"


def _padded_line(columns: Sequence[Column], widths: Sequence[int], line: Sequence[str]) -> str:
    cells = []
    for column, size, cell in zip(columns, widths, line):
        blanks = " " * (size - width(cell))
        cells.append(blanks + cell if column.align == "right" else cell + blanks)
    return _GAP.join(cells)
