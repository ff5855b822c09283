"""A small directed graph drawn as SVG, from left to right: boxes in layers, edges that lead back below them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Sequence, Tuple

from .markup import Markup, join, tag

_WIDTH, _GAP, _SPACE = 256, 70, 14
_LINE, _PAD = 15, 9
_CHARS = 36  # of the page's 11 px monospace font in a box
_APART = 26  # between parts that nothing joins
_BELOW = 26  # a part, for the edges that lead back


@dataclass(eq=False)
class Box:
    """lines: the first stands out. kind: its class in the page's style. x, y: of its left upper corner, once placed."""

    lines: List[str]
    kind: str
    layer: int = -1
    x: int = 0
    y: int = 0
    out: List[str] = field(default_factory=list)

    @property
    def height(self) -> int:
        return _LINE * len(self.lines) + 2 * _PAD


class Edge(NamedTuple):
    start: str
    end: str
    label: str
    kind: str = ""


def draw(boxes: Dict[str, Box], edges: Sequence[Edge], name: str) -> Markup:
    """The whole as one SVG with its own size; boxes come in the order given, with what they are joined to."""
    for edge in edges:
        boxes[edge.start].out.append(edge.end)
    right = bottom = 0
    for part in _parts(boxes, edges):
        right, bottom = _place(boxes, part, edges, right, bottom + (_APART if bottom else 4))
        if any(edge.start in part and _leads_back(boxes, edge) for edge in edges):
            bottom += _BELOW
    bottom += 4
    arrow = tag("path", d="M0,0 L8,4 L0,8 z")
    marks = tag(
        "defs",
        *[
            tag("marker", arrow, id=f"tip{kind}", class_=f"tip {kind}".strip(), markerWidth=8, markerHeight=8, refX=8,
                refY=4, orient="auto", markerUnits="userSpaceOnUse")
            for kind in ("", "bad")
        ],
    )  # fmt: skip
    shapes = [*[_edge(boxes, edge) for edge in edges], *[_box(box) for box in boxes.values()]]
    return tag(
        "svg", tag("title", name), marks, *shapes, class_="graph", role="img", width=right + 8, height=bottom,
        viewBox=f"-4 0 {right + 8} {bottom}",
    )  # fmt: skip


def _parts(boxes: Dict[str, Box], edges: Sequence[Edge]) -> List[List[str]]:
    """What hangs together, in the order of the boxes."""
    near: Dict[str, List[str]] = {name: [] for name in boxes}
    for edge in edges:
        near[edge.start].append(edge.end)
        near[edge.end].append(edge.start)
    found, seen = [], set()
    for name in boxes:
        part, todo = [], [name]
        while todo:
            each = todo.pop()
            if each not in seen:
                seen.add(each)
                part.append(each)
                todo += near[each]
        if part:
            found.append([each for each in boxes if each in set(part)])
    return found


def _place(boxes: Dict[str, Box], part: List[str], edges: Sequence[Edge], right: int, top: int) -> Tuple[int, int]:
    """Gives the boxes of one part their places below `top`; how far the drawing goes to the right and down then."""
    _layer(boxes, part, edges)
    before: Dict[str, List[str]] = {name: [] for name in part}
    for name in part:
        for end in boxes[name].out:
            before[end].append(name)
    layers: Dict[int, List[str]] = {}
    for name in part:
        layers.setdefault(boxes[name].layer, []).append(name)
    tall = max(sum(boxes[n].height + _SPACE for n in names) - _SPACE for names in layers.values())
    for layer in sorted(layers):
        names = layers[layer]
        placed = {n: [boxes[b].y for b in before[n] if boxes[b].layer < layer] for n in names}
        names.sort(key=lambda n: sum(placed[n]) / len(placed[n]) if placed[n] else 0)
        y = top + (tall - sum(boxes[n].height + _SPACE for n in names) + _SPACE) // 2
        for name in names:
            box = boxes[name]
            box.x, box.y = layer * (_WIDTH + _GAP), y
            y += box.height + _SPACE
            right = max(right, box.x + _WIDTH)
    return right, top + tall


def _layer(boxes: Dict[str, Box], part: List[str], edges: Sequence[Edge]) -> None:
    """Each box one layer after the last that leads to it; a cycle is begun with the first of its boxes."""
    waiting = dict.fromkeys(part, 0)
    for edge in edges:
        if edge.end in waiting:
            waiting[edge.end] += 1
    depth = dict.fromkeys(part, 0)
    while waiting:
        name = next((each for each in waiting if not waiting[each]), next(iter(waiting)))
        del waiting[name]
        boxes[name].layer = depth[name]
        for end in boxes[name].out:
            if end in waiting:
                waiting[end] -= 1
                depth[end] = max(depth[end], depth[name] + 1)
    # What nothing leads to stands next to what it leads to: its edges pass behind no other box.
    ends = {edge.end for edge in edges}
    for name in part:
        after = [boxes[end].layer for end in boxes[name].out]
        if name not in ends and after:
            boxes[name].layer = min(after) - 1


def _leads_back(boxes: Dict[str, Box], edge: Edge) -> bool:
    return boxes[edge.start].layer >= boxes[edge.end].layer


def _box(box: Box) -> Markup:
    rows = [
        tag("text", _cut(line), x=box.x + 10, y=box.y + _PAD + _LINE * number + 11, class_=None if number else "first")
        for number, line in enumerate(box.lines)
    ]
    shape = tag("rect", x=box.x, y=box.y, width=_WIDTH, height=box.height, rx=7)
    return tag("g", tag("title", "\n".join(box.lines)), shape, *rows, class_=f"box {box.kind}")


def _edge(boxes: Dict[str, Box], edge: Edge) -> Markup:
    start, end = boxes[edge.start], boxes[edge.end]
    x1, y1 = start.x + _WIDTH, start.y + start.height // 2
    x2, y2 = end.x, end.y + end.height // 2
    if _leads_back(boxes, edge):
        low = max(start.y + start.height, end.y + end.height) + 22
        path = f"M{start.x + _WIDTH // 2},{start.y + start.height} C{start.x + _WIDTH // 2},{low + 14} "
        path += f"{end.x + _WIDTH // 2},{low + 14} {end.x + _WIDTH // 2},{end.y + end.height}"
        at = ((start.x + end.x + _WIDTH) // 2, low + 8)
    else:
        middle = (x1 + x2) // 2
        path = f"M{x1},{y1} C{middle},{y1} {middle},{y2} {x2},{y2}"
        at = (x1 + 6, y1 - 4)
    mark = "bad" if "bad" in edge.kind else ""
    line = tag("path", d=path, class_=f"edge {edge.kind}".strip(), marker_end=f"url(#tip{mark})")
    return join(line, tag("text", edge.label, x=at[0], y=at[1], class_="edge-label"))


def _cut(line: str) -> str:
    return line if len(line) <= _CHARS else line[: _CHARS - 1] + "…"
