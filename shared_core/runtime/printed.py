"""What the program last printed with print and println: the words of a fatal error are among it.

Source: Go 1.27 runtime/print.go (printBacklog, recordForPanic, gwrite), the same since Go 1.14. What is printed once a
panic has begun to be reported is not kept; that of throw and fatal comes before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional

from ..arch.refs import data_refs, distinct_targets
from ..errors import NOT_RECORDED, Absent, GoxrayError, Maybe, ReadError

if TYPE_CHECKING:
    from ..session import Session

_SIZE = 512
_FUNCTIONS = ("runtime.recordForPanic", "runtime.gwrite")
_FATAL = b"fatal error: "


def fatal_text(session: Session) -> Maybe[str]:
    """The last text that was printed up to the last fatal error's end; Absent where it cannot be found.

    It may begin in the middle of a line: 512 bytes are kept. It holds a fatal error, and ends with the end of its line.
    """
    places = _places(session)
    found = {text for at in places for text in _rings(session, at, places)}
    if len(found) > 1:
        # A flag that is 0 looks like the index where the ring happens to begin with a line: the error was the last one.
        found = {text for text in found if text.splitlines()[-1].startswith(_FATAL.decode())}
    if len(found) != 1:
        return Absent(NOT_RECORDED, "what the program last printed cannot be found")
    return found.pop()


def _places(session: Session) -> List[int]:
    """The data that recordForPanic touches; it is inlined into gwrite or not."""
    found: List[int] = []
    for name in _FUNCTIONS:
        code = session.modules.code(name)
        if code is not None:
            found += distinct_targets(data_refs(session.arch, code[1], code[0]))
    return list(dict.fromkeys(found))


def _rings(session: Session, buffer: int, places: List[int]) -> List[str]:
    """What the ring at `buffer` holds if it is one, from oldest to newest, by each place that may be its index."""
    try:
        data = session.memory.read(buffer, _SIZE)
    except ReadError:
        return []
    if _FATAL not in data + data:
        return []
    texts = (_unrolled(session, data, place) for place in places if not buffer <= place < buffer + _SIZE)
    return [text for text in texts if text is not None]


def _unrolled(session: Session, data: bytes, place: int) -> Optional[str]:
    try:
        index = session.memory.u64(place)
    except GoxrayError:
        return None
    if index >= _SIZE:
        return None
    text = (data[index:] + data[:index]).lstrip(b"\0")
    if b"\0" in text or not text.endswith(b"\n") or _FATAL not in text:
        return None
    return text.decode("utf-8", "surrogateescape")
