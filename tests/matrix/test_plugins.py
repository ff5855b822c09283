"""Two modules in one process: a plugin loaded at run time, seen in a core of both, stripped."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.build import Built, Flags, build
from tests.support.cores import Core, take_core
from tests.support.gdb import on_core
from tests.support.matrix import versions
from tests.support.paths import PROGRAMS, FixtureError, digest, filled
from tests.support.traceback import parse_traceback

SOURCES = {name: (PROGRAMS / "plughost" / name).read_text() for name in ("main.go", "p/p.go")}


def built_plugin(host: Built) -> Path:
    """The stripped plugin, built in the host's own module: the two must agree on every package they share."""

    def fill(place: Path) -> None:
        command = [str(host.toolchain.go), "build", "-buildmode=plugin", "-ldflags=-s -w", "-o", str(place / "p.so")]
        environment = {**host.toolchain.environment("amd64", True), "PWD": str(host.source)}
        done = subprocess.run(
            [*command, "./p"],
            cwd=host.source,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise FixtureError(f"the plugin was not built: {done.stderr.strip()}")

    return filled(f"plugin-{host.version}-{digest('plugin', host.exe.parent.name)}", fill) / "p.so"


def plugin_core(version: str) -> Core:
    host = build("plughost", version, "amd64", Flags(cgo=True), SOURCES)
    return take_core(host, [str(built_plugin(host))])


@pytest.mark.parametrize("version", versions())
def test_a_goroutine_in_a_plugin(version: str) -> None:
    core = plugin_core(version)
    said = {g.id: g for g in parse_traceback(core.stderr)}
    parked = next(g for g in said.values() if any(f.function.endswith("/p.wait") for f in g.frames))
    output = on_core(core, "go-goroutines --json -t 20").outputs[0]
    shown = {g["id"]: g for g in json.loads(output)["goroutines"]}[parked.id]
    assert shown["user_frame"]["function"] == next(f.function for f in parked.frames if f.function.endswith("/p.wait"))
    assert [(f["file"], f["line"]) for f in shown["frames"]] == [(f.file, f.line) for f in parked.frames]


@pytest.mark.parametrize("version", versions())
def test_both_modules_are_listed_and_searched(version: str) -> None:
    outputs = on_core(plugin_core(version), "go-info --json", "go-symbols --json 'p\\.wait$|^main\\.main$'").outputs
    modules = json.loads(outputs[0])["modules"]
    assert [m["name"].rsplit("/", 1)[-1] for m in modules] == ["", "p"]
    for symbol, module in zip(json.loads(outputs[1])["symbols"], modules):
        assert int(module["text"], 16) <= int(symbol["address"], 16) < int(module["etext"], 16), symbol
