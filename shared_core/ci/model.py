"""What is asked of cores, and what is answered: plain values that go from one process to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional, Tuple

from ..commands.base import FINE, FOUND, UNANSWERED
from ..runtime.frames import Place

CRASH, DEADLOCK, LEAK = "crash", "deadlock", "leak"
KINDS = (CRASH, DEADLOCK, LEAK)
NONE, EXTERNAL = "none", "signal:external"


class Wanted(NamedTuple):
    """fail_on: of KINDS; ignore: patterns of classes that are no failures. long: ns of waiting; crowd: how many alike;
    sure: the least sure that counts, as in analysis.leaks. exes: tried before the program that a core names itself.
    timeout: seconds for one core; memory: bytes that a worker may allocate.
    """

    fail_on: Tuple[str, ...]
    ignore: Tuple[str, ...]
    long: int
    crowd: int
    sure: str
    exes: Tuple[str, ...] = ()
    force: bool = False
    timeout: float = 300.0
    memory: int = 1 << 32


@dataclass
class Finding:
    """One thing found in one core.

    rule: its class, "memory:nil-deref" or "leak:nil". signature: its class and functions, id: a digest of that, the
    same for equal findings in other cores and builds. count: of goroutines. detail: lines of evidence, or a stack.
    failing: it is of a kind, and as sure, as the user fails on; ignored: it would be, but for --ignore.
    """

    kinds: Tuple[str, ...]
    rule: str
    signature: str
    id: str
    what: str
    sure: str
    place: Optional[Place] = None
    count: int = 1
    detail: List[str] = field(default_factory=list)
    failing: bool = False
    ignored: bool = False


@dataclass
class CoreAnswer:
    """One core. problems: kind -> why it could not be told whether there is any; error: why nothing could be.

    crash: its class, "" where that is not known. facts: as in the "target" of documents. goroutines: how many are not
    the runtime's own, None where that is not known; more: findings beyond those that are kept.
    """

    core: str
    findings: List[Finding] = field(default_factory=list)
    problems: Dict[str, str] = field(default_factory=dict)
    error: str = ""
    crash: str = ""
    labels: List[str] = field(default_factory=list)
    facts: Dict[str, Optional[str]] = field(default_factory=dict)
    goroutines: Optional[int] = None
    quarters: Dict[str, int] = field(default_factory=dict)
    statuses: Dict[str, int] = field(default_factory=dict)
    card: str = ""
    more: int = 0
    warnings: List[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def main(self) -> Optional[Finding]:
        """The finding that it goes by: the first that fails, else the first; a signal from outside tells least."""
        ranked = sorted(self.findings, key=lambda each: (not each.failing, each.rule == EXTERNAL))
        return next(iter(ranked), None)

    def status(self, fail_on: Tuple[str, ...]) -> int:
        """FOUND when anything fails; else UNANSWERED when that cannot be told of a kind that is asked for."""
        if any(each.failing for each in self.findings):
            return FOUND
        return UNANSWERED if self.error or any(map(self.why_not, fail_on)) else FINE

    def why_not(self, kind: str) -> str:
        """Why it could not be told whether there is anything of this kind; "" where it could."""
        return self.problems.get(kind) or self.error


@dataclass
class Answer:
    """All cores, in the order in which they were named. notes: of what was looked at and what was not."""

    wanted: Wanted
    cores: List[CoreAnswer]
    notes: List[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The worst of all: UNANSWERED, since such a core might hide anything, then FOUND, then FINE."""
        return max((each.status(self.wanted.fail_on) for each in self.cores), default=FINE)
