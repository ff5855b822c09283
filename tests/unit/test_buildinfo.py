"""Build info from bytes: both encodings, and the runtime's own string where it is wiped."""

from __future__ import annotations

import random
import struct

import pytest

from shared_core.binary.buildinfo import BuildInfo, ModuleVersion, read_build_info
from shared_core.binary.image import LoadedImage
from shared_core.binary.program import Program
from shared_core.memory import Memory
from tests.support.goimage import DATA, INFO, TABLES, Made, build_info, make, old_build_info
from tests.support.gotables import Fn

TEXT = """path\texample.com/cmd/tool
mod\texample.com\tv1.2.3\th1:sum=
dep\tgolang.org/x/sys\tv0.1.0\th1:other=
dep\texample.com/no-sum\t(devel)
=>\texample.com/replacement\tv9.9.9\th1:third=
build\t-compiler=gc
build\t-ldflags="-s -w"
build\tvcs.time=2024-01-02T03:04:05Z
"""
STRINGS = DATA + 0xC00


def read(made: Made) -> BuildInfo:
    target = made.target()
    info = read_build_info(LoadedImage(target, Memory(target), target.images()[0]))
    assert info is not None
    return info


def nothing(made: Made) -> bool:
    target = made.target()
    return read_build_info(LoadedImage(target, Memory(target), target.images()[0])) is None


def version_of(made: Made) -> str:
    target = made.target()
    return Program(target, Memory(target)).go_version


def check(info: BuildInfo) -> None:
    assert (info.path, info.main) == ("example.com/cmd/tool", ModuleVersion("example.com", "v1.2.3", "h1:sum="))
    assert [d.path for d in info.dependencies] == ["golang.org/x/sys", "example.com/no-sum"]
    assert [d.sum for d in info.dependencies] == ["h1:other=", ""]
    assert info.settings == {"-compiler": "gc", "-ldflags": '"-s -w"', "vcs.time": "2024-01-02T03:04:05Z"}


def test_inline_strings() -> None:
    made = make([Fn("main.main")])
    made.put(INFO, build_info("go1.27.3", TEXT))
    info = read(made)
    assert info.go_version == "go1.27.3"
    check(info)


def test_pointers_to_strings() -> None:
    made = make([Fn("main.main")])
    old_build_info(made, b"go1.17.13", b"0123456789abcdef" + TEXT.encode() + b"fedcba9876543210")
    info = read(made)
    assert info.go_version == "go1.17.13"
    check(info)


def test_a_version_alone() -> None:
    """go run, and builds outside a module, record no modules."""
    made = make([Fn("main.main")])
    made.put(INFO, bytes(0x200))
    made.put(INFO, build_info("go1.22.0", ""))
    assert read(made) == BuildInfo("go1.22.0")


@pytest.mark.parametrize(
    "version", ["go1.28rc1", "go1.21.3 X:boringcrypto", "devel go1.28-0123abc Mon Jan 1 00:00:00 2026"]
)
def test_versions_of_other_kinds(version: str) -> None:
    made = make([Fn("main.main")])
    made.put(INFO, build_info(version, ""))
    assert read(made).go_version == version


@pytest.mark.parametrize(
    "blob",
    [
        build_info("gcc 12", ""),
        build_info("go1.27.3\x1b[31m", ""),
        b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16) + b"\xff" * 16,
        b"\xff Go buildinf:" + bytes([8, 3]) + struct.pack("<QQ", 1, 1),
        b"\xff Go buildinf:" + bytes([4, 0]) + struct.pack("<QQ", STRINGS, STRINGS),
        b"\xff Go buildinf:" + bytes([8, 1]) + struct.pack("<QQ", STRINGS, STRINGS),
        b"\xff Go buildinf:" + bytes([8, 0]) + struct.pack("<QQ", 0, 0),
        b"\xff Go buildinf:" + bytes([8, 0]) + struct.pack("<QQ", (1 << 64) - 8, 1 << 63),
    ],
)
def test_what_makes_no_sense_is_no_build_info(blob: bytes) -> None:
    made = make([Fn("main.main")])
    made.put(INFO, bytes(0x200))
    made.put(INFO, blob)
    assert nothing(made)


def test_the_first_that_makes_sense_counts() -> None:
    """A program that reads build info holds the magic as a constant of its own too."""
    made = make([Fn("main.main")])
    made.put(TABLES + 0x20000, b"\xff Go buildinf:" + bytes(18))
    made.put(DATA, b"\xff Go buildinf:" + b"\xff" * 18)
    assert read(made).go_version == "go1.27.3"


def test_no_build_info_but_the_runtimes_own_version() -> None:
    """runtime.buildVersion is a string variable; other texts that look like versions have no string pointing there."""
    made = make([Fn("main.main")])
    made.put(INFO, bytes(0x200))
    texts = TABLES + 0x20000
    made.put(texts, b"...needs go1.99.1 or laterabcgo1.24.11devel")
    made.put(STRINGS, struct.pack("<QQ", texts + 29, 9))
    assert nothing(made)
    assert version_of(made) == "go1.24.11"


def test_no_version_at_all() -> None:
    made = make([Fn("main.main")])
    made.put(INFO, bytes(0x200))
    assert version_of(made) == ""


@pytest.mark.parametrize("seed", range(5))
def test_broken_build_info_raises_nothing(seed: int) -> None:
    chooser = random.Random(seed)
    for _ in range(60):
        blob = bytearray(build_info("go1.27.3", TEXT))
        for _ in range(chooser.randrange(1, 6)):
            blob[chooser.randrange(14, len(blob))] = chooser.choice((0, 0x7F, 0x80, 0xFF, chooser.randrange(256)))
        made = make([Fn("main.main")])
        made.put(INFO, bytes(blob))
        version_of(made)
