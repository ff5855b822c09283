"""Type descriptors against reflect in the running program, DWARF and the linker's symbols."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any, Dict, Iterable, List, Optional

import pytest

from shared_core.binary.types import Itab, Type, Types
from shared_core.binary.types.masks import pointer_offsets
from shared_core.binary.types.walk import Extents
from shared_core.errors import Absent, Maybe
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from shared_core.targets.file import FileTarget
from tests.matrix.test_plugins import SOURCES, plugin_core
from tests.support import matrix, oracle
from tests.support.build import Built, Flags, build
from tests.support.cores import run_command, take_core
from tests.support.dwarftypes import struct_layouts

PIE_BUILDS = [each for each in matrix.variants() if each[2] in (Flags(pie=True), Flags(cgo=True))]
_KINDS = {"ptr": "Pointer", "unsafe.Pointer": "UnsafePointer"}
_DIRECTIONS = {"chan": "both", "chan<-": "send", "<-chan": "receive"}
Line = Dict[str, Any]


def types_of(session: Session) -> Types:
    return Types(session.modules.all, session.memory, session.layout)


def at_rest(built: Built, twin: bool = False) -> Types:
    """Of the executable as it is on disk."""
    return types_of(Session(FileTarget(str(built.twin if twin else built.exe))))


def said(built: Built) -> str:
    """What the stripped program prints of its types."""
    done = subprocess.run(run_command(built, []), capture_output=True, text=True, check=True)
    return done.stdout


def lines(text: str) -> List[Line]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def marked(text: str, name: str) -> int:
    """The address that the program printed after `name`."""
    return int(re.findall(rf"^{name} (0x[0-9a-f]+)$", text, re.M)[0], 16)


def place(kind: Maybe[Type], bias: int) -> str:
    return str(kind) if isinstance(kind, Absent) else hex(kind.address + bias)


def places(kinds: Iterable[Maybe[Type]], bias: int) -> Optional[List[str]]:
    return [place(kind, bias) for kind in kinds] or None


def shown(found: Type, bias: int) -> Line:
    """`found` in the words of the program's line."""
    kind = found.kind
    result: Line = {
        "Address": hex(found.address + bias), "Name": found.name, "Kind": kind, "Bare": found.bare_name,
        "PkgPath": (found.pkg_path or "") if found.named else "", "Size": found.size, "Align": found.align,
        "FieldAlign": found.field_align, "Comparable": found.comparable, "Pointers": pointers(found),
        "Direct": kind != "Interface" and found.direct,
    }  # fmt: skip
    if not isinstance(found.elem, Absent):
        result["Elem"] = place(found.elem, bias)
    if not isinstance(found.key, Absent):
        result["Key"] = place(found.key, bias)
    result["Dir"], result["Len"] = found.direction or None, found.length or None
    if kind == "Func":
        signature = found.signature
        assert not isinstance(signature, Absent), signature
        result["In"], result["Out"] = places(signature.params, bias), places(signature.results, bias)
        result["Variadic"] = signature.variadic or None
    if kind == "Struct":
        result["Fields"] = fields(found, bias) or None
    result["Methods"] = methods(found, bias) or None
    return {name: value for name, value in result.items() if value is not None}


def pointers(found: Type) -> Optional[List[int]]:
    mask = found.pointer_mask
    assert not isinstance(mask, Absent), mask
    return list(pointer_offsets(mask)) or None


def fields(found: Type, bias: int) -> List[Line]:
    listed = found.fields
    assert not isinstance(listed, Absent), listed
    return [
        {
            "Name": f.name, "Tag": f.tag.encode().hex(), "Type": place(f.type, bias), "Offset": f.offset,
            "Embedded": f.embedded, "Exported": f.exported,
        }
        for f in listed
    ]  # fmt: skip


def methods(found: Type, bias: int) -> List[Line]:
    """As reflect counts them: of an interface all, else the exported ones."""
    listed: List[Any] = list(found.methods or ())
    if found.kind == "Interface":
        assert not isinstance(found.interface_methods, Absent)
        listed = list(found.interface_methods)
    result: List[Line] = []
    for method in listed:
        if found.kind != "Interface" and not method.exported:
            continue
        assert not isinstance(method.type, Absent), (found, method)
        signature = method.type.signature
        assert not isinstance(signature, Absent)
        line: Line = {
            "Name": method.name,
            "In": places(signature.params, bias),
            "Out": places(signature.results, bias),
            "Code": "" if found.kind == "Interface" else hex((method.tfn or 0) + bias),
        }
        result.append(line)
    return result


def expected(line: Line) -> Line:
    """The program's line with reflect's kinds and directions in our words, and without what it left empty."""
    kind = line["Kind"]
    changed = {**line, "Kind": _KINDS.get(kind, kind.capitalize())}
    if "Dir" in line:
        changed["Dir"] = _DIRECTIONS[line["Dir"]]
    if line.get("Fields"):
        changed["Fields"] = [{k: v for k, v in f.items() if k != "PkgPath"} for f in line["Fields"]]
    return {name: value for name, value in changed.items() if value is not None}


def check(types: Types, told: List[Line], bias: int) -> None:
    assert len(told) > 400
    for line in told:
        found = types.at(int(line["Address"], 16) - bias)
        assert isinstance(found, Type), (line, found)
        assert shown(found, bias) == expected(line)
        assert found in types.find(found.name)


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_what_reflect_says(version: str, arch: str) -> None:
    built = build("types", version, arch)
    told = lines(said(built))
    names = {line["Name"] for line in told}
    assert {"main.pair[main.level,*main.pair[string,io.Reader]]", "chan (<-chan int)", "*types.Scope"} <= names
    check(at_rest(built), told, 0)


