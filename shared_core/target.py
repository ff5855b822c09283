"""The Target protocol: all that a debugger, a core file or a fake must give the core library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, ContextManager, Dict, Iterable, List, Optional, Protocol, Sequence, Tuple

CORE = "core"
LIVE = "live"
FILE = "file"


@dataclass(frozen=True)
class Mapping:
    """One mapped range [start, end) of the address space; `flags` as in /proc/PID/maps ("r-xp")."""

    start: int
    end: int
    flags: str = ""
    path: Optional[str] = None
    offset: int = 0


def in_order(mappings: Iterable[Mapping]) -> List[Mapping]:
    """By ascending address, without overlaps: of two that overlap, the first one stands."""
    found: List[Mapping] = []
    for mapping in sorted(mappings, key=lambda each: (each.start, -each.end)):
        if mapping.start < mapping.end and (not found or mapping.start >= found[-1].end):
            found.append(mapping)
    return found


@dataclass(frozen=True)
class Image:
    """One loaded executable or shared object.

    `load_bias` is what must be added to an address in the file to get the address in memory (0 for non-PIE).
    `path` is None when the file is not at hand: the image is then read from memory at `load_bias`.
    `start` is where its ELF header is in memory by the kernel's word, whatever `path` holds; None when not told.
    """

    path: Optional[str]
    load_bias: int
    build_id: Optional[str] = None
    start: Optional[int] = None


@dataclass(frozen=True)
class Thread:
    """One thread; `registers` by the architecture's own lower-case names, None where the debugger has no value.

    number: the debugger's own for it, where it counts threads.
    inner_tid: its id in the program's own PID namespace, where that is known.
    """

    tid: int
    name: str = ""
    registers: Dict[str, Optional[int]] = field(default_factory=dict)
    signal: Optional[str] = None
    selected: bool = False
    inner_tid: Optional[int] = None
    number: Optional[int] = None


class Target(Protocol):
    """A program to look at. Adapters translate and never decide; nothing here changes the program."""

    arch: str  # "amd64" | "arm64", or whatever the debugger calls an architecture that goxray does not know
    pointer_size: int
    byte_order: str  # "little" | "big"
    kind: str  # CORE | LIVE | FILE

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError. Of a core: what it holds, never what some file has there."""

    def mappings(self) -> List[Mapping]:
        """The mapped ranges by ascending address; empty when the debugger cannot tell."""

    def images(self) -> List[Image]:
        """Loaded images, the main executable first."""

    def threads(self) -> List[Thread]:
        """All threads with their registers, in the debugger's order."""

    def monotonic_time(self) -> Optional[int]:
        """The program's own CLOCK_MONOTONIC now, in ns; None for a core, and where its machine is another."""


class ResidentTeller(Target, Protocol):
    """A Target that may know what of its memory is in RAM, and whether it runs while it is looked at."""

    runs_on: bool

    def resident(self) -> Optional[Dict[int, int]]:
        """Start of a mapping -> bytes of it that are resident; None where the program's machine is another."""


GoOn = Callable[[], Tuple[List[int], str]]


class Watcher(Target, Protocol):
    """A Target whose debugger lets the program run to places in its code."""

    def watch(self, addresses: Sequence[int]) -> ContextManager[GoOn]:
        """Inside, a function that lets the program go on: (ids of the threads that stand at one of `addresses`, or why
        it has stopped before). What it takes in the program is undone at the end."""

    def write(self, text: str) -> None:
        """Show text at once."""


class SymbolTaker(Target, Protocol):
    """A Target whose debugger takes debug files.

    knows_go: whether it has a notion of Go in DWARF, or must be told that it is C.
    """

    knows_go: bool

    def load_symbols(self, path: str, image: Optional[str], load_bias: int) -> bool:
        """Load the debug file at `path` beside the executable `image` (None where that is in memory alone), whose
        addresses are `load_bias` off. False if it was loaded before; UserError where the debugger does not take it."""

    def types_loaded(self, names: Callable[[], List[str]]) -> None:
        """Types have been loaded; `names` finds those whose values shared_core.pretty knows better how to show, in a
        time that a debugger should not take that does not want them."""

    def say(self, text: str) -> None:
        """Show a line while something takes long; the next one takes its place, and "" takes it away."""
