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

MAX_CANDIDATES = 256


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
        """Possible addresses of `name`, most trusted first: the symbol table's, the one that most recorded anchors
        agree on, then every other that the anchor functions touch in common. Empty for an unknown global."""
        if name not in self._candidates:
            self._candidates[name] = self._find_candidates(name)
        return self._candidates[name]

    def find(self, name: str, check: Callable[[int], bool]) -> int:
        """The first candidate that `check` accepts; LayoutError says which anchors were tried and why they failed."""
        for address in self.candidates(name):
            if check(address):
                return address
        raise LayoutError(self._failure(name))

    def _find_candidates(self, name: str) -> List[int]:
        symbol = self._symbols(name)
        found = [] if symbol is None else [symbol]
        anchors = self._layout.globals.get(name, ())
        found += self._recorded(anchors)
        found += self._common(anchors)
        return list(dict.fromkeys(found))[:MAX_CANDIDATES]

    def _recorded(self, anchors: Sequence[Anchor]) -> List[int]:
        """What each anchor says, those with most votes first; among equals the better anchor's."""
        votes = Counter(address for address in map(self._follow, anchors) if address is not None)
        return [address for address, _ in votes.most_common()]

    def _common(self, anchors: Sequence[Anchor]) -> List[int]:
        """Other builds touch the same globals in another order: addresses by how many of the functions touch them.

        Those that only one function touches count only where there is no other function to ask.
        """
        votes: Counter[int] = Counter()
        present = 0
        for anchor in anchors:
            targets = self._targets_of(anchor.function)
            if targets:
                present += 1
                votes.update({target - anchor.offset for target in targets})
        least = 2 if present > 1 else 1
        return [address for address, count in votes.most_common() if count >= least]

    def _follow(self, anchor: Anchor) -> Optional[int]:
        targets = self._targets_of(anchor.function)
        if targets is None or anchor.access >= len(targets):
            return None
        return targets[anchor.access] - anchor.offset

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
        return f"{name} was not found: tried {tried}"

    def _outcome(self, anchor: Anchor) -> str:
        targets = self._targets_of(anchor.function)
        if targets is None:
            return "not in the program"
        address = self._follow(anchor)
        if address is None:
            return f"names only {len(targets)} data addresses, not {anchor.access + 1}"
        return f"{address:#x} did not check out"
