"""layouts.globals: addresses out of hand-assembled functions, in order of trust."""

from __future__ import annotations

import struct
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import pytest

from shared_core.arch import get_arch
from shared_core.errors import LayoutError
from shared_core.layouts import Anchor, Globals, Layout
from shared_core.layouts.globals import rank_candidates

ALLGS, OTHER, THIRD = 0x5000, 0x6000, 0x7000


def _layout(*anchors: Tuple[str, int, int]) -> Layout:
    return Layout("1.27", "amd64", "test", {}, {}, {"runtime.allgs": [Anchor(*a) for a in anchors]})


def _touching(address: int, targets: Sequence[int]) -> bytes:
    """amd64 code for `address` that loads each of the targets: mov rax, [rip+disp]."""
    code = b""
    for target in targets:
        code += b"\x48\x8b\x05" + struct.pack("<i", target - (address + len(code) + 7))
    return code


def _code(functions: Dict[str, List[int]]) -> Callable[[str], Optional[Tuple[int, bytes]]]:
    places = {name: 0x1000 + 0x100 * i for i, name in enumerate(functions)}

    def code(name: str) -> Optional[Tuple[int, bytes]]:
        return (places[name], _touching(places[name], functions[name])) if name in functions else None

    return code


def _globals(layout: Layout, functions: Dict[str, List[int]], symbol: Optional[int] = None) -> Globals:
    return Globals(layout, get_arch("amd64"), _code(functions), lambda name: symbol)


def test_most_anchors_win() -> None:
    layout = _layout(("a", 0, 0), ("b", 1, 8), ("c", 0, 0))
    found = _globals(layout, {"a": [OTHER, ALLGS], "b": [OTHER, ALLGS + 8], "c": [ALLGS, THIRD]})
    assert found.candidates("runtime.allgs")[0] == ALLGS


def test_symbol_comes_first_and_is_not_repeated() -> None:
    found = _globals(_layout(("a", 0, 0)), {"a": [ALLGS, OTHER]}, symbol=OTHER)
    assert found.candidates("runtime.allgs") == [OTHER, ALLGS]


def test_other_order_of_accesses_is_found_by_what_functions_have_in_common() -> None:
    layout = _layout(("a", 0, 0), ("b", 0, 0), ("c", 2, 0))
    found = _globals(layout, {"a": [0x8000, ALLGS], "b": [0x9000, ALLGS], "c": [ALLGS, 0xA000, 0xB000]})
    assert found.candidates("runtime.allgs")[0] == ALLGS


def test_address_that_one_function_of_several_touches_is_no_candidate() -> None:
    found = _globals(_layout(("a", 0, 0), ("b", 0, 0)), {"a": [ALLGS, OTHER], "b": [ALLGS, THIRD]})
    assert found.candidates("runtime.allgs") == [ALLGS]


def test_repeated_accesses_count_once() -> None:
    found = _globals(_layout(("a", 1, 0)), {"a": [OTHER, OTHER, ALLGS]})
    assert found.candidates("runtime.allgs")[0] == ALLGS


def test_find_takes_the_first_that_checks_out() -> None:
    found = _globals(_layout(("a", 0, 0)), {"a": [OTHER, ALLGS]})
    assert found.find("runtime.allgs", lambda address: address == ALLGS) == ALLGS


def test_failure_names_anchors_and_reasons() -> None:
    layout = _layout(("a", 0, 0), ("b", 5, 0), ("gone", 0, 0))
    found = _globals(layout, {"a": [ALLGS], "b": [ALLGS]})
    with pytest.raises(LayoutError) as caught:
        found.find("runtime.allgs", lambda address: False)
    text = str(caught.value)
    assert "a (0x5000 did not check out)" in text
    assert "b (names only 1 data addresses, not 6)" in text and "gone (not in the program)" in text


def test_unknown_global_is_a_layout_error() -> None:
    found = _globals(_layout(), {})
    assert found.candidates("runtime.nothing") == []
    with pytest.raises(LayoutError, match="runtime.nothing"):
        found.find("runtime.nothing", lambda address: True)


def test_each_function_is_read_once() -> None:
    calls: List[str] = []
    code = _code({"a": [ALLGS]})

    def counted(name: str) -> Optional[Tuple[int, bytes]]:
        calls.append(name)
        return code(name)

    found = Globals(_layout(("a", 0, 0), ("a", 0, 8)), get_arch("amd64"), counted, lambda name: None)
    found.candidates("runtime.allgs")
    found.candidates("runtime.allgs")
    assert calls == ["a"]


def test_swapped_halves_of_a_string_are_told_by_one_more_function() -> None:
    """PIE builds of Go 1.19 for arm64 load pointer before length: those anchors alone would be 8 bytes off."""
    anchors = [Anchor("a", 0, 8), Anchor("b", 0, 8), Anchor("a", 1, 0), Anchor("b", 1, 0), Anchor("c", 0, 0)]
    functions = {"a": [ALLGS, ALLGS + 8], "b": [ALLGS, ALLGS + 8], "c": [ALLGS]}
    assert rank_candidates(anchors, functions.get)[0] == ALLGS
