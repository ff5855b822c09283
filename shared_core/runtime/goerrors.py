"""What error values say: the text that their Error() would give, where memory alone tells it, and what they wrap.

Sources: Go 1.27 runtime/error.go, runtime/panic.go (PanicNilError), errors/errors.go, errors/join.go, fmt/errors.go,
io/fs/fs.go (PathError), os/error.go (SyscallError), syscall/syscall_unix.go (Errno), net/net.go (OpError),
net/tcpsock.go (TCPAddr), context/context.go, internal/poll/fd.go.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional

from ..binary.types import Type
from ..errors import NOT_RECORDED, Absent, Maybe
from ..layouts.panicwords import PanicWords
from .errnos import errno_text
from .values import MAX_ELEMENTS, Value, Values

_MAX_ERRORS = 16
_MAX_DEPTH = 8
_PREFIX = "runtime error: "
# Structs whose Error() is the string field of this name (of *fmt.wrapErrors and *errors.errorString too).
_OWN_TEXT = {
    "*errors.errorString": "s",
    "*fmt.wrapError": "msg",
    "*fmt.wrapErrors": "msg",
    "*fmt.fmtError": "s",
}
_FIXED = {
    "context.deadlineExceededError": "context deadline exceeded",
    "*poll.DeadlineExceededError": "i/o timeout",
    "poll.errNetClosing": "use of closed network connection",
}
# Their packages, since other packages may have types of the same name.
_PACKAGES = {
    "poll.": "internal/poll", "context.": "context", "errors.": "errors", "fmt.": "fmt", "fs.": "io/fs", "os.": "os",
    "net.": "net", "syscall.": "syscall", "runtime.": "runtime",
}  # fmt: skip


class Link(NamedTuple):
    """An error among those that one is made of; full: the type's name with its whole import path."""

    type: str
    full: str
    message: Maybe[str]
    value: Value


