"""Rebuilt symbols against `go tool nm -size` of the unstripped twin: every function, its name, address and size."""

from __future__ import annotations

import re
from typing import Dict, List, Tuple

import pytest

from shared_core.binary.symbols import module_symbols
from shared_core.session import Session
from tests.support import matrix
from tests.support.build import PLAIN, Built, Flags, build
from tests.support.oracle import text_symbols
from tests.support.still import FileTarget
from tests.support.toolchains import Toolchain, toolchains

BUILDS = matrix.builds()
BUILD_IDS = [f"{version}-{arch}-{flags.label()}" for version, arch, flags in BUILDS]
# Debian strips the tools of its Go 1.19: only the toolchains that keep their symbols have an oracle.
UNSTRIPPED = [chain for chain in toolchains() if chain.minor != "1.19"]

Symbols = Dict[int, Tuple[str, int]]


def _ours(session: Session) -> Symbols:
    module = session.modules.all[0]
    return {symbol.address: (symbol.name, symbol.size) for symbol in module_symbols(module, session.layout)}


def _theirs(built: Built, session: Session) -> Symbols:
    """What nm lists in the range of the module: C code of an externally linked program lies outside it."""
    module = session.modules.all[0]
    found = [symbol for symbol in text_symbols(built) if module.minpc <= symbol.address < module.maxpc]
    symbols = {symbol.address: (symbol.name, symbol.size) for symbol in found}
    assert len(symbols) == len(found), "nm gives one address several names"
    return symbols


def _as_recorded(symbols: Symbols) -> Symbols:
    """The names as Go 1.18 to 1.20 put them into pclntab, type arguments and array lengths as [...].

    cmd/link/internal/ld/pcln.go, nameOff: the text from the first bracket to the last one is not kept.
    """
    return {
        address: (re.sub(r"\[.*\]", "[...]", name, flags=re.DOTALL), size) for address, (name, size) in symbols.items()
    }


def _differences(ours: Symbols, theirs: Symbols) -> List[str]:
    places = sorted({*ours, *theirs})
    return [f"{at:#x}: {ours.get(at)}, nm {theirs.get(at)}" for at in places if ours.get(at) != theirs.get(at)]


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS, ids=BUILD_IDS)
def test_symbols_are_those_of_nm(version: str, arch: str, flags: Flags) -> None:
    built = build("crash", version, arch, flags)
    session = Session(FileTarget(built.exe))
    theirs = _theirs(built, session)
    assert len(theirs) > 1000
    if version == "1.19":
        theirs = _as_recorded(theirs)
    assert _differences(_ours(session), theirs) == []
    assert session.warnings == []


@pytest.mark.parametrize("chain", UNSTRIPPED, ids=lambda chain: str(chain.minor))
def test_symbols_of_the_go_command_are_those_of_nm(chain: Toolchain) -> None:
    """A large program that others built: 12,000 functions and more, with every package that the go command uses."""
    program = chain.root / "bin" / "go"
    built = Built("go", chain, "amd64", PLAIN, program, program, chain.root, True)
    session = Session(FileTarget(program))
    theirs = _theirs(built, session)
    assert len(theirs) > 10_000
    assert _differences(_ours(session), theirs) == []


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_a_name_leads_to_its_function(version: str, arch: str) -> None:
    session = Session(FileTarget(build("crash", version, arch).exe))
    for func in session.modules.all[0].table:
        found = session.modules.by_name(func.name)
        assert found is not None
        assert found[1].name == func.name
        assert found[1].end - found[1].entry >= func.end - func.entry
