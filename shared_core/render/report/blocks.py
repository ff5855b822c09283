"""Pieces that sections of the page are made of: facts, tables, stacks, shares."""

from __future__ import annotations

from typing import Iterable, List, Optional, Sequence, Tuple

from ...commands.views import StackView
from ...errors import Absent
from ...runtime.frames import Place, SourceFrame, display_name, is_user_frame
from ..frames import args_text
from ..table import Column
from .markup import Content, Markup, join, tag

_FILTERED_FROM = 8  # rows: fewer are seen at a glance


def section(key: str, title: str, *content: Content, note: Content = None) -> Markup:
    head = tag("header", tag("h2", title), tag("p", note, class_="note") if note else None)
    return tag("section", head, *content, id=key)


def missing(why: Absent) -> Markup:
    """What stands in the place of a part that could not be had."""
    return tag("p", "Not available: ", why.detail or why.kind, class_="missing")


def facts(rows: Iterable[Tuple[str, Content]]) -> Markup:
    """(what, value); rows without a name go on with the one before."""
    found: List[Content] = []
    for name, value in rows:
        found.append(tag("dt", name.strip(), class_="sub" if name.startswith(" ") else None) if name else None)
        found.append(tag("dd", value, class_=None if name else "more"))
    return tag("dl", *found)


def plain_table(name: str, columns: Sequence[Column], rows: Sequence[Sequence[Content]], note: str = "") -> Markup:
    """A table that can be sorted and, where that is worth it, searched. name: what it is called to a reader."""
    # A column with nothing in it takes room from the others.
    used = [at for at in range(len(columns)) if any(row[at] for row in rows)]
    columns, rows = [columns[at] for at in used], [[row[at] for at in used] for row in rows]
    numeric = [column.align == "right" for column in columns]
    head = [_title(column.title, right) for column, right in zip(columns, numeric)]
    body = [
        tag("tr", *[tag("td", cell, class_="n" if right else None) for cell, right in zip(row, numeric)])
        for row in rows
    ]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="sortable", aria_label=name)
    search = None
    if len(rows) >= _FILTERED_FROM:
        search = tag("input", type="search", class_="filter", placeholder="Filter", aria_label=f"Filter {name}")
    return tag(
        "div", search, tag("div", table, class_="wide"), tag("p", note, class_="note") if note else None,
        class_="tabled",
    )  # fmt: skip


def _title(title: str, right: bool) -> Markup:
    shown = title.capitalize() if title.isupper() and len(title) > 2 else title
    return tag("th", shown, scope="col", class_="n" if right else None)


def place(found: Optional[Place]) -> Markup:
    """A function and where it stands, the whole path on demand."""
    if found is None:
        return join("")
    tail = "/".join(found.file.split("/")[-2:])
    return tag(
        "span", tag("code", display_name(found.function)), " ", tag("small", f"{tail}:{found.line}"),
        class_="place", title=f"{found.file}:{found.line}",
    )  # fmt: skip


def maybe_place(found: object) -> Markup:
    """The same, or a question mark with why it is not known."""
    if isinstance(found, Place):
        return place(found)
    return tag("span", "?", title=getattr(found, "detail", ""))


def stack(view: StackView, args: bool = False, more: bool = False) -> Markup:
    """Frames from the innermost out; those of the runtime stand back."""
    frames = [_frame(frame, args) for frame in view.frames]
    end = tag("li", "stopped: ", view.problem, class_="end") if view.problem else None
    end = tag("li", "more frames follow", class_="end") if more else end
    return tag("ol", *frames, end, class_="stack")


def _frame(frame: SourceFrame, args: bool) -> Markup:
    shown = tag("span", "(", args_text(frame), ")", class_="args") if args else None
    name = tag("code", display_name(frame.function), shown)
    note = tag("small", " inlined") if frame.inlined else None
    where = tag("span", f"{frame.file}:{frame.line}", class_="file")
    return tag("li", name, note, where, class_=None if is_user_frame(frame.function) else "runtime")


def meter(share: float, kind: str = "") -> Markup:
    """A bar of so many parts of one; an SVG, since the page's policy allows no style attributes."""
    width = f"{max(0.0, min(1.0, share)) * 100:.2f}%"
    bar = tag("rect", width=width, height="100%", class_=f"fill {kind}".strip())
    return tag("svg", bar, class_="meter", aria_hidden="true")


def badge(text: str, kind: str = "") -> Markup:
    return tag("span", text, class_=f"badge {kind}".strip())


def ids(found: Sequence[int], most: int = 8) -> Markup:
    """Goroutines by their ids."""
    shown = ", ".join(map(str, found[:most]))
    return tag("span", shown + (", …" if len(found) > most else ""), class_="ids")


def percent(part: int, whole: int) -> str:
    """ "12.5%"; "<0.1%" for what is little, and not nothing."""
    if not whole:
        return ""
    return "<0.1%" if 0 < part < whole / 2000 else f"{100 * part / whole:.1f}%"


def plural(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
