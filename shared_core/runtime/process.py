"""What the process was started with: os.Args and the environment, as the runtime keeps them.

Source: Go 1.27 runtime/runtime1.go (argslice, envs, goargs, goenvs_unix).
"""

from __future__ import annotations

from typing import List

from ..errors import UNREADABLE, Absent, Maybe, ReadError
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


def plausible_strings(memory: Memory, slice_address: int) -> bool:
    """Whether a []string of C strings stands there: args and envs point into the stack the kernel laid out.

    Each string must be readable, hold no NUL, and end in one.
    """
    try:
        array, length, capacity = memory.slice_header(slice_address)
        if not length <= capacity <= MAX_STRINGS or (length and not array) or array % 8:
            return False
        return all(_ends_in_nul(memory, array + 16 * index) for index in range(min(length, 64)))
    except ReadError:
        return False


def _ends_in_nul(memory: Memory, header: int) -> bool:
    data, length = memory.pointers(header, 2)
    if not length:
        return True
    if length > MAX_LENGTH:
        return False
    text = memory.read(data, length + 1)
    return text[-1] == 0 and b"\0" not in text[:-1]
