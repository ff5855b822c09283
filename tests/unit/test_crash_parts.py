"""What a crash card is made of: stable names of functions, signatures, memory operands, floats as print shows them."""

from __future__ import annotations

import re
import struct
import subprocess
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

import pytest

from shared_core.analysis.signature import is_own, signature, stable_name
from shared_core.arch import get_arch
from shared_core.arch.operand import memory_operand
from shared_core.memory import Memory
from shared_core.runtime import printed
from shared_core.runtime.errnos import errno_text
from shared_core.runtime.floats import float_text
from tests.support import matrix
from tests.support.build import build
from tests.support.cores import run_command
from tests.support.fake import FakeTarget
from tests.support.toolchains import toolchain

NAMES = {
    "main.(*T).run.func2.1": "main.(*T).run.func",
    "main.f[go.shape.int]": "main.f[...]",
    "main.f[...].func1": "main.f[...].func",
    "main.again.func1.again.func1.func2": "main.again.func",
    "main.again.func1.2": "main.again.func",
    "main.glob..func7": "main.init.func",
    "main.init.func12": "main.init.func",
    "main.serve.gowrap3": "main.serve.func",
    "main.serve.deferwrap1": "main.serve.func",
    "main.each.func1-range2": "main.each.func",
    "main.each-range1": "main.each.func",
    "main.(*T).run-fm": "main.(*T).run",
    "example.com/a/b%2ev2.Do": "example.com/a/b%2ev2.Do",
    "net/http.HandlerFunc.ServeHTTP": "net/http.HandlerFunc.ServeHTTP",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_without_what_builds_change(name: str) -> None:
    assert stable_name(name) == NAMES[name]


def test_own_functions() -> None:
    paths = ["shop", "example.com/x"]
    own = ["main.main", "example.com/y.F", "shop/order.F", "shop.F"]
    assert [is_own(name, paths) for name in own] == [True] * 4
    library = [
        "fmt.Println",
        "net/http.(*Server).Serve",
        "vendor/golang.org/x/net/idna.F",
        "shopping.F",
        "runtime.main",
    ]
    assert [is_own(name, paths) for name in library] == [False] * 5


def test_signatures() -> None:
    stack = ["runtime.gopanic", "fmt.Println", "main.a", "main.a", "main.b.func1", "main.main", "runtime.main"]
    assert signature("x:y", stack, None).text == "x:y main.a < main.b.func < main.main"
    assert signature("x:y", ["runtime.gopanic", "sync.(*Mutex).Unlock"], None).text == "x:y sync.(*Mutex).Unlock"
    even, odd = (["main.even", "main.odd"] * 50, ["main.odd", "main.even"] * 50)
    full = [signature("stack", each, None, True).text for each in (even, odd, [*odd, "main.main"])]
    assert full == ["stack main.even < main.odd"] * 3
    assert len(signature("x:y", [f"main.f{chr(97 + i)}" for i in range(20)], None).text.split(" < ")) == 5


OPERANDS = {
    ("amd64", "rax, qword ptr [rbx + rcx*8 + 0x10]"): 0x1000 + 8 * 3 + 16,
    ("amd64", "qword ptr [rbx], rdx"): 0x1000,
    ("amd64", "eax, dword ptr [rcx - 4]"): (1 << 64) - 1,
    ("amd64", "rax, qword ptr [rip + 0x20]"): 0x5020,
    ("amd64", "rax, qword ptr fs:[0xfffffffffffffff8]"): None,
    ("amd64", "rax, qword ptr [r9]"): None,
    ("amd64", "rax, rbx"): None,
    ("arm64", "x0, [x1, #8]"): 0x1008,
    ("arm64", "x0, [x1]"): 0x1000,
    ("arm64", "x0, [x1, x2, lsl #3]"): 0x1000 + 3 * 8,
    ("arm64", "x0, [x1, x2]"): 0x1003,
    ("arm64", "x0, [x1, w2, sxtw #3]"): None,
    ("arm64", "x0, [x1, #-16]!"): 0xFF0,
}
REGISTERS: Dict[str, Dict[str, int]] = {"amd64": {"rbx": 0x1000, "rcx": 3}, "arm64": {"x1": 0x1000, "x2": 3}}


@pytest.mark.parametrize(("arch", "text"), OPERANDS)
def test_memory_operands(arch: str, text: str) -> None:
    found: Optional[int] = memory_operand(get_arch(arch), text, REGISTERS[arch], 0x5000)
    assert found == OPERANDS[arch, text]


NUMBERS = (
    "0",
    "1",
    "-1.5",
    "1e6",
    "999999",
    "123456.75",
    "1e5",
    "1e-4",
    "1e-5",
    "1.1e21",
    "3.14159265358979",
    "5e-324",
    "1e308",
    "0.1",
)
FLOATS = """package main

import "os"

func main() {
	for _, f := range []float64{NUMBERS} {
		print(f, " ", float32(f), "\\n")
	}
	os.Exit(0)
}
"""


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_floats_as_print_has_them(version: str) -> None:
    built = build("floats", version, files={"floats.go": FLOATS.replace("NUMBERS", ", ".join(NUMBERS))})
    done = subprocess.run(run_command(built, []), capture_output=True, text=True, check=True)
    short = int(version.split(".")[1]) >= 26
    expected: List[str] = []
    for number in map(float, NUMBERS):
        try:
            (single,) = struct.unpack("<f", struct.pack("<f", number))
        except OverflowError:
            single = float("inf")
        expected.append(f"{float_text(number, 'Float64', short)} {float_text(single, 'Float32', short)}")
    assert done.stderr.splitlines() == expected


def test_error_numbers() -> None:
    source = toolchain(matrix.newest()).root / "src" / "syscall" / "zerrors_linux_arm64.go"
    table = source.read_text().partition("var errors = [...]string{")[2].partition("\n}")[0]
    found = {int(number): text for number, text in re.findall(r'(\d+):\s+"(.*)",', table)}
    assert len(found) > 130 and {number: errno_text(number) for number in found} == found
    assert errno_text(4095) == "errno 4095"


@pytest.mark.parametrize("index", [0, 66, 511])
def test_what_was_printed_last(index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring that happens to begin with a line, and a flag that is 0 as its index could be."""
    text = (b"goroutine 7 [select]:\n" * 40 + b"fatal error: sync: unlock of unlocked mutex\n")[-512:]
    ring = text[512 - index :] + text[: 512 - index]
    target = FakeTarget({0x1000: ring, 0x2000: struct.pack("<QQQ", 0, index, 1 << 40)})
    monkeypatch.setattr(printed, "_places", lambda session: [0x1000, 0x2000, 0x2008, 0x2010])
    session: Any = SimpleNamespace(memory=Memory(target))
    assert printed.fatal_text(session) == text.decode()
