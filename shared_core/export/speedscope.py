"""Speedscope's own JSON, for speedscope.app.

Source: github.com/jlfwong/speedscope src/lib/file-format-spec.ts (FileFormat.File, SampledProfile).
"""

from __future__ import annotations

import json
from typing import Dict, List, Tuple

from .samples import Line, Samples

SCHEMA = "https://www.speedscope.app/file-format-schema.json"

Frame = Tuple[str, str, int]


def speedscope(samples: Samples, name: str, exporter: str, warnings: List[str]) -> str:
    """One profile, a sample per stack, weighted with how many goroutines have it; frames from the root to the leaf.

    warnings: what cannot be told of the goroutines; speedscope passes over the key.
    """
    numbers: Dict[Frame, int] = {}
    known: Dict[Line, int] = {}
    counts: Dict[Tuple[int, ...], int] = {}
    for sample in samples.samples:
        stack = []
        for spot in reversed(sample.stack):
            for line in reversed(spot.lines):
                number = known.get(line)
                if number is None:
                    frame = (line.name, line.file, line.line)
                    number = known[line] = numbers.setdefault(frame, len(numbers))
                stack.append(number)
        counts[tuple(stack)] = counts.get(tuple(stack), 0) + sample.goroutines
    profile = {
        "type": "sampled",
        "name": "goroutines",
        "unit": "none",
        "startValue": 0,
        "endValue": samples.goroutines,
        "samples": list(counts),
        "weights": list(counts.values()),
    }
    document = {
        "$schema": SCHEMA,
        "name": name,
        "exporter": exporter,
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(*frame) for frame in numbers]},
        "profiles": [profile],
        **({"warnings": warnings} if warnings else {}),
    }
    return json.dumps(document) + "\n"


def _frame(function: str, file: str, line: int) -> Dict[str, object]:
    found: Dict[str, object] = {"name": function or "?"}
    if file:
        found["file"] = file
    if line > 0:
        found["line"] = line
    return found
