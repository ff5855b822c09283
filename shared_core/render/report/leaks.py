"""The page's section on goroutines that look abandoned."""

from __future__ import annotations

from ...analysis.leaks import CERTAIN, Leak
from ...commands.leaks import LeakList
from ..things import Things
from ..times import duration
from .blocks import badge, ids, maybe_place, plural, section
from .markup import Content, Markup, tag


def leaks_section(body: LeakList) -> Markup:
    weaker = sum(len(leak.waits) for leak in body.weaker)
    less = f"{plural(weaker, 'goroutine')} less sure, not shown: go-leaks --sure possible" if weaker else ""
    if not body.groups:
        return section("leaks", "Leaks", tag("p", "No goroutine looks abandoned.", class_="calm"), note=less)
    things = Things(body.waits)
    cards = [_card(leak, body, things) for leak in body.leaks]
    left = body.groups - len(body.leaks)
    more = tag("p", f"{plural(left, 'more group')}: go-leaks", class_="note") if left else None
    note = f"{plural(body.goroutines, 'goroutine')} in {plural(body.groups, 'group')} look abandoned"
    return section(
        "leaks", "Leaks", tag("div", *cards, class_="cards"), more, note=note + (f"; {less}" if less else "")
    )


def _card(leak: Leak, body: LeakList, things: Things) -> Markup:
    first = leak.waits[0]
    others = len({id(wait.thing) for wait in leak.waits}) - 1
    what = things.text(first) + (f", and {others:,} more like it" if others else "")
    started = body.starts.get(first.goroutine.raw.gopc)
    age = duration(leak.age)
    kind = "bad" if leak.sure == CERTAIN else "warn"
    evidence = [_evidence(each.sure, each.why, number, len(leak.waits)) for each, number in leak.evidence]
    rows: Content = [
        _row("blocked on", tag("code", what)),
        _row("called from", maybe_place(leak.caller)),
        _row("started by", maybe_place(started)) if started is not None else None,
        _row("goroutines", ids([wait.goroutine.id for wait in leak.waits])),
    ]
    head = tag("p", tag("strong", f"{len(leak.waits):,}"), " ", badge(leak.sure, kind), " ", age, class_="head")
    return tag("article", head, tag("dl", rows), tag("ul", *evidence), class_=f"card {kind}")


def _row(name: str, value: Content) -> Content:
    return [tag("dt", name), tag("dd", value)]


def _evidence(sure: str, why: str, number: int, total: int) -> Markup:
    some = f" ({number:,} of {total:,})" if number < total else ""
    return tag("li", tag("em", sure), f": {why}{some}")
