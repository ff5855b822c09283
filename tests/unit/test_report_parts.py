"""Parts of a report that no target is needed for: markup, the tree of stacks, the drawing of a graph."""

from __future__ import annotations

import re
from typing import List

from shared_core.export.flame import MOST_DEPTH, flame
from shared_core.export.samples import Line, Sample, Samples, Spot
from shared_core.render.report.graph import Box, Edge, draw
from shared_core.render.report.markup import Markup, join, tag


def samples(*stacks: str) -> Samples:
    """Each "root;...;leaf COUNT"."""
    found: List[Sample] = []
    for stack in stacks:
        names, count = stack.rsplit(" ", 1)
        spots = [Spot(1, (Line(name, "/src/a.go", len(name), 0),)) for name in reversed(names.split(";"))]
        found.append(Sample(tuple(spots), int(count), ()))
    return Samples(found, sum(each.goroutines for each in found), 0, 0)


def drawn(found: Samples, most: int = 100) -> List[str]:
    return [f"{cell.depth} {cell.name} {cell.count}" for cell in flame(found, most).preorder()]


def test_text_is_escaped_once_and_markup_is_not() -> None:
    made = tag("p", "<b>&\x1b", [1, tag("i", "'\"")], title='"><script>', hidden=True, class_=None)
    expected = '<p title="&quot;&gt;&lt;script&gt;" hidden>&lt;b&gt;&amp;\\x1b1<i>&#x27;&quot;</i></p>'
    assert made == expected and isinstance(join(made, None), Markup)


def test_stacks_are_merged_from_the_root() -> None:
    found = samples("main;serve;read 3", "main;serve;write 5", "main 1", "other;read 2")
    assert drawn(found) == ["1 main 9", "2 serve 8", "3 write 5", "3 read 3", "1 other 2", "2 read 2"]


def test_a_function_that_calls_itself_is_one() -> None:
    (whole,) = flame(samples("f;f;f;g 2", "f;g 1")).root.children
    assert (whole.name, whole.count, whole.repeated) == ("f", 3, True)
    assert [(cell.name, cell.count) for cell in whole.children] == [("g", 3)]


def test_the_widest_are_kept_and_the_rest_is_counted() -> None:
    found = samples(*(f"main;f{number};g {number}" for number in range(1, 30)))
    tree = flame(found, 10)
    cells = list(tree.preorder())
    assert tree.cells == len(cells) == 10 and cells[0].count == sum(range(1, 30))
    kept = [cell.count for cell in cells if cell.depth == 2]
    assert kept == sorted(kept, reverse=True) and cells[0].left == cells[0].count - sum(kept)


def test_depth_is_bounded() -> None:
    deep = ";".join("ab"[number % 2] for number in range(5 * MOST_DEPTH))
    assert max(cell.depth for cell in flame(samples(f"{deep} 1")).preorder()) == MOST_DEPTH


def places(text: str) -> List[List[int]]:
    return [
        list(map(int, found)) for found in re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', text)
    ]


def test_boxes_do_not_overlap_and_cycles_end() -> None:
    names = [f"n{number}" for number in range(12)]
    boxes = {name: Box([name, "<&>"], "thing") for name in names}
    pairs = [(0, 1), (1, 2), (2, 0), (3, 1), (4, 5), (5, 4), (6, 6), (7, 8), (8, 9), (10, 9)]
    text = draw(boxes, [Edge(names[a], names[b], "wait", "bad") for a, b in pairs], "graph")
    found = places(text)
    assert len(found) == 12 and "<&>" not in text
    for number, (x, y, width, height) in enumerate(found):
        for other in found[number + 1 :]:
            apart = (
                other[0] >= x + width or x >= other[0] + other[2] or other[1] >= y + height or y >= other[1] + other[3]
            )
            assert apart
