"""Stacks of a real core overwritten at random: what lies before the damage stays, and every walk ends with a reason."""

from __future__ import annotations

import json
import random
import struct
from bisect import bisect_left
from typing import Any, Callable, Dict, List, Tuple

import pytest

from shared_core.commands.runner import run
from shared_core.errors import ReadError
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.cores import Core, crash_core, healthy_core

PLACES = [(v, a) for v, a in matrix.pairs() if matrix.is_full() or v in (matrix.newest(), matrix.oldest())]
SEEDS = range(40 if matrix.is_full() else 3)
WORD = struct.Struct("<Q")
Frame = Dict[str, Any]


class DamagedTarget(CoreTarget):
    """A core with words of its memory replaced, and pages that are not there."""

    def __init__(self, core: Core) -> None:
        super().__init__(str(core.exe), str(core.core))
        self.words: Dict[int, int] = {}
        self._sorted: List[int] = []
        self.holes: List[Tuple[int, int]] = []

    def read(self, address: int, size: int) -> bytes:
        if any(start < address + size and address < end for start, end in self.holes):
            raise ReadError(address, size)
        data = bytearray(super().read(address, size))
        if len(self._sorted) != len(self.words):
            self._sorted = sorted(self.words)
        for at in self._sorted[bisect_left(self._sorted, address) : bisect_left(self._sorted, address + size - 7)]:
            WORD.pack_into(data, at - address, self.words[at])
        return bytes(data)


Damage = Callable[[DamagedTarget, random.Random, List[Frame], int, int], int]


def noise(target: DamagedTarget, chooser: random.Random, frames: List[Frame], start: int, end: int) -> int:
    target.words.update((at, chooser.getrandbits(64)) for at in range(start, end, 8))
    return start


def one_word(target: DamagedTarget, chooser: random.Random, frames: List[Frame], start: int, end: int) -> int:
    """A return address outside the text, or a small number."""
    target.words[start] = chooser.choice((0, 1, 0x10, (1 << 64) - 1, 1 << 47, start, end))
    return start


def loops(target: DamagedTarget, chooser: random.Random, frames: List[Frame], start: int, end: int) -> int:
    """Each frame seems to have been called by the same place."""
    pc = int(chooser.choice(frames)["pc"], 0)
    target.words.update((at, pc) for at in range(start, end, 8))
    return start


def code(target: DamagedTarget, chooser: random.Random, frames: List[Frame], start: int, end: int) -> int:
    """Addresses of code near real return addresses, and of the stack itself."""
    pcs = [int(frame["pc"], 0) for frame in frames]
    for at in range(start, end, 8):
        near = chooser.choice(pcs) + chooser.randrange(-4096, 4096)
        target.words[at] = chooser.choice((near, near, chooser.randrange(start, end)))
    return start


def hole(target: DamagedTarget, chooser: random.Random, frames: List[Frame], start: int, end: int) -> int:
    page = start & -4096
    target.holes.append((page, page + 4096))
    return page


OUTERMOST = ("runtime.goexit", "runtime.rt0_go", "runtime.mstart", "runtime.mcall", "runtime.sigtramp")
DAMAGES: List[Damage] = [noise, one_word, loops, code, hole]


def ask(target: DamagedTarget, command: str, words: str) -> Dict[str, Any]:
    session = Session(target)
    outcome = run(lambda: session, command, f"{words} --json")
    assert "internal error" not in outcome.error and "\n" not in outcome.error.strip(), outcome.error
    document: Dict[str, Any] = json.loads(outcome.text)
    return document


def listed(target: DamagedTarget) -> Dict[int, Dict[str, Any]]:
    found = ask(target, "go-goroutines", "--all -t 1000000")["goroutines"]
    return {each["id"]: each for each in found}


def kept(frames: List[Frame], before: int) -> List[Frame]:
    """The frames that are found by words below the address `before`; arm64 may keep one in a slot behind the frame."""
    count = 1
    while count < len(frames) and int(frames[count - 1]["fp"], 0) + 16 <= before:
        count += 1
    return frames[:count]


def place(frame: Frame) -> Tuple[str, str, str]:
    return frame["function"], frame["pc"], frame["sp"]


@pytest.mark.parametrize(("version", "arch"), PLACES)
def test_damaged_stacks(version: str, arch: str) -> None:
    for core in (crash_core(version, arch), healthy_core(version, arch)):
        whole = listed(DamagedTarget(core))
        for seed in SEEDS:
            chooser = random.Random(seed)
            target = DamagedTarget(core)
            damaged = {}
            for goid, goroutine in whole.items():
                frames = goroutine["frames"]
                if not frames or chooser.random() < 0.2:
                    continue
                low, high = int(frames[0]["sp"], 0), int(frames[-1]["fp"], 0)
                start = chooser.randrange(low, high, 8)
                damage = chooser.choice(DAMAGES)
                damaged[goid] = damage(target, chooser, frames, start, min(high, start + 8 * chooser.randrange(1, 400)))
            check(target, whole, damaged)


def check(target: DamagedTarget, whole: Dict[int, Dict[str, Any]], damaged: Dict[int, int]) -> None:
    found = listed(target)
    assert set(found) == set(whole)
    for goid, goroutine in found.items():
        frames, before = goroutine["frames"], whole[goid]["frames"]
        stays = kept(before, damaged.get(goid, 1 << 64))
        touched = any(
            int(f["sp"], 0) - 4096 <= end and start <= int(f["fp"], 0) for f in before for start, end in target.holes
        )
        if goid not in damaged and not touched:
            assert [place(f) for f in frames] == [place(f) for f in before], goid
        elif not touched:
            assert [place(f) for f in frames[: len(stays)]] == [place(f) for f in stays], (goid, hex(damaged[goid]))
        sps = [int(frame["sp"], 0) for frame in frames]
        assert sps == sorted(sps)
        assert frames == [] or len(frames) <= (int(before[-1]["fp"], 0) - sps[0]) // 8 * 20 + 20
        assert goroutine.get("frames_problem") or frames[-1]["function"] in OUTERMOST, goid
    for command, words in OTHERS:
        ask(target, command, words)
    for goid in list(damaged)[:4]:
        ask(target, "go-args", f"--frame --goroutine {goid}")
        ask(target, "go-stackmap", f"--goroutine {goid}")


OTHERS = [("go-traceback", "--all --level system"), ("go-goroutines", ""), ("go-threads", "-t")]
