"""Which class a panic or a fatal error is of: by the type of its value, and by the runtime's own words for it.

Words are the runtime's in all versions from Go 1.19 to 1.27 (runtime/panic.go, chan.go, map.go, mheap.go, proc.go, and
package sync).
"""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Optional, Tuple

from ..errors import Absent
from ..runtime.errnos import ECONNREFUSED, ETIMEDOUT
from ..runtime.goerrors import Link
from ..runtime.panics import Panic


class Label(NamedTuple):
    """`name` is "group:what"; `why` names the evidence."""

    name: str
    why: str


NIL_PAGE = 0x1000  # what sigpanic takes for a field of a nil pointer lies below
_Rules = Tuple[Tuple[str, str], ...]
# (how the text begins, label), the first that fits counts.
_FATAL: _Rules = (
    ("concurrent map", "concurrency:map-writes"),
    ("all goroutines are asleep", "concurrency:deadlock"),
    ("no goroutines (main called runtime.Goexit)", "concurrency:deadlock"),
    ("sync: unlock of unlocked", "concurrency:unlock-of-unlocked"),
    ("sync: Unlock of unlocked", "concurrency:unlock-of-unlocked"),
    ("sync: RUnlock of unlocked", "concurrency:unlock-of-unlocked"),
    ("sync: inconsistent mutex state", "concurrency:unlock-of-unlocked"),
    ("stack overflow", "resource:stack-overflow"),
    ("out of memory", "resource:oom"),
    ("runtime: out of memory", "resource:oom"),
    ("runtime: cannot allocate", "resource:oom"),
    ("cannot allocate memory", "resource:oom"),
    ("thread exhaustion", "resource:too-many-threads"),
    ("newosproc", "resource:too-many-threads"),
    ("runtime.newosproc", "resource:too-many-threads"),
    ("fault", "memory:bad-address"),
    ("unexpected signal during runtime execution", "runtime:fault"),
)
_RUNTIME: _Rules = (
    ("invalid memory address or nil pointer dereference", "memory:nil-deref"),
    ("index out of range", "memory:out-of-bounds"),
    ("slice bounds out of range", "memory:out-of-bounds"),
    ("cannot convert slice", "memory:out-of-bounds"),
    ("assignment to entry in nil map", "memory:nil-map"),
    ("send on closed channel", "channel:closed"),
    ("close of closed channel", "channel:closed"),
    ("close of nil channel", "channel:close-of-nil"),
    ("integer divide by zero", "arithmetic:divide-by-zero"),
    ("integer overflow", "arithmetic:overflow"),
    ("negative shift amount", "arithmetic:negative-shift"),
    ("makeslice:", "memory:bad-size"),
    ("makechan:", "memory:bad-size"),
    ("growslice:", "memory:bad-size"),
    ("hash of unhashable type", "type:unhashable"),
    ("comparing uncomparable type", "type:uncomparable"),
    ("unsafe.", "memory:out-of-bounds"),
    ("value method ", "memory:nil-deref"),
)
_TYPES = {
    "runtime.boundsError": "memory:out-of-bounds",
    "*runtime.TypeAssertionError": "type:assertion",
    "*runtime.PanicNilError": "panic:nil",
    "runtime.synctestDeadlockError": "concurrency:deadlock",
    "runtime.errorAddressString": "memory:bad-address",
}
_RUNTIME_TEXTS = ("runtime.errorString", "runtime.plainError", "runtime.plainErrorString", "runtime.errorAddressString")
_PREFIX = "runtime error: "
_DIALED = re.compile(r"dial (?:tcp|udp|unix)\S* .*: connect: connection refused$")


def fatal_label(words: str) -> Label:
    """Of throw or fatal, by what it was called with."""
    for start, name in _FATAL:
        if words.startswith(start):
            return Label(name, f"fatal error: {words}")
    return Label("runtime:throw", f"fatal error: {words}")


def panic_labels(panic: Panic, address: Optional[int]) -> Iterator[Label]:
    """Of one panic, the most telling first; the last one says what kind of value it is.

    address: of the fault that the goroutine's last panic was made of, if it was.
    """
    text = panic.message
    words = "" if isinstance(text, Absent) else text
    if panic.full == "runtime.errorAddressString" and (address or 0) >= NIL_PAGE:
        # With debug.SetPanicOnFault any address makes a panic, in the words of a nil pointer's.
        yield Label("memory:bad-address", f"a {panic.full}: {words}; the address is {address:#x}")
        return
    if panic.full.lstrip("*").startswith("runtime."):
        yield _of_the_runtime(panic.full, words)
        return
    for link in panic.chain:
        yield from _network(link)
    if panic.chain:
        yield Label("panic:error", f"the value is a {panic.type}, which is an error")
        return
    if _DIALED.search(words):
        yield Label("network:refused", "by its words alone: the value is no error")
    if not panic.full:
        known = _by_words(words)
        if known is not None:
            yield known
            return
    yield Label("panic:user", "the value is a text" if panic.full == "string" else f"the value is a {panic.type}")


def _of_the_runtime(full: str, words: str) -> Label:
    if full in _RUNTIME_TEXTS:
        bare = words[len(_PREFIX) :] if words.startswith(_PREFIX) else words
        for start, name in _RUNTIME:
            if bare.startswith(start):
                return Label(name, f"a {full}: {words}")
    return Label(_TYPES.get(full, "panic:runtime"), f"a {full}: {words}")


def _by_words(words: str) -> Optional[Label]:
    """Where the value itself is lost: what the runtime alone says so."""
    if words.startswith(_PREFIX):
        for start, name in _RUNTIME:
            if words[len(_PREFIX) :].startswith(start):
                return Label(name, f"by its words alone, the value is lost: {words}")
    return None


def _network(link: Link) -> Iterator[Label]:
    """An error of the chain that tells of the network or of time."""
    if link.full == "syscall.Errno":
        number = link.value.number()
        if number == ECONNREFUSED:
            yield Label("network:refused", "it wraps syscall.ECONNREFUSED")
        elif number == ETIMEDOUT:
            yield Label("timeout:network", "it wraps syscall.ETIMEDOUT")
    elif link.full == "context.deadlineExceededError":
        yield Label("timeout:context", "it is or wraps context.DeadlineExceeded")
    elif link.full == "*internal/poll.DeadlineExceededError":
        yield Label("timeout:io", "it is or wraps os.ErrDeadlineExceeded")
    elif link.full == "*net.DNSError":
        yield Label("network:name", "it is or wraps a *net.DNSError")
