"""Which registers hold arguments at a function's entry: against the ABI's own rules over the types in DWARF."""

from __future__ import annotations

from collections import Counter
from typing import Counter as CounterType

import pytest

from shared_core.errors import Absent
from shared_core.runtime.argregs import argument_places
from shared_core.runtime.args import ArgWord
from shared_core.session import Session
from tests.support import matrix
from tests.support.build import PLAIN, Flags, build
from tests.support.dwarfparams import Function, Parameters
from tests.support.still import FileTarget

# Where Go lists them: src/internal/abi/abi_amd64.go, abi_arm64.go, cmd/compile/abi-internal.md.
REGISTERS = {
    "amd64": (("rax", "rbx", "rcx", "rdi", "rsi", "r8", "r9", "r10", "r11"), tuple(f"xmm{i}" for i in range(15))),
    "arm64": (tuple(f"x{i}" for i in range(16)), tuple(f"d{i}" for i in range(16))),
}
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