class GoErrors:
    """Decodes error values of one stopped program."""

    def __init__(self, values: Values, words: PanicWords) -> None:
        self._values = values
        self._words = words
        self._known: Dict[str, Callable[[Value, int], Maybe[str]]] = {
            "runtime.boundsError": self._bounds,
            "runtime.errorString": lambda v, _: self._after(_PREFIX, v),
            "runtime.plainError": lambda v, _: self._values.text(v),
            "runtime.errorAddressString": lambda v, _: self._after(_PREFIX, self._field(v, "msg")),
            "*runtime.TypeAssertionError": self._assertion,
            "*runtime.PanicNilError": lambda v, _: self._words.nil,
            "*errors.joinError": self._joined,
            "*fs.PathError": self._path,
            "*os.SyscallError": self._system_call,
            "syscall.Errno": lambda v, _: errno_text(v.number() or 0),
            "*net.OpError": self._operation,
        }

    def message(self, value: Value, depth: int = 0) -> Maybe[str]:
        """Error() of a value; Absent where only the program's code could tell."""
        name = self.known_as(value.type)
        if name in _FIXED:
            return _FIXED[name]
        if name in _OWN_TEXT:
            return self._text(self._field(value, _OWN_TEXT[name]))
        decode = self._known.get(name)
        if decode is None or depth > _MAX_DEPTH:
            return Absent(NOT_RECORDED, f"what Error() of {value.type.name} says is in its code")
        return decode(value, depth)

    def known_as(self, kind: Type) -> str:
        """Its name if it is a type of the standard library that goes by it, else ""."""
        base = kind.name.lstrip("*")
        package = _PACKAGES.get(base[: base.find(".") + 1])
        full = kind.full_name
        fits = package is not None and not isinstance(full, Absent) and full.lstrip("*").startswith(package + ".")
        return kind.name if fits else ""

    def chain(self, value: Value) -> List[Link]:
        """The value and the errors in it, outermost first: what Unwrap would give, and other fields of type error."""
        found: List[Link] = []
        pending = [value]
        seen = set()
        while pending and len(found) < _MAX_ERRORS:
            each = pending.pop(0)
            key = (each.type.address, each.data)
            if key in seen:
                continue
            seen.add(key)
            full = each.type.full_name
            name = each.type.name if isinstance(full, Absent) else full
            found.append(Link(each.type.name, name, self.message(each), each))
            pending += self._wrapped(each)
        return found

    def _wrapped(self, value: Value) -> Iterator[Value]:
        held = self._values.struct_of(value)
        for _, field in self._values.fields(held) if held is not None else ():
            if isinstance(field, Absent):
                continue
            candidates: List[Maybe[Value]] = [field]
            if field.type.kind == "Slice" and _is_error(field.type.elem):
                candidates = list(self._values.elements(field))
            for each in candidates:
                if isinstance(each, Value) and _is_error(each.type):
                    inner = self._values.dynamic(each)
                    if isinstance(inner, Value):
                        yield inner

    def _field(self, value: Value, name: str) -> Optional[Value]:
        return self._values.field_map(value).get(name)

    def _text(self, value: Optional[Value]) -> Maybe[str]:
        return Absent(NOT_RECORDED, "its text cannot be told") if value is None else self._values.text(value)

    def _after(self, prefix: str, value: Optional[Value]) -> Maybe[str]:
        text = self._text(value)
        return text if isinstance(text, Absent) else prefix + text

    def _inner(self, value: Optional[Value], depth: int) -> Maybe[str]:
        """The message of what an interface value holds."""
        held = self._values.dynamic(value) if value is not None and value.type.kind == "Interface" else None
        if held is None:
            return Absent(NOT_RECORDED, "it wraps nothing that can be told")
        return held if isinstance(held, Absent) else self.message(held, depth + 1)

    def _bounds(self, value: Value, depth: int) -> Maybe[str]:
        fields = self._values.field_map(value)
        x, y, code = (fields[name].number() for name in ("x", "y", "code"))
        signed = bool(fields["signed"].data[0])
        forms = self._words.negative if signed and (x or 0) < 0 else self._words.bounds
        if code is None or code >= len(forms):
            return Absent(NOT_RECORDED, f"bounds error {code} is in no Go version known")
        shown = (x or 0) if signed else (x or 0) & (1 << 64) - 1
        return _PREFIX + forms[code].replace("%x", str(shown)).replace("%y", str(y))

    def _assertion(self, value: Value, depth: int) -> Maybe[str]:
        fields = self._values.field_map(value)
        through, held, wanted = (
            self._values.types.at(fields[n].pointer()) for n in ("_interface", "concrete", "asserted")
        )
        if isinstance(wanted, Absent):
            return wanted
        source = "interface" if isinstance(through, Absent) else through.name
        if not fields["concrete"].pointer():
            return f"interface conversion: {source} is nil, not {wanted.name}"
        if isinstance(held, Absent):
            return held
        missing = self._text(fields["missingMethod"])
        if missing:
            return f"interface conversion: {held.name} is not {wanted.name}: missing method {missing}"
        text = f"interface conversion: {source} is {held.name}, not {wanted.name}"
        if held.name == wanted.name:
            where = "scopes" if held.pkg_path == wanted.pkg_path else "packages"
            text += f" (types from different {where})"
        return text

    def _joined(self, value: Value, depth: int) -> Maybe[str]:
        errors = self._field(value, "errs")
        if errors is not None and struct.unpack_from("<Q", errors.data, 8)[0] > MAX_ELEMENTS:
            return Absent(NOT_RECORDED, f"it joins more than {MAX_ELEMENTS} errors")
        found = [self._inner(each if isinstance(each, Value) else None, depth) for each in self._elements(errors)]
        absent = next((each for each in found if isinstance(each, Absent)), None)
        return absent if absent is not None else "\n".join(map(str, found))

    def _elements(self, value: Optional[Value]) -> Iterator[Maybe[Value]]:
        return self._values.elements(value) if value is not None else iter(())

    def _path(self, value: Value, depth: int) -> Maybe[str]:
        return self._together(value, depth, " ", "Op", "Path")

    def _system_call(self, value: Value, depth: int) -> Maybe[str]:
        return self._together(value, depth, " ", "Syscall")

    def _together(self, value: Value, depth: int, separator: str, *names: str) -> Maybe[str]:
        """The strings of these fields, then what the field Err says."""
        parts = [self._text(self._field(value, name)) for name in names]
        last = self._inner(self._field(value, "Err"), depth)
        absent = next((each for each in (*parts, last) if isinstance(each, Absent)), None)
        return absent if absent is not None else f"{separator.join(map(str, parts))}: {last}"

    def _operation(self, value: Value, depth: int) -> Maybe[str]:
        fields = self._values.field_map(value)
        head, network, last = (
            self._text(fields.get("Op")),
            self._text(fields.get("Net")),
            self._inner(fields.get("Err"), depth),
        )
        source, target = self._address(fields.get("Source")), self._address(fields.get("Addr"))
        for each in (head, network, source, target, last):
            if isinstance(each, Absent):
                return each
        text = f"{head} {network}" if network else str(head)
        text += f" {source}" if source else ""
        text += (("->" if source else " ") + str(target)) if target else ""
        return f"{text}: {last}"

    def _address(self, value: Optional[Value]) -> Maybe[str]:
        """String() of a net.Addr; "" for nil."""
        held = self._values.dynamic(value) if value is not None else None
        if held is None:
            return ""
        unknown = Absent(NOT_RECORDED, "an address of a kind that is not known")
        if isinstance(held, Absent) or self.known_as(held.type) not in ("*net.TCPAddr", "*net.UDPAddr"):
            return held if isinstance(held, Absent) else unknown
        fields = self._values.field_map(held)
        zone = self._text(fields.get("Zone"))
        if "IP" not in fields or "Port" not in fields or isinstance(zone, Absent) or zone:
            return unknown
        start, length, _ = struct.unpack_from("<QQQ", fields["IP"].data)
        if length not in (0, 4, 16):
            return unknown
        data = self._values.memory.read(start, length) if length else b""
        if data[:12] == b"\0" * 10 + b"\xff\xff":
            data = data[12:]
        host = str(ipaddress.ip_address(data)) if data else ""
        return f"[{host}]:{fields['Port'].number()}" if ":" in host else f"{host}:{fields['Port'].number()}"


def _is_error(kind: Maybe[Type]) -> bool:
    return isinstance(kind, Type) and kind.kind == "Interface" and kind.name == "error"
