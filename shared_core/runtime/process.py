"""What the process was started with: os.Args and the environment, as the runtime keeps them.

Source: Go 1.27 runtime/runtime1.go (argslice, envs, goargs, goenvs_unix).
"""

from __future__ import annotations

from typing import List

from ..errors import UNREADABLE, Absent, LayoutError, Maybe, ReadError
from ..layouts.globals import Globals
from ..memory import Memory

MAX_STRINGS = 1 << 20
MAX_LENGTH = 1 << 21  # the kernel's own limit for one argument is 128 KiB, for all of them 6 MiB


def read_strings(memory: Memory, slice_address: int) -> List[Maybe[bytes]]:
    """The []string whose slice header is at `slice_address`; an unreadable string is Absent in its place.

    ReadError when the header or the array is unreadable.
    """
    array, length, _ = memory.slice_header(slice_address)
    return [_string(memory, array + 16 * index) for index in range(min(length, MAX_STRINGS))]


def _string(memory: Memory, header: int) -> Maybe[bytes]:
    try:
        return memory.go_string(header, MAX_LENGTH)
    except ReadError as error:
        return Absent(UNREADABLE, str(error))


def find_strings(lookup: Globals, memory: Memory, name: str) -> int:
    """The address of runtime.argslice or runtime.envs; LayoutError when neither strings nor an empty slice is there.

    A slice with strings in it is looked for first: many things look like an empty one. ReadError where the memory that
    would tell is not there, as in a core that was cut.
    """
    for candidate in lookup.candidates(name)[:1]:
        array, length, capacity = memory.slice_header(candidate)
        if 0 < length <= capacity <= MAX_STRINGS and array and not array % 8:
            memory.read(array, 16 * length)
    try:
        return lookup.find(name, lambda at: plausible_strings(memory, at))
    except LayoutError:
        return lookup.find(name, lambda at: plausible_strings(memory, at, may_be_empty=True))


def plausible_strings(memory: Memory, slice_address: int, may_be_empty: bool = False) -> bool:
    """Whether a []string of what were C strings stands there: readable, of a sane length, and with no NUL inside.

    Those of argslice still end in a NUL where the kernel laid them out, those of envs are copies (goenvs_unix).
    """
    try:
        array, length, capacity = memory.slice_header(slice_address)
        if not (may_be_empty or length) or not length <= capacity <= MAX_STRINGS or not array or array % 8:
            return False
        return all(_without_nul(memory, array + 16 * index) for index in range(min(length, 64)))
    except ReadError:
        return False


def _without_nul(memory: Memory, header: int) -> bool:
    data, length = memory.pointers(header, 2)
    try:
        return not length or (length <= MAX_LENGTH and b"\0" not in memory.read(data, length))
    except ReadError:
        # A core that was cut: the string itself is missing, which says nothing against the slice.
        return True
