"""go-info in gdb, on a file, a core and a live program, against `go version -m` and what the program says of itself."""

from __future__ import annotations

import re
import subprocess
from typing import Dict, List

import pytest

from tests.e2e.answers import Document, documents, lines_of
from tests.support import matrix
from tests.support.build import PLAIN, Built, Flags, build
from tests.support.cores import crash_core, healthy_core
from tests.support.gdb import live, on_core, run_gdb, run_under_gdb
from tests.support.toolchains import toolchain
from tests.support.traceback import by_id, parse_traceback

BUILDS = [(version, arch, PLAIN) for version, arch in matrix.few()] + matrix.variants()


def version_m(built: Built) -> Dict[str, List[List[str]]]:
    """`go version -m`: key -> the fields of its lines; "go" is the version."""
    go = toolchain(matrix.newest())
    done = subprocess.run(
        [str(go.go), "version", "-m", str(built.exe)],
        env=go.environment("amd64"),
        capture_output=True,
        text=True,
        check=True,
    )
    head, *lines = done.stdout.splitlines()
    found: Dict[str, List[List[str]]] = {"go": [[head.rpartition(": ")[2]]]}
    for line in lines:
        key, *fields = line.strip("\n").lstrip("\t").split("\t")
        found.setdefault(key, []).append(fields)
    return found


def check_build(built: Built, info: Document) -> None:
    expected = version_m(built)
    assert [[info["target"]["go_version"]]] == expected["go"]
    assert [[info["main_path"]]] == expected["path"]
    assert [[info["main_module"]["path"], info["main_module"]["version"], info["main_module"]["sum"]]] == expected[
        "mod"
    ]
    assert info["settings"] == {k: v.strip() for k, v in (fields[0].split("=", 1) for fields in expected["build"])}
    target = info["target"]
    assert (target["arch"], target["executable"]) == (built.arch, str(built.exe))
    assert target["layout"] == f"go{built.version} {built.arch}"


@pytest.mark.parametrize("version,arch,flags", BUILDS)
def test_of_a_file_and_a_core(version: str, arch: str, flags: Flags) -> None:
    core = crash_core(version, arch, flags=flags)
    (file,) = documents(run_gdb(["go-info --json"], exe=core.exe, arch=arch))
    check_build(core.built, file)
    assert file["target"]["kind"] == "file" and file["goroutines"] is file["threads"] is None
    assert "there is no process" in " ".join(file["warnings"])
    run = on_core(core, "go-info --json")
    (info,) = documents(run)
    check_build(core.built, info)
    facts = core.facts()
    # Of an externally linked program qemu dumps no page that is in the file, be it the first or one of pclntab.
    unproved = f"{core.exe} fits the memory, which has neither build ids nor tables to prove it by"
    assert info["warnings"] in ([[], [unproved]] if arch == "arm64" and flags.cgo else [[]])
    assert (info["target"]["kind"], info["goroutines"]) == ("core", int(facts["goroutines"][0]))
    assert info["gomaxprocs"] == int(facts["gomaxprocs"][0])
    everyone = by_id(parse_traceback(core.stderr))
    assert info["goroutines"] + info["system_goroutines"] == len(everyone)
    assert info["threads"] == len(re.findall(r"\[New LWP \d+\]", run.stdout)) >= info["machines"] - 1
    assert info["machines"] > 3


@pytest.mark.parametrize("version,arch", [(v, a) for v, a in matrix.few() if v in (matrix.newest(), matrix.oldest())])
def test_of_a_live_program(version: str, arch: str) -> None:
    built = build("healthy", version, arch)
    if arch == "amd64":
        run = run_under_gdb(built, "go-info --json")
        said = dict(re.findall(r"^fact (go|goroutines|gomaxprocs) (\S+)$", run.stdout, re.M))
    else:
        with live(built) as program:
            run = program.gdb("go-info --json")
            said = {name: values[0] for name, values in program.facts().items()}
    (info,) = documents(run)
    check_build(built, info)
    assert (info["target"]["kind"], info["target"]["go_version"]) == ("live", said["go"])
    assert (str(info["goroutines"]), str(info["gomaxprocs"])) == (said["goroutines"], said["gomaxprocs"])


def test_text() -> None:
    core = healthy_core(matrix.newest())
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in lines_of(on_core(core, "go-info"), 0))
    facts = core.facts()
    assert rows["Go version"] == facts["go"][0]
    assert (rows["architecture"], rows["target"], rows["executable"]) == ("linux/amd64", "core file", str(core.exe))
    assert rows["goroutines"].startswith(f"{facts['goroutines'][0]}, and ")
    assert rows["GOMAXPROCS"] == facts["gomaxprocs"][0]
    file = dict(re.split(r"  +", line, maxsplit=1) for line in lines_of(run_gdb(["go-info"], exe=core.exe), 0))
    assert file["target"] == "executable, no process" and file["goroutines"] == "unknown: there is no process"
