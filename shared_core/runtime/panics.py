"""The panics of a goroutine: g._panic, newest first, as far as they have come.

Sources: Go 1.27 runtime/panic.go (gopanic, preprintpanics, printpanics), runtime/runtime2.go (_panic).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Tuple

from ..binary.types import Type
from ..errors import NOT_APPLICABLE, NOT_RECORDED, Absent, GoxrayError, Maybe, ReadError
from ..layouts.model import Struct
from ..layouts.panicwords import panic_words
from .args import ArgWord, frame_args
from .goerrors import GoErrors, Link
from .goroutine import Goroutine
from .gosyntax import line
from .shown import Bounds
from .unwind import Frame
from .values import Value, Values
from .valuetree import Trees

if TYPE_CHECKING:
    from ..session import Session

MAX_PANICS = 64
_MAX_FRAMES = 4096
_MAX_SHOWN = 512
_BOUNDS = Bounds(depth=3, limit=8, text=256)
_FLAGS = ("recovered", "repanicked", "goexit", "aborted")
_NIL_ERROR = "*runtime.PanicNilError"
_LOST = Absent(NOT_RECORDED, "its text has taken its place, and its argument is no longer on the stack")


class Panic(NamedTuple):
    """One runtime._panic.

    type: of the value that panic was called with, as %T prints it. full: the same with whole import paths, "" where
    the type is not known. message: what is printed after "panic: ", without indents. value: that value in Go's syntax.
    chain: the value and what it wraps, () where it is no error.
    goexit: runtime.Goexit, not a panic. repanicked: the next one is of the same value (since Go 1.25).
    """

    address: int
    type: Maybe[str]
    full: str
    message: Maybe[str]
    value: Maybe[str]
    chain: Tuple[Link, ...]
    recovered: bool
    repanicked: bool
    goexit: bool


class Panics:
    """Reads panics of one stopped program."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._memory = session.memory
        self._kind: Struct = session.layout.struct("runtime._panic")
        self._words = panic_words(session.layout)
        self.values = Values(session.memory, session.types)
        self._trees = Trees(session, self.values)
        self.errors = GoErrors(self.values, self._words)

    def read(self, goroutine: Goroutine) -> Tuple[List[Panic], str]:
        """(its panics, newest first; why the list ends early, "" when it does not)."""
        found: List[Panic] = []
        seen = set()
        g = self._session.layout.struct("runtime.g")
        try:
            address = self._memory.u64(goroutine.address + g.offset("_panic"))
            arguments = self._arguments(goroutine) if address else {}
            while address and len(found) < MAX_PANICS:
                if address in seen:
                    return found, f"the list of panics loops at {address:#x}"
                seen.add(address)
                found.append(self._one(address, arguments))
                address = self._memory.u64(address + self._kind.offset("link"))
        except ReadError as error:
            return found, f"the list of panics is cut: {error}"
        return found, ""

    def _one(self, address: int, arguments: Dict[Tuple[int, int], Tuple[int, int]]) -> Panic:
        flags = {name: self._flag(address, name) for name in _FLAGS}
        rest = (flags["recovered"], flags["repanicked"], flags["goexit"])
        if flags["goexit"]:
            nothing = Absent(NOT_APPLICABLE, "runtime.Goexit has no value")
            return Panic(address, nothing, "", nothing, nothing, (), *rest)
        now = struct.unpack("<QQ", self._memory.read(address + self._kind.offset("arg"), 16))
        given = next((words for (low, high), words in arguments.items() if low <= address < high), None)
        current = self._value(*now)
        message = self._message(current)
        if now[0] and given == (0, 0) and message == self._words.nil:
            # gopanic puts it in the place of nil before anything else (Go 1.21).
            return Panic(address, _NIL_ERROR, _NIL_ERROR, message, "nil", (), *rest)
        original = self._original(current, message, now, given)
        if isinstance(original, Absent):
            return Panic(address, original, "", message, original, (), *rest)
        name, full = original.type.name, original.type.full_name
        chain = tuple(self.errors.chain(original)) if self._is_error(original.type) else ()
        shown = self._shown(original)
        return Panic(address, name, name if isinstance(full, Absent) else full, message, shown, chain, *rest)

    def _original(
        self, current: Maybe[Value], message: Maybe[str], now: Tuple[int, int], given: Optional[Tuple[int, int]]
    ) -> Maybe[Value]:
        """What panic was called with: preprintpanics puts strings in the place of errors and Stringers."""
        found = None if given is None else self._value(*given)
        if isinstance(found, Value) and self._agrees(found, current, message, given == now):
            return found
        is_text = isinstance(current, Value) and current.type.name == "string"
        return _LOST if is_text else current

    def _shown(self, value: Value) -> str:
        text = line(self._trees.of(value, _BOUNDS), limit=_MAX_SHOWN)
        bare = value.type.kind in ("Struct", "Pointer", "Slice") or value.type.name == "string"
        return text if bare else f"{value.type.name}({text})"

    def _flag(self, address: int, name: str) -> bool:
        return name in self._kind and bool(self._memory.u8(address + self._kind.offset(name)))

    def _value(self, descriptor: int, word: int) -> Maybe[Value]:
        if not descriptor:
            return Absent(NOT_APPLICABLE, "nil")
        return self.values.held(descriptor, word)

    def _message(self, value: Maybe[Value]) -> Maybe[str]:
        """What printpanics prints, or would print."""
        if isinstance(value, Absent):
            return "nil" if value.detail == "nil" else value
        if self._is_error(value.type):
            return self.errors.message(value)
        if _has(value.type, "String"):
            return Absent(NOT_RECORDED, f"what String() of {value.type.name} says is in its code")
        return self.values.printed(value, self._words.short_floats)

    def _agrees(self, original: Value, current: Maybe[Value], message: Maybe[str], same: bool) -> bool:
        """Whether the argument words of gopanic can be what became the value that the panic has now."""
        if same:
            return True
        if isinstance(current, Absent) or current.type.name != "string":
            return False
        if self._is_error(original.type):
            text = self.errors.message(original)
            return isinstance(text, Absent) or text == message
        return _has(original.type, "String")

    def _is_error(self, kind: Type) -> bool:
        return _has(kind, "Error")

    def _arguments(self, goroutine: Goroutine) -> Dict[Tuple[int, int], Tuple[int, int]]:
        """The frame [sp, fp) of each gopanic on the stack -> the two words of its argument.

        The _panic is a local of gopanic, which so tells whose it is.
        """
        found: Dict[Tuple[int, int], Tuple[int, int]] = {}
        for item in self._session.world.stacks.walk(goroutine, _MAX_FRAMES):
            if isinstance(item, Frame) and item.func.name == "runtime.gopanic":
                words = self._argument(item)
                if words is not None:
                    found[item.sp, item.fp] = words
        return found

    def _argument(self, frame: Frame) -> Optional[Tuple[int, int]]:
        frames = self._session.source_frames
        try:
            items = frame_args(frames.tabs(frame.module), frame, self._memory, frame.symbol_pc)
        except GoxrayError:
            return None
        words = [item.value for item in items if isinstance(item, ArgWord)] if isinstance(items, list) else []
        if len(words) != 2 or not isinstance(words[0], int) or not isinstance(words[1], int):
            return None
        return words[0], words[1]


def _has(kind: Type, method: str) -> bool:
    """Whether a type has the method `method`() string."""
    methods = kind.methods
    for each in () if isinstance(methods, Absent) else methods:
        if each.name == method:
            signature = each.type.signature if isinstance(each.type, Type) else None
            if signature is None or isinstance(signature, Absent):
                return True  # the linker leaves out the types of methods that nothing calls by reflection
            results = [result.name for result in signature.results if isinstance(result, Type)]
            return not signature.params and results == ["string"]
    return False