@pytest.mark.parametrize(("version", "arch", "flags"), PIE_BUILDS)
def test_where_the_loader_put_it(version: str, arch: str, flags: Flags) -> None:
    """In a core, and in the file with its relocations, of other builds."""
    core = take_core(build("types", version, arch, flags), ["core"])
    check(types_of(Session(CoreTarget(str(core.exe), str(core.core)))), lines(core.stdout), 0)
    rest = at_rest(core.built)
    main = rest.sections[0].module.table.by_name("main.main")[0].entry
    check(rest, lines(core.stdout), marked(core.stdout, "main") - main)


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_names_are_made_of_their_parts(version: str, arch: str) -> None:
    types = at_rest(build("types", version, arch))
    assert len(types.all()) > 2000
    for each in types.all():
        full = each.full_name
        assert not isinstance(full, Absent), full
        # A package may be called otherwise than the end of its path.
        assert re.sub(r"[\w./%-]+\.(?=\w)", "", full) == re.sub(r"[\w./%-]+\.(?=\w)", "", each.name), full
    for name in ("example.com/fixture/stock.v3.Shelf[int]", "map[string]map[[2]int]struct {}", "*go/types.Scope"):
        assert [each.full_name for each in types.find(name)] == [name]
    assert types.find("no.such") == []


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_sizes_and_offsets_are_those_of_dwarf(version: str, arch: str) -> None:
    built = build("types", version, arch)
    types = at_rest(built, twin=True)
    base, count = types.sections[0].start, 0
    for described in struct_layouts(built.twin):
        found = types.at(base + described.descriptor if described.descriptor < base else described.descriptor)
        assert isinstance(found, Type), described
        assert described.size in (None, found.size), described
        # The linker escapes dots, and it qualifies names in structures that are not exported.
        name = described.name.replace("%2e", ".")
        if not re.search(r"[{·]|noalg|^(hash|bucket|waitq|sudog)<", name):
            assert found.full_name == name
        listed = found.fields
        if described.fields and not isinstance(listed, Absent):
            assert [(f.name, f.offset) for f in listed] == described.fields, found
            count += 1
    assert count > 200
    for each in types.all():
        layout = each.map_layout
        if each.kind == "Map":
            assert not isinstance(layout, Absent), (each, layout)


@pytest.mark.parametrize("version", matrix.versions())
def test_every_descriptor_is_found(version: str) -> None:
    """Programs that load plugins keep the symbols of their descriptors."""
    built = build("plughost", version, "amd64", Flags(cgo=True), SOURCES)
    types = at_rest(built, twin=True)
    section = types.sections[0]
    named = [s for s in oracle.nm(built) if s.address in section and re.match(r"type[.:](?!\*$)[^.]", s.name)]
    sizes = {symbol.address: symbol.size for symbol in named}
    assert len(sizes) > 1000
    extents = Extents(types.records)
    assert {each.address: extents.of(each) for each in types.all()} == sizes
    assert list(types.unreadable()) == []


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_itabs(version: str, arch: str) -> None:
    """Where nm has them ("go:itab.*os.File,io.Writer"; Go 1.27 names none), with the methods that their entries are."""
    built = build("types", version, arch)
    types, found = at_rest(built, twin=True), oracle.nm(built)
    itabs = types.itabs()
    assert len(itabs) > 30
    symbols = {s.address: re.split("[.:]", s.name, maxsplit=2)[2] for s in found if re.match("go[.:]itab[.]", s.name)}
    if symbols:
        assert {each.address for each in itabs} == set(symbols)
    functions = {symbol.address: symbol.name for symbol in found if symbol.kind in "Tt"}
    for itab in itabs:
        if symbols:
            names = symbols[itab.address].replace("%2e", ".")
            assert f"{itab.type.full_name},{itab.interface.full_name}" == names or "{" in names
        methods = itab.interface.interface_methods
        assert not isinstance(methods, Absent) and len(methods) == len(itab.entries)
        for number, method in enumerate(methods):
            entry = itab.entry(number)
            if not isinstance(entry, Absent):
                assert functions[entry].split(".")[-1] == method.name, (itab, method)
        assert isinstance(types.itab(itab.address + 8), Absent)


@pytest.mark.parametrize("version", matrix.versions())
def test_a_plugin_has_types_of_its_own(version: str) -> None:
    core = plugin_core(version)
    types = types_of(Session(CoreTarget(str(core.exe), str(core.core))))
    host, plugin = types.sections
    listed = types.all()
    assert min(sum(each.address in section for each in listed) for section in (host, plugin)) > 50
    assert all(not isinstance(each.elem, Absent) for each in listed if each.kind in ("Pointer", "Slice", "Chan"))
    funcs = types.find("func(chan int, int)")
    assert any(each.address in plugin for each in funcs)


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_what_is_made_at_run_time(version: str, arch: str) -> None:
    """An itab of the runtime's own is one like others; a type of reflect's is Absent."""
    core = take_core(build("types", version, arch), ["core"])
    session = Session(CoreTarget(str(core.exe), str(core.core)))
    types = types_of(session)
    assert isinstance(types.at(marked(core.stdout, "made")), Absent)
    itab = types.itab(marked(core.stdout, "itab"))
    assert isinstance(itab, Itab), itab
    assert itab.type.name == "main.level"
    assert itab.interface.name == "interface { String() string; main.hidden(int) int }"
    found = [session.modules.find(entry) for entry in itab.entries]
    assert [each[1].name for each in found if each] == ["main.(*level).String", "main.(*level).hidden"]
