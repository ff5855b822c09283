"""Which registers hold arguments at a function's entry: against the ABI's own rules over the types in DWARF."""

from __future__ import annotations

import re
from collections import Counter
from typing import Counter as CounterType
from typing import Optional, Tuple

import pytest

from shared_core.binary.types import Types
from shared_core.errors import Absent
from shared_core.runtime.argregs import argument_places
from shared_core.runtime.args import ArgWord
from shared_core.session import Session
from tests.support import matrix, oracle
from tests.support.build import PLAIN, Flags, build
from tests.support.dwarfparams import Function, Parameters, described_types
from tests.support.still import FileTarget

# Where Go lists them: src/internal/abi/abi_amd64.go, abi_arm64.go, cmd/compile/abi-internal.md.
REGISTERS = {
    "amd64": (("rax", "rbx", "rcx", "rdi", "rsi", "r8", "r9", "r10", "r11"), tuple(f"xmm{i}" for i in range(15))),
    "arm64": (tuple(f"x{i}" for i in range(16)), tuple(f"d{i}" for i in range(16))),
}
ATOMICS = ("sync/atomic", "runtime/internal/atomic", "internal/runtime/atomic")
PACKAGES = ("main", "fmt", "strconv", "os", "reflect")
BUILDS = [(version, arch, PLAIN) for version, arch in matrix.pairs()]
BUILDS += [build for build in matrix.variants() if build[2] in (Flags(pie=True), Flags(noopt=True))]


def check(session: Session, function: Function) -> CounterType[str]:
    """How the words of one function fare: proved, guessed, on the stack, unknown; AssertionError for a wrong one."""
    found = session.modules.find(function.address)
    assert found is not None, function
    module, func = found
    tabs = session.source_frames.tabs(module)
    counts: CounterType[str] = Counter()
    slots = [slot for slot in tabs.arg_slots(func) or [] if slot.kind == "word"]
    # Wrappers and unnamed parameters are not in DWARF; assembly has another ABI.
    if not slots or tabs.is_assembly(func) or func.arguments != function.width:
        return counts
    words = [ArgWord(0, slot.offset, slot.size, 0, True) for slot in slots]
    expected = {place.offset: place for place in function.places if place.register}
    for word, register in zip(words, argument_places(session, module, func, words)):
        place = expected.get(word.offset)
        if isinstance(register, Absent):
            assert place is None or register.kind == "not recorded", (function, word, register)
            counts["stack" if register.kind == "not applicable" else "unknown"] += 1
        else:
            assert place is not None and (place.register, place.size) == (register.name, word.size), (function, word)
            counts["guessed" if register.guess else "proved"] += 1
    return counts


@pytest.mark.parametrize("version,arch,flags", BUILDS)
def test_registers_of_arguments(version: str, arch: str, flags: Flags) -> None:
    built = build("entries", version, arch, flags)
    session = Session(FileTarget(built.twin))
    counts: CounterType[str] = Counter()
    for function in Parameters(built.twin, PACKAGES, REGISTERS[arch]).functions:
        counts += check(session, function)
    assert counts["proved"] > 300 and counts["stack"] and counts["guessed"] > 10
    assert counts["unknown"] < counts["proved"] / 10


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_type_descriptors(version: str, arch: str) -> None:
    """Against DWARF, which tells where the descriptor of each type is."""
    built = build("entries", version, arch)
    session = Session(FileTarget(built.twin))
    types, kinds = Types(session.modules.all, session.memory, session.layout), session.layout.numbers("kinds")
    base, names = session.modules.all[0].fields["types"], set()
    for described in described_types(built.twin):
        places = (described.descriptor, base + described.descriptor)
        kind = next((k for k in map(types.at, places) if not isinstance(k, Absent)), None)
        assert kind is not None, described
        assert described.kind in (0, kinds[kind.kind]) and described.size in (0, kind.size), (described, kind)
        # reflect's names have the last element of import paths only, and less in those of local and unnamed types.
        if re.fullmatch(r"([][*]|\[\d+\]|map\[\w+\])*[\w./-]+", described.name):
            assert kind.name == re.sub(r"[\w./-]*/", "", described.name).replace("noalg.", ""), (described, kind)
            names.add(kind.name)
    assert len(names) > 200 and {"*main.request", "*main.server", "main.handler", "[]int"} <= names
    paths = {kind.name: kind.pkg_path for kind in types.known() if kind.named}
    assert paths["main.request"] == "main" and paths["atomic.Uint64"] in ATOMICS


@pytest.mark.parametrize("version,arch", matrix.pairs())
def test_itabs(version: str, arch: str) -> None:
    """Against the names of the linker's symbols: "go:itab.*main.server,main.handler"; Go 1.27 writes none."""
    built = build("entries", version, arch)
    session, symbols = Session(FileTarget(built.twin)), oracle.nm(built)
    types, fields = Types(session.modules.all, session.memory, session.layout), session.modules.all[0].fields
    expected = {match[0].address: match[1] for match in map(itab_symbol, symbols) if match is not None}
    places = list(expected)
    if not expected:
        start = fields["types"] + fields["itaboffset"]
        places = list(range(start, start + fields["itabsize"], 8))
    found = {at: itab for at, itab in zip(places, map(types.itab, places)) if not isinstance(itab, Absent)}
    assert len(found) > 5
    for at, names in expected.items():
        assert (found[at].type.name, found[at].interface.name) == names
        assert isinstance(types.itab(at + 8), Absent)
    methods = {symbol.name: symbol.address for symbol in symbols}
    ours = [itab.first_method for itab in found.values() if itab.interface.name == "main.handler"]
    assert ours == [methods["main.(*server).handle"]]


def itab_symbol(symbol: oracle.Symbol) -> Optional[Tuple[oracle.Symbol, Tuple[str, str]]]:
    """The symbol with the type and the interface that it names as reflect does; None if it is no itab's."""
    match = re.match(r"go[:.]itab\.(.*),(.*)$", symbol.name)
    if match is None:
        return None
    held, interface = (re.sub(r"[\w./]*/", "", name) for name in match.groups())
    return symbol, (held, interface)
