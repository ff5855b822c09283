"""What to add to linked addresses, from an auxiliary vector that may be wrong or missing."""

from __future__ import annotations

from typing import Dict, Optional

import pytest

from shared_core.binary.elf import ElfImage
from shared_core.binary.loadbias import AT_ENTRY, AT_PHDR, load_bias
from tests.support.elf import PAGE, R, X, elf

BIAS = 0x5555_5555_4000
ENTRY, HEADERS = 0x1000, 64  # as tests.support.elf lays an image out whose first part is at 0


def image(pie: bool, start: int = 0) -> ElfImage:
    return ElfImage(elf([(start, R | X, bytes(2 * PAGE))], pie=pie), None)


@pytest.mark.parametrize(
    ("auxv", "bias"),
    [
        ({AT_ENTRY: BIAS + ENTRY, AT_PHDR: BIAS + HEADERS}, BIAS),
        ({AT_PHDR: BIAS + HEADERS}, BIAS),
        ({AT_ENTRY: BIAS + ENTRY}, BIAS),
        ({AT_ENTRY: BIAS + ENTRY + 8, AT_PHDR: BIAS + HEADERS}, BIAS),
        ({AT_ENTRY: BIAS + ENTRY + 8, AT_PHDR: BIAS + HEADERS + 8}, None),
        ({AT_ENTRY: ENTRY}, 0),
        ({AT_ENTRY: 0, AT_PHDR: 0}, None),
        ({}, None),
    ],
)
def test_position_independent(auxv: Dict[int, int], bias: Optional[int]) -> None:
    assert load_bias(image(pie=True), auxv) == bias


def test_fixed_whatever_the_vector_says() -> None:
    assert load_bias(image(pie=False, start=0x400000), {AT_ENTRY: BIAS + ENTRY}) == 0


def test_where_the_program_headers_are() -> None:
    assert image(pie=False, start=0x400000).headers_address == 0x400000 + HEADERS
