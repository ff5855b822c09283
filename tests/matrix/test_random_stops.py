"""Walks of all goroutines of a busy program at random moments, judged by the calls that the return addresses follow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.support import matrix
from tests.support.build import PLAIN, Built, Flags, build
from tests.support.gdb import run_gdb

SCRIPT = Path(__file__).parents[1] / "support" / "callsites.py"
PLACES = [(version, PLAIN) for version in matrix.versions()]
PLACES += [(version, Flags(cgo=True)) for version in (matrix.newest(), matrix.oldest())]
IDS = [f"{version}-{flags.label()}" for version, flags in PLACES]
STOPS = 300 if matrix.is_full() else 15
BEGIN = ("set startup-with-shell off", "handle all nostop noprint pass", "handle SIGINT stop nopass", "starti")


def stopped(built: Built, count: int, seed: int) -> Dict[str, Any]:
    """callsites.py's report over `count` stops."""
    wanted = json.dumps({"count": count, "seed": seed, "seconds": 0.02})
    script = (f"python _root = {str(SCRIPT.parents[2])!r}; _stops = {wanted!r}", f"source {SCRIPT}")
    run = run_gdb(script, exe=built.exe, before=BEGIN)
    lines = run.stdout.strip().splitlines()
    at = [line for line in lines if line.startswith("{")]
    assert at, run.stdout[-1000:] + run.stderr[-2000:]
    report: Dict[str, Any] = json.loads(at[-1])
    return report


@pytest.mark.parametrize(("version", "flags"), PLACES, ids=IDS)
def test_all_goroutines_at_random_moments(version: str, flags: Flags) -> None:
    report = stopped(build("busy", version, "amd64", flags), STOPS, seed=5)
    assert report["wrong"] == []
    assert report["count"] == STOPS
    assert report["walks"] >= STOPS * 12 and report["interrupted"] >= STOPS // 5
    # Between two stacks there are moments at which nobody could tell; they are rare.
    assert sum(report["stops"].values()) <= report["walks"] // 50
