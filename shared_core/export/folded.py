"""Folded stacks, as flamegraph.pl, inferno and speedscope read them: "root;caller;leaf COUNT" per line."""

from __future__ import annotations

from typing import Dict, Iterable

from ..runtime.frames import display_name
from .samples import Samples


def folded(samples: Samples) -> Iterable[str]:
    """A line for each stack of functions, whatever the lines in them and the labels; the commonest first."""
    counts: Dict[str, int] = {}
    names: Dict[str, str] = {}
    for sample in samples.samples:
        functions = [line.function for spot in sample.stack for line in spot.lines]
        for function in functions:
            if function not in names:
                names[function] = _frame(function)
        stack = ";".join([names[function] for function in reversed(functions)])
        counts[stack] = counts.get(stack, 0) + sample.goroutines
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return (f"{stack} {count}\n" for stack, count in ranked)


def _frame(function: str) -> str:
    """Type arguments as in a traceback; nothing that ends a frame or a line."""
    name = display_name(function).replace(";", ",") or "?"
    return "".join(char if char.isprintable() else "?" for char in name)
