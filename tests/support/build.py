"""Builds fixture programs: a stripped executable and its unstripped twin at the same addresses."""

from __future__ import annotations

import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from .paths import PROGRAMS, FixtureError, digest, filled
from .toolchains import Toolchain, toolchain

MODULE = "example.com/fixture"

# The flags are recorded in the build information, inside the data: twins have the same data addresses only if the
# texts are equally long. "--s=0" is what the linker does anyway: keep the symbols.
STRIPPED_LDFLAGS, TWIN_LDFLAGS = "-s -w", "--s=0"

# Programs that are more than the file of their name.
_FILES: Dict[str, Tuple[str, ...]] = {
    "crash": ("crash.go", "parked.go", "shelf.v2/shelf.go"),
    "healthy": ("healthy.go", "parked.go", "shelf.v2/shelf.go"),
    "heap": ("heap.go", "heap124.go"),
    "types": ("types.go", "types121.go", "stock.v3/stock.go"),
    "shapes": ("shapes.go", *(f"shapes1{minor}.go" for minor in (21, 23, 24, 25, 26))),
}


@dataclass(frozen=True)
class Flags:
    """How to build: `cgo` links externally against libc, `noopt` is what debuggers usually ask for."""

    pie: bool = False
    noopt: bool = False
    trimpath: bool = False
    cgo: bool = False

    def label(self) -> str:
        return "+".join(name for name, on in asdict(self).items() if on) or "plain"


PLAIN = Flags()


@dataclass(frozen=True)
class Built:
    """One program as built: `exe` is stripped (-s -w), `twin` has symbols and DWARF; `source` is where they came from.

    Text addresses of the two agree (checked). Data addresses do when `same_data`: so from Go 1.22 on, and before
    that in PIE and externally linked programs.
    """

    program: str
    toolchain: Toolchain
    arch: str
    flags: Flags
    exe: Path
    twin: Path
    source: Path
    same_data: bool

    @property
    def version(self) -> str:
        """The Go minor version, "1.27"."""
        return self.toolchain.minor


def program_files(program: str) -> Dict[str, str]:
    """The sources of a program in tests/programs: path inside the module -> text."""
    return {name: (PROGRAMS / name).read_text() for name in _FILES.get(program, (f"{program}.go",))}


def build(
    program: str,
    version: str,
    arch: str = "amd64",
    flags: Flags = PLAIN,
    files: Optional[Mapping[str, str]] = None,
    experiment: str = "",
) -> Built:
    """`program` of tests/programs (or `files`: path -> text, a main package at the top) built by Go `version`.

    experiment: what GOEXPERIMENT is set to. Cached by content.
    FixtureError when the toolchain is missing, the build fails or the twins disagree.
    """
    chain = toolchain(version)
    sources = dict(files) if files is not None else program_files(program)
    key = digest("build", 3, program, chain.version, arch, asdict(flags), sources, *filter(None, [experiment]))

    def fill(place: Path) -> None:
        _write_module(place / "src", chain, sources)
        for name, ldflags in ((program, STRIPPED_LDFLAGS), (f"{program}.twin", TWIN_LDFLAGS)):
            _go_build(chain, arch, flags, place / "src", place / name, ldflags, experiment)
        if _sections(place / program, ".text") != _sections(place / f"{program}.twin", ".text"):
            raise FixtureError(f"{program} and its twin have their code at different addresses")

    place = filled(f"{program}-{chain.minor}-{arch}-{flags.label()}-{key}", fill)
    exe, twin = place / program, place / f"{program}.twin"
    return Built(program, chain, arch, flags, exe, twin, place / "src", _sections(exe) == _sections(twin))


def _write_module(place: Path, chain: Toolchain, sources: Mapping[str, str]) -> None:
    for name, text in sources.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    # The language version is the toolchain's own: an older one would switch old run-time behaviour on (GODEBUG).
    (place / "go.mod").write_text(f"module {MODULE}\n\ngo {chain.minor}\n")


def _go_build(
    chain: Toolchain, arch: str, flags: Flags, source: Path, output: Path, ldflags: str, experiment: str
) -> None:
    command = [str(chain.go), "build", "-buildvcs=false", "-o", str(output)]
    if flags.cgo:
        ldflags += " -linkmode=external"
    command.append(f"-ldflags={ldflags}")
    command += ["-buildmode=pie"] if flags.pie else []
    command += ["-gcflags=all=-N -l"] if flags.noopt else []
    command += ["-trimpath"] if flags.trimpath else []
    environment = chain.environment(arch, flags.cgo)
    # Go 1.19 would otherwise take the working directory of this process as the one to record.
    environment["PWD"] = str(source)
    environment["GOEXPERIMENT"] = experiment
    os.makedirs(environment["GOPATH"], exist_ok=True)
    done = subprocess.run(
        [*command, "."], cwd=source, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise FixtureError(f"go {chain.version} build ({arch}, {flags.label()}) failed: {done.stderr.strip()}")


def _sections(path: Path, only: Optional[str] = None) -> Dict[str, Tuple[int, int]]:
    """name -> (address, size) of the sections that are loaded, or of just the one asked for."""
    with open(path, "rb") as handle:
        loaded = [s for s in ELFFile(handle).iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_ALLOC]
        return {s.name: (s["sh_addr"], s["sh_size"]) for s in loaded if only in (None, s.name)}
