"""Which functions lead to which runtime globals: chosen by disassembling real builds that have symbols."""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, List, Sequence, Tuple

from ..errors import LayoutError
from .build import Build
from .globals import MARGIN, score_candidates
from .model import Anchor
from .wanted import GLOBALS, MAX_ANCHORS, MIN_ANCHORS, OPTIONAL_GLOBALS, SCARCE_GLOBALS

Access = Tuple[str, int, int]  # as layouts.Anchor: function, access, offset

MAX_ADDED = 6  # further accesses, where the best ones alone do not do in every build
MAX_TRIED = 60


def choose_anchors(main: Build, variants: Sequence[Build]) -> Dict[str, List[Access]]:
    """For every global of `main`, up to MAX_ANCHORS accesses, the ones that hold in most `variants` first.

    An access that a variant has the function for, but not the access, counts against it. LayoutError names the
    globals of wanted.GLOBALS that fewer than MIN_ANCHORS functions lead to, and of SCARCE_GLOBALS none.
    """
    accesses = _accesses(main, (*GLOBALS, *SCARCE_GLOBALS, *OPTIONAL_GLOBALS))
    found: Dict[str, List[Access]] = {}
    for name, candidates in accesses.items():
        ranked = sorted(candidates, key=lambda access: _rank(access, name, main, variants))
        others = ranked[:MAX_TRIED] + _elsewhere(name, main, variants)[:MAX_TRIED]
        chosen = _improved(name, _best_per_function(ranked)[:MAX_ANCHORS], others, [main, *variants])
        if len({function for function, _, _ in chosen}) >= (MIN_ANCHORS if name in GLOBALS else 1):
            found[name] = chosen
    lost = [name for name in (*GLOBALS, *SCARCE_GLOBALS) if name not in found]
    if lost:
        raise LayoutError(f"too few anchor functions for {', '.join(lost)}")
    return found


def _accesses(build: Build, names: Iterable[str]) -> Dict[str, List[Access]]:
    """Global -> every access of any function that lands inside it."""
    found: Dict[str, List[Access]] = {name: [] for name in names if name in build.globals}
    places = [(build.globals[name], name) for name in found]
    starts = sorted((place.address, place.address + max(place.size, 1), name) for place, name in places)
    for function, targets in build.targets.items():
        for access, target in enumerate(targets):
            for start, end, name in starts:
                if start <= target < end:
                    found[name].append((function, access, target - start))
    return found


def _rank(access: Access, name: str, main: Build, variants: Sequence[Build]) -> Tuple[int, int, int, int, str]:
    """Sort key, best first: doubts (builds it fails in), builds without the function, cost, inner offset, name."""
    function, number, offset = access
    wrong = missing = 0
    for build in variants:
        targets = build.targets.get(function)
        if targets is None or name not in build.globals:
            missing += 1
        elif number >= len(targets) or targets[number] - offset != build.globals[name].address:
            wrong += 1
    wrong += function in main.twice
    return wrong, missing, main.sizes[function] // 512 + number, offset, function


def _best_per_function(ranked: Iterable[Access]) -> List[Access]:
    best: Dict[str, Access] = {}
    for access in ranked:
        best.setdefault(access[0], access)
    return list(best.values())


def _elsewhere(name: str, main: Build, variants: Sequence[Build]) -> List[Access]:
    """Accesses of functions that `main` has not, since they are inlined there; the most frequent ones first."""
    counts: Counter[Access] = Counter()
    for build in variants:
        counts.update(a for a in _accesses(build, (name,)).get(name, ()) if a[0] not in main.targets)
    return [access for access, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _improved(name: str, chosen: List[Access], others: Sequence[Access], builds: Sequence[Build]) -> List[Access]:
    """`chosen` and what must be added, of `others`, for them to lead to `name` clearly in all `builds`, if possible."""
    doubt = _doubt(name, chosen, builds)
    for access in others:
        if not doubt or len(chosen) >= MAX_ANCHORS + MAX_ADDED:
            break
        if access not in chosen and (less := _doubt(name, [*chosen, access], builds)) < doubt:
            chosen, doubt = [*chosen, access], less
    return chosen


def _doubt(name: str, accesses: Sequence[Access], builds: Sequence[Build]) -> int:
    """How many votes the global lacks for being MARGIN ahead of any other address, over all builds that have it."""
    anchors = [Anchor(*access) for access in accesses]
    lacking = 0
    for build in builds:
        if name in build.globals:
            scores = score_candidates(anchors, build.targets.get)
            right = scores.pop(build.globals[name].address, 0)
            lacking += max(0, max(scores.values(), default=0) + MARGIN - right)
    return lacking
