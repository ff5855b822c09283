"""Type sections with bytes changed at random, and with holes: whatever is asked of them is answered."""

from __future__ import annotations

import random
from typing import Any, List, Tuple

import pytest

from shared_core.binary.types import Itab, Type, Types
from shared_core.binary.types import section as sections
from shared_core.errors import Absent, ReadError
from tests.matrix.test_types import at_rest
from tests.support import matrix
from tests.support.build import build

PARTS = (
    *("name", "full_name", "bare_name", "pkg_path", "elem", "key", "length", "direction", "fields", "signature"),
    *("interface_methods", "methods", "map_layout", "pointer_to", "pointer_mask", "comparable", "direct", "size"),
)


def ask_everything(types: Types) -> List[Type]:
    found = types.all()
    for each in found:
        for part in PARTS:
            getattr(each, part)
    assert all(isinstance(itab, Itab) for itab in types.itabs())
    assert isinstance(types.find("main.everything"), list)
    return found


@pytest.mark.parametrize("version", [matrix.newest(), "1.24", "1.23", matrix.oldest()])
@pytest.mark.parametrize("seed", range(3))
def test_changed_bytes(version: str, seed: int) -> None:
    types = at_rest(build("types", version))
    whole = len(types.all())
    dice, broken = random.Random(seed), at_rest(build("types", version))
    section = broken.sections[0]
    section.load()
    view: Any = section
    data = bytearray(view._view)
    for _ in range(len(data) // 500):
        at = dice.randrange(len(data))
        data[at : at + 1] = dice.choice((b"\0", b"\xff", b"\x7f", bytes([dice.randrange(256)])))
    view._view = memoryview(data)
    assert 0 < len(ask_everything(broken)) < whole


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_holes(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A core without some of the pages: types elsewhere are the same, and what could not be read is told."""
    whole = at_rest(build("types", version))
    types = at_rest(build("types", version))
    section: Any = types.sections[0]
    start, end = section.start, section.end
    middle = (types.sections[0].start + (whole.all()[len(whole.all()) // 2].address - start)) & -4096
    hole, get = (middle, middle + 3 * 4096), section._get

    def damaged(self: sections.Section, address: int, size: int) -> Any:
        if address < hole[1] and hole[0] < address + size:
            raise ReadError(address, size)
        return get(address, size)

    monkeypatch.setattr(sections.Section, "_get", damaged)
    section._view = None
    found = ask_everything(types)
    assert list(types.unreadable()) == [hole]
    expected = [each.address for each in whole.all() if not touches(each, hole)]
    # What leads to a type in the hole cannot be told from what is no descriptor.
    assert {each.address for each in found} <= {each.address for each in whole.all()}
    assert len(expected) // 2 < len(found) <= len(expected)
    assert start < hole[0] and hole[1] < end
    assert isinstance(types.at(hole[0]), Absent)


def touches(each: Type, hole: Tuple[int, int]) -> bool:
    return each.address < hole[1] and hole[0] < each.address + 48
