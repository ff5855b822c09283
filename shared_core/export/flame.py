"""Stacks merged into a tree, as a flame graph draws them: from the root out, each function with how many are in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Dict, Iterator, List, NamedTuple, Tuple

from .samples import Line, Sample, Samples

MOST_CELLS = 4000
MOST_DEPTH = 200  # calls of a function by itself are one
_SMALLEST = 8000  # a cell has this part of all goroutines at least: less is no pixel wide


class Step(NamedTuple):
    """One function of a stack; repeated: it calls itself there."""

    name: str
    file: str
    line: int
    repeated: bool


_Stack = Tuple[List[Step], int]  # from the root out, and how many goroutines have it


@dataclass(eq=False)
class Cell:
    """A function, and what it calls with the most goroutines first; `count` of them are in it.

    line: where all of them stand in it, 0 where they are at different ones. left: how many go on into calls that are
    not drawn, being too few or too deep.
    """

    name: str
    file: str
    line: int
    repeated: bool
    depth: int
    count: int = 0
    children: List[Cell] = field(default_factory=list)
    left: int = 0


class Flame(NamedTuple):
    """root: all goroutines, no function; broken: of how many the stack ends early."""

    root: Cell
    cells: int
    broken: int

    def preorder(self) -> Iterator[Cell]:
        """Every cell but the root, callers before what they call."""
        todo = self.root.children[::-1]
        while todo:
            cell = todo.pop()
            yield cell
            todo += cell.children[::-1]


def flame(samples: Samples, most: int = MOST_CELLS) -> Flame:
    """The tree; of more than `most` cells the widest."""
    root = Cell("", "", 0, False, 0, samples.goroutines)
    least = max(1, samples.goroutines // _SMALLEST)
    known: Dict[Line, Step] = {}
    stacks = [(_steps(sample, known), sample.goroutines) for sample in samples.samples]
    # The widest first; the number tells equal ones apart. What a cell calls is looked at when its turn comes.
    todo: List[Tuple[int, int, Cell, List[_Stack]]] = [(-root.count, 0, root, stacks)]
    cells = 0
    while todo:
        _, _, cell, inside = heappop(todo)
        for child, below in _called(inside, cell.depth):
            if cells >= most or child.count < least or child.depth > MOST_DEPTH:
                cell.left += child.count
                continue
            cells += 1
            cell.children.append(child)
            heappush(todo, (-child.count, cells, child, below))
    return Flame(root, cells, samples.broken)


def _steps(sample: Sample, known: Dict[Line, Step]) -> List[Step]:
    steps: List[Step] = []
    for spot in sample.stack[::-1]:
        for line in spot.lines[::-1]:
            step = known.get(line)
            if step is None:
                step = known[line] = Step(line.name, line.file, line.line, False)
            if steps and steps[-1].name == step.name:
                step = steps.pop()._replace(repeated=True)
            steps.append(step)
    return steps


def _called(stacks: List[_Stack], depth: int) -> List[Tuple[Cell, List[_Stack]]]:
    """What is called at `depth`, each with the stacks that go through it, the widest first."""
    found: Dict[str, Tuple[Cell, List[_Stack]]] = {}
    for stack in stacks:
        steps, count = stack
        if depth >= len(steps):
            continue
        name, file, line, repeated = steps[depth]
        known = found.get(name)
        if known is None:
            known = found[name] = (Cell(name, file, line, repeated, depth + 1), [])
        cell, below = known
        cell.count += count
        cell.repeated |= repeated
        if cell.line != line:
            cell.line = 0
        below.append(stack)
    return sorted(found.values(), key=lambda pair: (-pair[0].count, pair[0].name))
