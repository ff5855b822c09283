"""Generate layout documents with a real toolchain: build probe programs, read their DWARF, symbols and code.

python -m shared_core.layouts.generate --go PATH [--arch amd64 --arch arm64] --out DIR
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
from typing import List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..arch import ARCH_NAMES, get_arch
from ..binary.elf import ElfImage
from ..errors import GoxrayError, UserError
from .anchors import choose_anchors
from .assembly import plain_assembly
from .build import Build, read_build
from .document import Document, user_directory, write_document
from .dwarf import document_from_elf
from .gosource import GoConstants
from .probe import GO_MOD, PROBE, TINY
from .toolchain import Toolchain
from .version import Minor, minor_text, parse_minor

SCRIPT = "shared_core.layouts.generate/1"
OLDEST: Minor = (1, 18)  # ABIInternal on both architectures, and pclntab as it has been since


class Variant(NamedTuple):
    """One way of building in which anchors should hold; `since` is the first Go version that knows its settings."""

    name: str
    flags: Tuple[str, ...] = ()
    settings: Tuple[Tuple[str, str], ...] = ()
    since: Minor = OLDEST


_DEFAULT = Variant("default")
_VARIANTS = {
    "amd64": (
        Variant("pie", ("-buildmode=pie",)),
        Variant("noopt", ("-gcflags=all=-N -l",)),
        Variant("v3", (), (("GOAMD64", "v3"),)),
    ),
    "arm64": (
        Variant("pie", ("-buildmode=pie",)),
        Variant("noopt", ("-gcflags=all=-N -l",)),
        # Without the test for atomic instructions that other builds make (GOARM64 is new in Go 1.23).
        Variant("lse", (), (("GOARM64", "v8.1,lse"),), (1, 23)),
    ),
}


def generate(go: str, arch: str, workdir: str) -> Document:
    """The layout document for the toolchain whose `go` command is at `go`, on `arch`; builds below `workdir`.

    UserError where the toolchain fails, LayoutError where its runtime lacks something a layout must have.
    """
    toolchain = Toolchain(go)
    minor = _measurable(toolchain)
    document = measure_tables(go, arch, workdir)
    main = read_build(ElfImage.open(_output(workdir, "probe", arch, _DEFAULT)))
    document["globals"] = choose_anchors(main, _other_builds(toolchain, arch, minor, workdir))
    return document


def measure_tables(go: str, arch: str, workdir: str) -> Document:
    """The same document without anchors for the globals: one build instead of nine."""
    get_arch(arch)
    toolchain = Toolchain(go)
    minor = _measurable(toolchain)
    for name, text in (("probe", PROBE), ("tiny", TINY)):
        _write_module(os.path.join(workdir, name), text)
    image = ElfImage.open(_build(toolchain, arch, workdir, "probe", _DEFAULT))
    document = document_from_elf(image, minor_text(minor), GoConstants(toolchain.source, arch))
    document["enums"]["plain_assembly"] = dict(enumerate(plain_assembly(toolchain, arch, workdir)))
    document["provenance"] = _provenance(toolchain.version)
    return document


def _measurable(toolchain: Toolchain) -> Minor:
    minor = parse_minor(toolchain.version)
    if minor is None or minor < OLDEST:
        raise UserError(
            f"{toolchain.version} cannot be measured: go{minor_text(OLDEST)} is the oldest that goxray reads"
        )
    return minor


def _other_builds(toolchain: Toolchain, arch: str, minor: Minor, workdir: str) -> List[Build]:
    """The tiny program, and both programs in every variant that this version knows."""
    builds = [("tiny", _DEFAULT)]
    for variant in _VARIANTS[arch]:
        if minor >= variant.since:
            builds += [("probe", variant), ("tiny", variant)]
    outputs = (_build(toolchain, arch, workdir, program, variant) for program, variant in builds)
    return [read_build(ElfImage.open(output)) for output in outputs]


def _build(toolchain: Toolchain, arch: str, workdir: str, program: str, variant: Variant) -> str:
    output = _output(workdir, program, arch, variant)
    flags = ["-buildvcs=false", *variant.flags]
    toolchain.build(os.path.join(workdir, program), output, arch, flags, dict(variant.settings))
    return output


def _output(workdir: str, program: str, arch: str, variant: Variant) -> str:
    return os.path.join(workdir, f"{program}-{arch}-{variant.name}")


def _write_module(directory: str, text: str) -> None:
    os.makedirs(directory, exist_ok=True)
    for name, content in (("main.go", text), ("go.mod", GO_MOD)):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(content)


def _provenance(version: str) -> Mapping[str, str]:
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return {"toolchain": version, "script": SCRIPT, "date": today}


def generate_files(go: str, arches: Sequence[str], out: Optional[str]) -> List[str]:
    """Generate and write one file per architecture, by default where this user's layouts are; their paths."""
    paths = []
    for arch in arches:
        with tempfile.TemporaryDirectory(prefix="goxray-layout-") as workdir:
            document = generate(go, arch, workdir)
        try:
            paths.append(write_document(document, out if out is not None else user_directory()))
        except OSError as error:
            raise UserError(f"cannot write the layout: {error}") from None
    return paths


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m shared_core.layouts.generate", description="Generate layouts.")
    parser.add_argument("--go", required=True, help="a toolchain's go command or GOROOT")
    parser.add_argument("--arch", action="append", choices=ARCH_NAMES, help="default: all")
    parser.add_argument("--out", required=True, help="directory to write to")
    options = parser.parse_args(arguments)
    try:
        for path in generate_files(options.go, options.arch or ARCH_NAMES, options.out):
            print(path)
    except GoxrayError as error:
        print(f"goxray: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
