"""Every command over damaged memory: an answer or one line, in bounded time, and never a fault of goxray's own."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path
from typing import List, Tuple

import pytest

from shared_core.commands.runner import run
from shared_core.errors import ReadError
from shared_core.session import Session
from shared_core.target import Mapping
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.cores import Core, crash_core, healthy_core

COMMANDS = [
    ("go-info", ""),
    ("go-goroutines", "--all -t 50 --json"),
    ("go-goroutines", "--sort wait --function main"),
    ("go-threads", "-t 100 --json"),
    ("go-threads", ""),
    ("go-traceback", "--all --level system"),
    ("go-goroutine", "1 --json"),
    ("go-args", "--env --json"),
    ("go-args", "--frame --goroutine 1"),
    ("go-stackmap", "--goroutine 1 --json"),
    ("go-crash", "--json"),
    ("go-sched", "--json"),
    ("go-sched", ""),
    ("go-memory", "--json"),
    ("go-memory", "--limit 99"),
    ("go-waits", "--json"),
    ("go-waits", "--dot"),
    ("go-leaks", "--min-wait 1ms --sure possible --json"),
    ("go-symbols", "main"),
]
ODD_WORDS = (0, 1, 8, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1, (1 << 64) - 8, 0x4141414141414141, 0xC000000000)
SECONDS = 20.0


class Damaged(CoreTarget):
    """A core whose writable memory has words of nonsense in it, and pages that are gone."""

    def __init__(self, core: Core, chooser: random.Random, words: int, holes: int) -> None:
        super().__init__(str(core.exe), str(core.core))
        ranges = [m for m in self.mappings() if "w" in m.flags]
        weights = [min(m.end - m.start, 1 << 20) for m in ranges]
        places = [self._place(chooser, chooser.choices(ranges, weights)[0]) for _ in range(words + holes)]
        self._words = {place: chooser.choice(ODD_WORDS) for place in places[:words]}
        self._holes = {place & -4096 for place in places[words:]}

    @staticmethod
    def _place(chooser: random.Random, mapping: Mapping) -> int:
        # Near the start of a mapping, where the runtime's data and the first goroutines are.
        return mapping.start + chooser.randrange(0, min(mapping.end - mapping.start, 1 << 20), 8)

    def read(self, address: int, size: int) -> bytes:
        data = bytearray(super().read(address, size))
        if any(address < hole + 4096 and hole < address + size for hole in self._holes):
            raise ReadError(address, size)
        for place, value in self._words.items():
            if address <= place and place + 8 <= address + size:
                struct.pack_into("<Q", data, place - address, value)
        return bytes(data)

    def region(self, address: int) -> None:
        """None: what a core holds would be looked at where it is mapped, and no damage be seen."""
        return


def faults(target: Damaged) -> List[Tuple[str, str]]:
    """What the commands say that no user should have to read."""
    session, found = Session(target), []
    for name, words in COMMANDS:
        start = time.monotonic()
        outcome = run(lambda: session, name, words, debug=True)
        if outcome.error.startswith("internal error"):
            found.append((name, outcome.trace))
        if time.monotonic() - start > SECONDS:
            found.append((name, f"took {time.monotonic() - start:.0f} s"))
    return found


@pytest.mark.parametrize(("words", "holes"), [(400, 0), (20000, 0), (0, 60), (3000, 10)])
@pytest.mark.parametrize(("version", "arch"), matrix.few())
def test_damaged_memory(version: str, arch: str, words: int, holes: int) -> None:
    core = healthy_core(version, arch)
    for seed in range(6 if matrix.is_full() else 2):
        assert faults(Damaged(core, random.Random(f"{version} {arch} {seed}"), words, holes)) == []


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_damage_to_a_crash(version: str, arch: str) -> None:
    """What a panic left is on the goroutine's stack and in the heap: damage all over both."""
    core = crash_core(version, arch, "again")
    for seed in range(20 if matrix.is_full() else 4):
        target = Damaged(core, random.Random(f"{version} {arch} {seed}"), 20000, 4)
        session = Session(target)
        outcome = run(lambda session=session: session, "go-crash", "", debug=True)
        assert not outcome.error.startswith("internal error"), outcome.trace


@pytest.mark.parametrize("share", [0.002, 0.02, 0.1, 0.4, 0.99])
@pytest.mark.parametrize(("version", "arch"), matrix.few())
def test_a_core_that_was_cut(version: str, arch: str, share: float, tmp_path: Path) -> None:
    """The executable still tells what it is and all its symbols; the rest is told, or said to be missing."""
    whole = healthy_core(version, arch)
    cut = tmp_path / "core"
    with open(whole.core, "rb") as stream:
        cut.write_bytes(stream.read(int(whole.core.stat().st_size * share)))
    session = Session(CoreTarget(str(whole.exe), str(cut)))
    said = {name: run(lambda: session, name, words) for name, words in COMMANDS}
    assert [name for name, outcome in said.items() if outcome.error.startswith("internal error")] == []
    assert f"go{whole.built.toolchain.version}" in said["go-info"].text
    assert "main.main" in said["go-symbols"].text
    for name, outcome in said.items():
        assert outcome.text if not outcome.status else "\n" not in outcome.error, name
