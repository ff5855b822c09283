"""Where the runtime's globals are in a program without symbols: through the functions that must touch them."""

from __future__ import annotations

from collections import Counter
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ..arch.model import Arch
from ..arch.refs import data_refs, distinct_targets
from ..errors import LayoutError
from .model import Anchor, Layout

FunctionCode = Callable[[str], Optional[Tuple[int, bytes]]]
Symbols = Callable[[str], Optional[int]]
TargetsOf = Callable[[str], Optional[Sequence[int]]]  # function -> the distinct data addresses it touches, in order

MAX_CANDIDATES = 256
# What makes a candidate the one: at least so many votes, and so many more than any other has.
MIN_VOTES, MARGIN = 4, 2


def follow(anchor: Anchor, targets_of: TargetsOf) -> Optional[int]:
    """The global's address by `anchor` alone; None where its function is not there or touches less than recorded."""
    targets = targets_of(anchor.function)
    if targets is None or anchor.access >= len(targets):
        return None
    return targets[anchor.access] - anchor.offset


def score_candidates(anchors: Sequence[Anchor], targets_of: TargetsOf) -> Dict[int, int]:
    """Every address that fits one of a global's anchors, with its votes.

    The global is what all anchor functions touch; other build flags change the order in which they touch things, so
    each anchor votes for every address that its function touches, and once more for the one at the recorded place.
    An address that only one of several functions touches, and not there, is no candidate.
    """
    recorded = Counter(address for address in (follow(a, targets_of) for a in anchors) if address is not None)
    common: Counter[int] = Counter()
    present = set()
    for anchor in anchors:
        targets = targets_of(anchor.function)
        if targets:
            present.add(anchor.function)
            common.update(target - anchor.offset for target in targets)
    least = 2 if len(present) > 1 else 1
    places = (address for address in (*recorded, *common) if address in recorded or common[address] >= least)
    return {address: common[address] + recorded[address] for address in places}


def rank_candidates(anchors: Sequence[Anchor], targets_of: TargetsOf) -> List[int]:
    """The candidates with most votes first; among equals the better anchor's."""
    scores = score_candidates(anchors, targets_of)
    return sorted(scores, key=lambda address: -scores[address])


class Globals:
    """Finds globals by name; every function is disassembled once.

    function_code: name in pclntab -> (address it runs at, its code), None if the program has no such function. Of
        two functions with one name (a function and its wrapper for the other ABI) it must give the longer.
    symbols: name -> address from a symbol table, None where there is none.
    """

    def __init__(self, layout: Layout, arch: Arch, function_code: FunctionCode, symbols: Symbols) -> None:
        self._layout = layout
        self._arch = arch
        self._function_code = function_code
        self._symbols = symbols
        self._targets: Dict[str, Optional[List[int]]] = {}
        self._candidates: Dict[str, List[int]] = {}

    def candidates(self, name: str) -> List[int]:
        """Possible addresses of `name`, most trusted first: the symbol table's, the one that most anchors agree on,
        then every other that the anchor functions touch in common. Empty for an unknown global."""
        if name not in self._candidates:
            self._candidates[name] = self._find_candidates(name)
        return self._candidates[name]

    def find(self, name: str, check: Callable[[int], bool]) -> int:
        """The first candidate that `check` accepts; LayoutError says which anchors were tried and why they failed."""
        for address in self.candidates(name):
            if check(address):
                return address
        raise LayoutError(self._failure(name))

    def voted(self, name: str) -> Optional[int]:
        """The address of `name` by code alone, with no memory to check it: the one that is far ahead of all others."""
        scores = score_candidates(self._layout.globals.get(name, ()), self._targets_of)
        first, second, *_ = *sorted(scores.values(), reverse=True), 0, 0
        ahead = first >= MIN_VOTES and first - second >= MARGIN
        return next(address for address, votes in scores.items() if votes == first) if ahead else None

    def _find_candidates(self, name: str) -> List[int]:
        symbol = self._symbols(name)
        found = [] if symbol is None else [symbol]
        found += rank_candidates(self._layout.globals.get(name, ()), self._targets_of)
        return list(dict.fromkeys(found))[:MAX_CANDIDATES]

    def _targets_of(self, function: str) -> Optional[List[int]]:
        if function not in self._targets:
            found = self._function_code(function)
            self._targets[function] = None if found is None else self._disassembled(*found)
        return self._targets[function]

    def _disassembled(self, address: int, code: bytes) -> List[int]:
        return distinct_targets(data_refs(self._arch, code, address))

    def _failure(self, name: str) -> str:
        anchors = self._layout.globals.get(name, ())
        if not anchors:
            return f"{name}: the layout for go{self._layout.go} {self._layout.arch} has no functions that lead to it"
        tried = ", ".join(f"{anchor.function} ({self._outcome(anchor)})" for anchor in anchors)
        return f"{name} was not found by any of the functions that use it: {tried}"

    def _outcome(self, anchor: Anchor) -> str:
        targets = self._targets_of(anchor.function)
        if targets is None:
            return "not in the program"
        address = follow(anchor, self._targets_of)
        if address is None:
            return f"names only {len(targets)} data addresses, not {anchor.access + 1}"
        return f"{address:#x} did not check out"
