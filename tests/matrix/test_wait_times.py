"""For how long goroutines have been blocked, in cores of a program that tells how long it let them wait."""

from __future__ import annotations

from typing import Dict

import pytest

from shared_core.errors import Absent
from shared_core.runtime.goroutine import Goroutine
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import take_core

# The collector stamps what waits with the end of the collection before (work.tstart): it takes two of them.
WAITS = """package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

//go:noinline
func early(c chan int) { <-c }

//go:noinline
func late(c chan int) { <-c }

func main() {
	runtime.GC()
	c := make(chan int)
	go early(c)
	time.Sleep(300 * time.Millisecond)
	runtime.GC()
	time.Sleep(200 * time.Millisecond)
	runtime.GC()
	time.Sleep(700 * time.Millisecond)
	go late(c)
	time.Sleep(100 * time.Millisecond)
	fmt.Println("fact pid", os.Getpid())
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
"""
SECOND = 1_000_000_000


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_blocked_for(version: str, arch: str) -> None:
    core = take_core(build("waits", version, arch, files={"waits.go": WAITS}), abort_at="ready")
    world = Session(CoreTarget(str(core.exe), str(core.core))).world
    found: Dict[str, Goroutine] = {}
    for goroutine in world.goroutines:
        names = [getattr(frame, "function", "") for frame in world.stacks.frames(goroutine)]
        found.update({name: goroutine for name in names if name in ("main.early", "main.late")})
    since = found["main.early"].wait_since
    assert not isinstance(since, Absent)
    blocked = world.blocked_for(found["main.early"])
    assert not isinstance(blocked, Absent)
    # A lower bound: the present is the latest moment that memory bears witness to.
    assert 0.5 * SECOND <= blocked <= 60 * SECOND
    assert isinstance(world.blocked_for(found["main.late"]), Absent)
