"""Stack walks over fake memory: right on whole stacks, and ended with a reason on any other."""

from __future__ import annotations

import random
import struct
from typing import Dict, List, Optional, Tuple

import pytest

from shared_core.arch import get_arch
from shared_core.binary.program import Program
from shared_core.memory import Memory
from shared_core.runtime.unwind import Frame, Start, Stop, Unwinder
from tests.support.fake import FakeTarget
from tests.support.goimage import TEXT, make
from tests.support.gotables import Fn

LOW, HIGH = 0xC000100000, 0xC000108000
TOP, SP_WRITE = 1, 2
SIGPANIC, PREEMPT, CGOCALLBACK = 1, 2, 4
FUNCTIONS = [
    Fn("runtime.goexit", 64, flags=TOP),
    Fn("main.leaf", 64, ((64, 0),)),
    Fn("main.small", 64, ((64, 16),)),
    Fn("main.large", 64, ((64, 0x1000),)),
    Fn("main.partial", 64, ((8, 24),)),
    Fn("main.bare", 64, ()),
    Fn("runtime.morestack", 64, ((64, 8),), flags=SP_WRITE),
    Fn("runtime.sigpanic", 64, ((64, 32),), func_id=SIGPANIC),
    Fn("runtime.asyncPreempt", 64, ((64, 48),), func_id=PREEMPT),
    Fn("runtime.cgocallback", 64, ((64, 8),), func_id=CGOCALLBACK, flags=SP_WRITE),
    Fn("main.negative", 64, ((64, -8),)),
    Fn("main.deferring", 64, ((64, 16),), deferreturn=40),
]
AT: Dict[str, int] = {fn.name: TEXT + 64 * i for i, fn in enumerate(FUNCTIONS)}


class Stack:
    """A stack at [LOW, HIGH) of words that a test sets, and the walker over it."""

    def __init__(self, arch: str = "amd64", go: str = "1.27", mapped: Optional[List[Tuple[int, int]]] = None) -> None:
        made = make(FUNCTIONS, arch=arch)
        self.arch = arch
        self.words = bytearray(HIGH - LOW)
        self._mapped = mapped or [(LOW, HIGH)]
        self._target: FakeTarget = made.target()
        self._layout = made.layout.__class__(**{**made.layout.__dict__, "go": go})

    def put(self, address: int, *values: int) -> None:
        struct.pack_into(f"<{len(values)}Q", self.words, address - LOW, *values)

    def walk(self, pc: int, sp: int, lr: int = 0, trap: bool = False, limit: int = 1000) -> List[object]:
        for start, end in self._mapped:
            self._target.segments[start] = bytes(self.words[start - LOW : end - LOW])
        memory = Memory(self._target)
        modules = Program(self._target, memory).modules(self._layout)
        unwinder = Unwinder(modules, memory, self._layout, get_arch(self.arch))
        return list(unwinder.walk(Start(pc, sp, lr, LOW, HIGH, trap), limit))


def names(items: List[object]) -> List[str]:
    return [item.func.name for item in items if isinstance(item, Frame)]


def reason(items: List[object]) -> str:
    """Why the walk ended; "" when it came to an outermost function. There is a Stop at the end only."""
    assert all(isinstance(item, Frame) for item in items[:-1])
    return items[-1].reason if items and isinstance(items[-1], Stop) else ""


SP = LOW + 0x4000


def test_a_whole_stack() -> None:
    stack = Stack()
    stack.put(SP, AT["main.small"] + 5)  # leaf has no frame: its return address is at sp
    stack.put(SP + 8 + 16, AT["main.large"] + 9)
    stack.put(SP + 8 + 24 + 0x1000, AT["runtime.goexit"] + 1)
    found = stack.walk(AT["main.leaf"] + 4, SP)
    assert (names(found), reason(found)) == (["main.leaf", "main.small", "main.large", "runtime.goexit"], "")
    leaf, small, large, _ = (frame for frame in found if isinstance(frame, Frame))
    assert (leaf.sp, leaf.fp, small.sp, small.fp) == (SP, SP + 8, SP + 8, SP + 32)
    assert (small.argp, small.varp, leaf.varp) == (SP + 32, SP + 16, SP)
    assert (small.pc, small.symbol_pc, large.fp) == (AT["main.small"] + 5, AT["main.small"] + 4, SP + 40 + 0x1000)


