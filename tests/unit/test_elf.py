"""ELF images from bytes: what is read, what is refused, and that no broken file does more than that."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from shared_core.binary.elf import ElfImage, image_from_memory
from shared_core.binary.image import LoadedImage
from shared_core.errors import FormatError, GoxrayError, ReadError
from shared_core.memory import Memory
from shared_core.target import Image
from tests.support.elf import PAGE, R, W, X, elf
from tests.support.fake import FakeTarget

TEXT, DATA = 0x400000, 0x500000
CODE = bytes(PAGE) + b"code" * 1024
VALUES = b"data" * 1024
PARTS = [(TEXT, R | X, CODE), (DATA, R | W, VALUES)]


def test_segments_and_their_bytes() -> None:
    image = ElfImage(elf(PARTS), None)
    assert [(s.address, s.memory_size, s.writable, s.executable) for s in image.segments] == [
        (TEXT, len(CODE), False, True),
        (DATA, len(VALUES), True, False),
    ]
    assert (image.arch, image.base(), image.position_independent) == ("amd64", TEXT, False)
    assert bytes(image.bytes(DATA + 4, 8)) == b"datadata"
    for address, size in ((DATA + len(VALUES) - 4, 8), (TEXT - 1, 4), (DATA - 1, 1), (0, 1)):
        with pytest.raises(ReadError):
            image.bytes(address, size)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "no ELF header"),
        (b"#!/bin/sh\n" * 20, "no ELF header"),
        (b"\x7fELF\x02\x01" + bytes(20), "no ELF header"),
        (elf(PARTS)[:4] + b"\x01" + elf(PARTS)[5:], "32-bit"),
        (elf(PARTS)[:5] + b"\x02" + elf(PARTS)[6:], "big-endian"),
        (elf(PARTS)[:100], "not all there"),
    ],
)
def test_what_is_no_usable_elf_file_is_refused_in_words(data: bytes, text: str) -> None:
    with pytest.raises(FormatError, match=text):
        ElfImage(data, "prog")


def test_an_architecture_that_goxray_does_not_read_keeps_its_name() -> None:
    assert ElfImage(elf(PARTS, arch="386"), None).arch == "EM_386"


def test_sections_by_name() -> None:
    image = ElfImage(elf(PARTS, sections={".text": (TEXT + PAGE, 64), ".data": (DATA, 8)}), None)
    sections = image.sections()
    assert (sections[".text"].address, sections[".data"].size) == (TEXT + PAGE, 8)


def test_section_headers_past_the_end_are_no_sections() -> None:
    data = elf(PARTS, sections={".text": (TEXT + PAGE, 64)})
    image = ElfImage(data[:-64], None)
    assert image.sections() == {}
    assert bytes(image.bytes(DATA, 4)) == b"data"


def test_more_program_headers_than_16_bits_hold() -> None:
    """PN_XNUM: the count is in sh_info of the first section header."""
    data = bytearray(elf(PARTS, sections={".text": (TEXT + PAGE, 64)}))
    sections = struct.unpack_from("<Q", data, 40)[0]
    struct.pack_into("<H", data, 56, 0xFFFF)
    struct.pack_into("<I", data, sections + 44, 2)
    assert len(ElfImage(bytes(data), None).segments) == 2


def test_relative_relocations_of_both_kinds() -> None:
    """DT_RELA has the addend in its entry, DT_RELR in the place itself."""
    rela = struct.pack("<QQq", DATA + 8, 8, TEXT + 0x10) + struct.pack("<QQq", DATA + 16, 1, 0x999)
    relr = struct.pack("<QQ", DATA + 24, 0b011)  # the place, and the first and not the second word after it
    tables = DATA + 0x200
    tags = {7: tables, 8: len(rela), 36: tables + len(rela), 35: len(relr), 0: 0}
    dynamic = b"".join(struct.pack("<qQ", *tag) for tag in tags.items())
    values = bytearray(PAGE)
    struct.pack_into("<QQQ", values, 24, TEXT + 0x20, TEXT + 0x30, TEXT + 0x40)
    values[0x200 : 0x200 + len(rela + relr)] = rela + relr
    values[0x100 : 0x100 + len(dynamic)] = dynamic
    parts = [(TEXT, R | X, CODE), (DATA, R | W, bytes(values))]
    image = ElfImage(elf(parts, pie=True, dynamic=(DATA + 0x100, len(dynamic))), None)
    assert struct.unpack("<5Q", image.relocated(DATA, 40)) == (0, TEXT + 0x10, 0, TEXT + 0x20, TEXT + 0x30)
    assert image.relocations_to(TEXT + 0x10) == [DATA + 8]
    assert image.relocations_to(TEXT + 0x30) == [DATA + 32]
    assert image.relocations_to(TEXT + 0x40) == []


def test_an_image_from_memory_alone() -> None:
    """PIE at a load bias, its file gone: only what the loader mapped is there, and no section headers."""
    bias = 0x5555_0000_0000
    data = elf([(0, R | X, CODE), (0x100000, R | W, VALUES)], pie=True, sections={".text": (PAGE, 64)})
    target = FakeTarget({bias: data[: len(CODE)], bias + 0x100000: VALUES}, images=[Image(None, bias)])
    image = LoadedImage(target, Memory(target), Image(None, bias))
    assert image.bias == bias
    assert bytes(image.constant(bias + PAGE, 4)) == b"code"
    assert bytes(image.data(bias + 0x100000, 4)) == b"data"
    assert [start for start, _ in image.chunks(True)] == [bias + 0x100000]
    assert image.contains(bias + 0x100001) and not image.contains(bias + 0x200000)


def test_no_elf_header_in_memory() -> None:
    target = FakeTarget({TEXT: bytes(PAGE)})
    for base in (TEXT, TEXT + 0x10000):
        with pytest.raises(FormatError):
            image_from_memory(Memory(target), base)


def test_a_segment_of_absurd_size_ends_the_search_in_time() -> None:
    """p_memsz comes from the target's memory and may say anything."""
    data = bytearray(elf(PARTS))
    struct.pack_into("<Q", data, 64 + 56 + 40, 1 << 62)
    target = FakeTarget({TEXT: bytes(data[: len(CODE)]), DATA: VALUES}, images=[Image(None, TEXT)])
    image = LoadedImage(target, Memory(target), Image(None, TEXT))
    found = b"".join(bytes(piece) for _, piece in image.chunks(True))
    assert VALUES in found
    assert target.reads < 50_000


@pytest.mark.parametrize("seed", range(4))
def test_broken_headers_raise_nothing_but_goxray_errors(seed: int, tmp_path: Path) -> None:
    chooser = random.Random(seed)
    whole = elf(PARTS, pie=True, sections={".text": (TEXT + PAGE, 64)}, dynamic=(DATA, 64))
    path = tmp_path / "prog"
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chooser.randrange(1, 6)):
            place = chooser.randrange(4, 300) if chooser.random() < 0.7 else chooser.randrange(len(data))
            data[place] = chooser.choice((0, 1, 0x7F, 0x80, 0xFF, chooser.randrange(256)))
        path.write_bytes(data[: chooser.randrange(1, len(data))] if chooser.random() < 0.3 else data)
        try:
            image = ElfImage.open(str(path))
            image.sections()
            image.symbol("main.main")
            image.relocations_to(TEXT)
            for segment in image.segments:
                image.segment_bytes(segment)
            image.relocated(DATA, 16)
        except GoxrayError:
            continue
