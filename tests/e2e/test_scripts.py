"""The ready scripts: gdb in batch mode, the kernel's core handler, and a look from a Kubernetes debug container."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Dict, List, Sequence, Union

import pytest

from tests.support import matrix
from tests.support.build import Built, build
from tests.support.cores import Core, crash_core, take_core
from tests.support.gdb import live
from tests.support.paths import ROOT
from tests.support.reports import checked_junit

SCRIPTS = ROOT / "scripts"
READY = ("gdb-batch", "core-handler", "kubernetes/look")
Done = subprocess.CompletedProcess[str]
Word = Union[str, Path, int]


def run(name: str, *words: Word, core: Union[Path, str] = os.devnull, before: Sequence[str] = ()) -> Done:
    """A script, with a core on its stdin, as little environment as the kernel gives, and no directory of its own."""
    with open(core, "rb") as stdin:
        return subprocess.run(
            [*before, str(SCRIPTS / name), *map(str, words)],
            stdin=stdin, capture_output=True, text=True, cwd="/", timeout=120,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
        )  # fmt: skip


@pytest.fixture(scope="module")
def core() -> Core:
    return take_core(build("crashes", matrix.newest()), ["nil"], under_gdb=False)


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run(["shellcheck", "-x", *(f"scripts/{name}" for name in READY)], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")
    assert all("set -euo pipefail" in (SCRIPTS / name).read_text() for name in READY)
    # Where images come from is the user's affair.
    assert re.findall(r"^FROM (.*)$", (SCRIPTS / "kubernetes" / "Dockerfile").read_text(), re.M) == ["${BASE}"]


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_gdb_batch(arch: str, tmp_path: Path) -> None:
    crashed = crash_core(matrix.newest(), arch, "nil")
    out = tmp_path / "an 'odd' name"
    done = run("gdb-batch", crashed.exe, crashed.core, out)
    assert done.returncode == 1 and done.stdout.split()[:2] == ["class", "memory:nil-deref"], done.stderr
    documents = {path.stem: json.loads(path.read_text()) for path in out.glob("*.json")}
    assert {name: each["schema"] for name, each in documents.items()} == {
        name: f"goxray.go-{name}/1" for name in ("crash", "waits", "leaks", "goroutines")
    }
    assert documents["goroutines"]["quarters"] == documents["waits"]["quarters"]


def test_gdb_batch_that_cannot_answer(core: Core, tmp_path: Path) -> None:
    other = build("busy", matrix.newest()).exe
    for words, error in (
        ((core.exe, tmp_path / "none"), f"{tmp_path}/none: no file that can be read"),
        ((other, core.core, tmp_path / "x"), "no answer of go-crash go-waits go-leaks go-goroutines: "),
    ):
        done = run("gdb-batch", *words)
        assert done.returncode == 2 and error in done.stderr.splitlines()[-1]
    assert run("gdb-batch").returncode == 2


def kept(store: Path) -> List[Path]:
    return sorted(path for path in store.glob("[0-9]*"))


def lines(store: Path) -> List[str]:
    return (store / "log").read_text().splitlines()


def test_core_handler(core: Core, tmp_path: Path) -> None:
    """A core as the kernel hands it over, the process still there: kept with its program, looked at, told in a line."""
    store = tmp_path / "store"
    with live(core.built, "healed") as program:
        for second in range(3):
            words = ("--store", store, "--keep", 2, "--wait", "--", program.pid or 0, 0, 11, 1_700_000_000 + second)
            done = run("core-handler", *words, "../$(id) ü\n;x", core=core.core)
            assert (done.returncode, done.stderr) == (0, "")
    places = kept(store)
    assert [path.name.split(".")[0] for path in places] == ["20231114T221321Z", "20231114T221322Z"]
    for place in places:
        assert (place / "core").read_bytes() == core.core.read_bytes()
        assert (place / "core").stat().st_blocks * 512 < core.core.stat().st_size / 2
        assert (place / "exe").read_bytes() == core.exe.read_bytes()
        assert (place / "ci.txt").read_text().splitlines()[1].split()[:3] == ["core", "FAIL", "memory:nil-deref"]
        assert checked_junit((place / "ci.xml").read_text())[0]["cases"]["crash"]["type"] == "memory:nil-deref"
        assert (place.stat().st_mode & 0o77, place.parent) == (0, store)
    assert len({(place / "exe").stat().st_ino for place in places}) == 1
    told = lines(store)
    assert len(told) == 3 and all(" signal=11 " in line and ": FAIL memory:nil-deref " in line for line in told)
    assert "$" not in "".join(told) and not [path for path in tmp_path.rglob("*id*") if path.parent != store]


def test_core_handler_has_bounds(core: Core, tmp_path: Path) -> None:
    """What is beyond the limit is not read; an empty core, and one too many at a time, leave a line and no more."""
    words = ("--store", tmp_path, "--", 0, 0, 6, "now", "prog")
    assert run("core-handler", "--limit", 1, "--wait", *words, core=core.core).returncode == 0
    (place,) = kept(tmp_path)
    assert (place / "core").stat().st_size == 1 << 20 and not (place / "exe").exists()
    assert re.search(r"\(cut at the limit\): \w+ ", lines(tmp_path)[0])
    assert run("core-handler", *words).returncode == 0
    assert lines(tmp_path)[1].endswith("nothing was kept of its core") and kept(tmp_path) == [place]
    with ExitStack() as stack:
        for number in range(1, 5):
            fcntl.flock(stack.enter_context(open(tmp_path / f".slot.{number}", "w")), fcntl.LOCK_EX)
        assert run("core-handler", *words, core=core.core).returncode == 0
    assert lines(tmp_path)[2].endswith("dropped, 4 others are being written") and kept(tmp_path) == [place]
    assert not list(tmp_path.glob(".new.*"))


def test_core_handler_prints_what_installs_it(tmp_path: Path) -> None:
    done = run("core-handler", "--store", "/var/cores", "--install")
    limit, pattern = done.stdout.splitlines()
    assert limit == "sysctl -w kernel.core_pipe_limit=4"
    value = shlex.split(pattern)[-1].partition("=")[2]
    assert len(value) < 128 and value.startswith(f"|{SCRIPTS}/core-handler --store /var/cores ")
    # The kernel splits at blanks before it fills in.
    words = value.replace("/var/cores", "STORE").split()[1:-5]
    done = run("core-handler", *(str(tmp_path) if word == "STORE" else word for word in words), 0, 0, 6, 1, "a b")
    assert (done.returncode, done.stderr) == (0, "") and " name=a_b: " in lines(tmp_path)[0]
    for store in ("/var/my cores", f"/{'x' * 100}"):
        done = run("core-handler", "--store", store, "--install")
        assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1


# As `kubectl debug --target` has it: the program in a namespace of processes, here not as the first of them, and goxray
# in the same with file systems of its own.
POD = """
setpriv --reuid 65534 --regid 65534 --clear-groups {exe} >{out}/1 2>&1 & {more}
for try in $(seq 200); do grep -q ready {out}/1 2>/dev/null && break; sleep 0.05; done
for try in $(seq 200); do [ ! -e {out}/2 ] || grep -q ready {out}/2 && break; sleep 0.05; done
{command}
status=$?
kill -9 $(jobs -p)
exit $status
"""
NO_CAPABILITY = "unshare -m setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace"


def in_pod(built: Built, out: Path, look: str, before: str = "unshare -m", two: bool = False) -> Done:
    os.chmod(out, 0o777)
    more = f"{built.exe} >{out}/2 2>&1 &" if two else ""
    if two:
        (out / "2").touch()
    command = f"{before} {SCRIPTS}/kubernetes/look {look}"
    script = POD.format(exe=built.exe, out=out, more=more, command=command)
    line = ["unshare", "--pid", "--fork", "--mount-proc", "bash", "-c", script]
    return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", timeout=120)


def test_kubernetes_look(tmp_path: Path) -> None:
    built = build("healthy", matrix.newest())
    done = in_pod(built, tmp_path, f"--out {tmp_path}/look")
    assert done.returncode == 0, done.stderr
    assert "receive from a nil channel" in done.stdout and "main.lockedThread src/parked.go:" in done.stdout
    names = {path.name for path in (tmp_path / "look").iterdir()}
    answers = {f"{name}.json" for name in ("goroutines", "waits", "leaks", "sched")}
    assert names == answers | {"report.html", "goroutines.txt"}
    documents: Dict[str, Dict[str, object]] = {
        name: json.loads((tmp_path / "look" / name).read_text()) for name in answers
    }
    # It runs on meanwhile: its main goroutine sleeps, or works.
    quarters = [dict(each["quarters"], timer=0, running_or_runnable=0) for each in documents.values()]
    assert all(each == quarters[0] for each in quarters)
    assert "goroutine 1 [" in (tmp_path / "look" / "goroutines.txt").read_text()


@pytest.mark.parametrize(
    "before,words,two,error",
    [
        (NO_CAPABILITY, "", False, "nothing can be told of process "),
        (
            NO_CAPABILITY,
            "--pid 2",
            False,
            "the memory of process 2 cannot be read: the capability SYS_PTRACE is missing",
        ),
        ("unshare -m", "-- info", True, "several Go programs, name one by --pid: "),
        ("", "", False, "no Go program is to be seen here: kubectl debug --target=CONTAINER"),
        ("unshare -m", "--pid 4444", False, "there is no process 4444 in this namespace"),
    ],
)
def test_kubernetes_look_says_what_is_missing(before: str, words: str, two: bool, error: str, tmp_path: Path) -> None:
    done = in_pod(build("healthy", matrix.newest()), tmp_path, words, before, two)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("goxray: ")]
    assert line.startswith(f"goxray: {error}")
    assert ("--profile=general" in line) == (before == NO_CAPABILITY)