def test_a_whole_stack_of_arm64() -> None:
    """Return addresses come in lr for the innermost leaf, and from 0(sp) for all others."""
    stack = Stack("arm64")
    stack.put(SP, AT["main.large"] + 8)
    stack.put(SP + 16, AT["runtime.goexit"] + 4)
    found = stack.walk(AT["main.leaf"] + 4, SP, lr=AT["main.small"] + 8, trap=True)
    assert (names(found), reason(found)) == (["main.leaf", "main.small", "main.large", "runtime.goexit"], "")
    frames = [frame for frame in found if isinstance(frame, Frame)]
    assert [(frame.sp - SP, frame.fp - SP) for frame in frames] == [(0, 0), (0, 16), (16, 0x1010), (0x1010, 0x1010)]
    assert [frame.argp - frame.fp for frame in frames] == [8] * 4
    assert frames[0].symbol_pc == frames[0].pc


def test_a_call_of_a_nil_function() -> None:
    stack = Stack()
    stack.put(SP, AT["main.small"] + 5)
    stack.put(SP + 24, AT["runtime.goexit"] + 1)
    assert names(stack.walk(0, SP)) == ["main.small", "runtime.goexit"]


@pytest.mark.parametrize(("go", "back"), [("1.27", 0), ("1.19", 1)])
def test_calls_that_a_signal_handler_made_up(go: str, back: int) -> None:
    """sigpanic's caller stands at the faulting instruction itself; asyncPreempt's does so since Go 1.21."""
    stack = Stack(go=go)
    stack.put(SP + 32, AT["main.deferring"] + 20)
    stack.put(SP + 40 + 16, AT["runtime.goexit"] + 1)
    frames = [frame for frame in stack.walk(AT["runtime.sigpanic"] + 9, SP) if isinstance(frame, Frame)]
    assert frames[1].symbol_pc == AT["main.deferring"] + 20
    assert frames[1].continpc == AT["main.deferring"] + 41
    stack = Stack(go=go)
    stack.put(SP + 48, AT["main.small"] + 20)
    stack.put(SP + 56 + 16, AT["runtime.goexit"] + 1)
    frames = [frame for frame in stack.walk(AT["runtime.asyncPreempt"] + 9, SP) if isinstance(frame, Frame)]
    assert frames[1].symbol_pc == AT["main.small"] + 20 - back
    assert frames[1].continpc == AT["main.small"] + 20


def test_a_panicked_frame_that_defers_nothing_is_dead() -> None:
    stack = Stack()
    stack.put(SP + 32, AT["main.small"] + 20)
    stack.put(SP + 40 + 16, AT["runtime.goexit"] + 1)
    frames = [frame for frame in stack.walk(AT["runtime.sigpanic"] + 9, SP) if isinstance(frame, Frame)]
    assert [frame.continpc for frame in frames][1:] == [0, AT["runtime.goexit"] + 1]


def test_injected_call_of_arm64() -> None:
    """The handler saved the interrupted lr in a slot of 16 bytes before it made up the call."""
    stack = Stack("arm64")
    stack.put(SP, AT["main.leaf"] + 8)  # asyncPreempt's return address: the interrupted leaf
    stack.put(SP + 48, AT["main.small"] + 8)  # the lr that it had
    stack.put(SP + 64, AT["runtime.goexit"] + 4)
    found = stack.walk(AT["runtime.asyncPreempt"] + 8, SP)
    assert (names(found), reason(found)) == (
        ["runtime.asyncPreempt", "main.leaf", "main.small", "runtime.goexit"],
        "",
    )


STOPS = [
    ("main.small", "is in no Go function", [0] * 2 + [TEXT - 5]),
    ("main.small", "is in no Go function", [0] * 2 + [TEXT + 64 * len(FUNCTIONS)]),
    ("main.small", "is in no Go function", [0] * 2 + [(1 << 64) - 1]),
    ("main.small", "ends without an outermost function", [0] * 3),
    ("main.small", "no frame size is recorded", [0] * 2 + [AT["main.bare"] + 4]),
    ("main.small", "no frame size is recorded", [0] * 2 + [AT["main.negative"] + 4]),
    ("main.small", "no frame size is recorded", [0] * 2 + [AT["main.partial"] + 40]),
    ("main.small", "changes its stack pointer", [0] * 2 + [AT["runtime.morestack"] + 4, 0, AT["main.small"] + 4]),
]


@pytest.mark.parametrize(("function", "text", "words"), STOPS)
def test_why_a_walk_ends(function: str, text: str, words: List[int]) -> None:
    stack = Stack()
    stack.put(SP, *words)
    found = stack.walk(AT[function] + 4, SP)
    assert text in reason(found)
    assert names(found)[0] == function


