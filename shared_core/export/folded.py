"""Folded stacks, as flamegraph.pl, inferno and speedscope read them: "root;caller;leaf COUNT" per line."""

from __future__ import annotations

from typing import Dict, Iterable

from .samples import Line, Samples


def folded(samples: Samples) -> Iterable[str]:
    """A line for each stack of functions, whatever the lines in them and the labels; the commonest first."""
    counts: Dict[str, int] = {}
    names: Dict[Line, str] = {}
    for sample in samples.samples:
        lines = [line for spot in sample.stack for line in spot.lines]
        for line in lines:
            if line not in names:
                names[line] = _frame(line.name)
        stack = ";".join([names[line] for line in reversed(lines)])
        counts[stack] = counts.get(stack, 0) + sample.goroutines
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return (f"{stack} {count}\n" for stack, count in ranked)


def _frame(name: str) -> str:
    """Nothing in it ends a frame or a line."""
    name = name.replace(";", ",") or "?"
    return "".join(char if char.isprintable() else "?" for char in name)
