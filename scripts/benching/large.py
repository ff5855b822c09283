"""A large Go program: as many functions as a big server has, all of them reachable, so that the linker keeps them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

from tests.support.build import MODULE, build
from tests.support.cores import take_core
from tests.support.paths import FixtureError, filled

PACKAGES, TYPES, METHODS = 64, 20, 48
PER_PACKAGE = TYPES * METHODS
FUNCTIONS = PACKAGES * PER_PACKAGE  # besides the runtime's own
DEBIAN_PACKAGE, DEBIAN_PROGRAM = "prometheus", "usr/bin/prometheus"

_MAIN = """// Generated: parks a few goroutines over many packages and aborts.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

%(imports)s
)

func main() {
	total := 0
	for _, table := range [][]func(int, string) (int, string){%(tables)s} {
		for i, function := range table {
			n, text := function(i, "text")
			total += n + len(text)
		}
	}
	fmt.Println(total)
	for i := 0; i < 20; i++ {
		go func(c chan int) { <-c }(nil)
	}
	time.Sleep(50 * time.Millisecond)
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}
"""


@dataclass(frozen=True)
class Large:
    """`exe` and, where the program could be run, its `core`; `name` says which program it is."""

    name: str
    exe: Path
    core: Optional[Path] = None


def large_program(version: str) -> Large:
    """The generated program built by Go `version` with its core; Debian's prometheus when that cannot be built."""
    try:
        built = build("large", version, files=_sources())
        return Large(f"generated, Go {version}", built.exe, take_core(built).core)
    except FixtureError as error:
        print(f"the generated program cannot be had ({error}); trying Debian's {DEBIAN_PACKAGE}")
        return Large(f"Debian's {DEBIAN_PACKAGE}", filled(f"debian-{DEBIAN_PACKAGE}", _download) / DEBIAN_PROGRAM)


def sized_program(version: str, functions: int) -> Large:
    """The generated program with about so many functions of its own, without a core."""
    packages = max(1, round(functions / PER_PACKAGE))
    built = build(f"large{packages}", version, files=_sources(packages))
    return Large(f"{functions:,} functions", built.exe)


def _sources(packages: int = PACKAGES) -> Dict[str, str]:
    names = [f"service{number:02}" for number in range(packages)]
    imports = "\n".join(f'\t"{MODULE}/internal/{name}"' for name in names)
    files = {"main.go": _MAIN % {"imports": imports, "tables": ", ".join(f"{name}.Table" for name in names)}}
    for number, name in enumerate(names):
        files[f"internal/{name}/{name}.go"] = _package(name, number)
    return files


def _package(name: str, number: int) -> str:
    lines: List[str] = [f"package {name}", "", "func clamp(n, limit int) int {", "\tif n > limit {", "\t\treturn limit"]
    lines += ["\t}", "\treturn n", "}", ""]
    table: List[str] = []
    for kind in range(TYPES):
        lines += [f"type Handler{kind:02} struct{{ calls int }}", ""]
        for method in range(METHODS):
            lines += _method(kind, method, number * 1000 + kind * METHODS + method)
            table.append(f"\t(&Handler{kind:02}{{}}).HandleRequest{method:02},")
    return "\n".join([*lines, "var Table = []func(int, string) (int, string){", *table, "}", ""])


def _method(kind: int, method: int, seed: int) -> List[str]:
    return [
        f"func (h *Handler{kind:02}) HandleRequest{method:02}(n int, text string) (int, string) {{",
        f"\th.calls += clamp(n, {seed})",
        f"\tif n^{seed} == {method} && len(text) > n {{",
        "\t\treturn clamp(h.calls, n), text[n:]",
        "\t}",
        f"\treturn n + {seed}, text",
        "}",
        "",
    ]


def _download(place: Path) -> None:
    """Debian's package, unpacked and not installed."""
    if shutil.which("apt-get") is None:
        raise FixtureError("there is no apt-get to download it with")
    for command in (["apt-get", "-q", "download", DEBIAN_PACKAGE], ["sh", "-c", "dpkg -x ./*.deb ."]):
        done = subprocess.run(command, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise FixtureError(f"{command[0]} failed: {done.stderr.strip()}")