def test_functions_that_change_sp_are_passed_where_it_is_known() -> None:
    """The innermost frame's sp is the thread's own; cgocallback's tables are right."""
    for name in ("runtime.morestack", "runtime.cgocallback"):
        stack = Stack()
        stack.put(SP + 8, AT["runtime.goexit"] + 1)
        assert names(stack.walk(AT[name] + 4, SP)) == [name, "runtime.goexit"]
    stack = Stack()
    stack.put(SP + 16, AT["runtime.cgocallback"] + 4)
    stack.put(SP + 32, AT["runtime.goexit"] + 1)
    assert names(stack.walk(AT["main.small"] + 4, SP)) == ["main.small", "runtime.cgocallback", "runtime.goexit"]


def test_an_interrupted_function_that_moves_sp_is_taken_as_its_code_has_it() -> None:
    """The fake's code is all zeros, which move nothing: its table's 8 bytes are not believed."""
    stack = Stack()
    stack.put(SP, AT["runtime.goexit"] + 1, AT["main.small"] + 5)
    found = stack.walk(AT["runtime.morestack"] + 4, SP, trap=True)
    assert names(found) == ["runtime.morestack", "runtime.goexit"]


def test_a_link_register_that_is_lost() -> None:
    """On arm64 a function without a frame that has called another has its return address nowhere on the stack."""
    stack = Stack("arm64")
    stack.put(SP, AT["runtime.goexit"] + 4)
    found = stack.walk(AT["main.leaf"] + 4, SP)
    assert (names(found), "in a register that is lost" in reason(found)) == (["main.leaf"], True)


@pytest.mark.parametrize("sp", [LOW - 8, HIGH + 8, 0, SP + 4, (1 << 64) - 8])
def test_a_stack_pointer_outside_its_stack(sp: int) -> None:
    assert "outside its stack" in reason(Stack().walk(AT["main.small"] + 4, sp))


def test_a_frame_larger_than_its_stack() -> None:
    found = Stack().walk(AT["main.large"] + 4, HIGH - 64)
    assert names(found) == ["main.large"]
    assert reason(found)


def test_pages_that_cannot_be_read() -> None:
    """What lies before the hole is still shown."""
    stack = Stack(mapped=[(LOW, SP + 0x1000), (SP + 0x3000, HIGH)])
    stack.put(SP + 16, AT["main.large"] + 9)
    stack.put(SP + 24 + 0x1000, AT["runtime.goexit"] + 1)
    found = stack.walk(AT["main.small"] + 4, SP)
    assert names(found) == ["main.small", "main.large"]
    assert "cannot read" in reason(found)


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
@pytest.mark.parametrize("name", ["main.leaf", "main.small", "runtime.asyncPreempt", "runtime.sigpanic"])
def test_return_addresses_that_lead_back_end(arch: str, name: str) -> None:
    """Every word is the same return address: each frame seems to have been called by itself."""
    stack = Stack(arch)
    stack.put(LOW, *[AT[name] + 8] * ((HIGH - LOW) // 8))
    found = stack.walk(AT[name] + 8, SP, lr=AT[name] + 8, limit=1 << 20)
    assert reason(found)
    assert len(found) <= (HIGH - SP) // 8 + 2


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
@pytest.mark.parametrize("seed", range(60))
def test_random_stacks_always_end(arch: str, seed: int) -> None:
    """Words are return addresses mostly, else stack addresses, small numbers and noise."""
    chooser = random.Random(seed)
    stack = Stack(arch, mapped=[(LOW, HIGH - 0x1000)] if seed % 3 == 0 else None)

    def word() -> int:
        kind = chooser.random()
        if kind < 0.7:
            return TEXT + chooser.randrange(64 * len(FUNCTIONS)) // 4 * 4
        return chooser.choice((0, 1, 8, chooser.randrange(LOW, HIGH), chooser.getrandbits(64)))

    stack.put(LOW, *(word() for _ in range((HIGH - LOW) // 8)))
    for _ in range(20):
        pc, sp = word(), LOW + chooser.randrange(0, HIGH - LOW + 8, 8)
        found = stack.walk(pc, sp, word(), bool(chooser.randrange(2)), limit=1 << 20)
        assert all(isinstance(item, (Frame, Stop)) for item in found)
        assert len(found) <= 2 * (HIGH - LOW) // 8 + 4
        assert reason(found) or names(found)[-1] == "runtime.goexit"
        sps = [frame.sp for frame in found if isinstance(frame, Frame)]
        assert sps == sorted(sps)


def test_no_more_frames_than_asked_for() -> None:
    stack = Stack()
    stack.put(LOW, *[AT["main.small"] + 8] * ((HIGH - LOW) // 8))
    assert len(stack.walk(AT["main.small"] + 8, SP, limit=7)) == 7
