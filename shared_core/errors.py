"""What can go wrong, and how a missing value says why it is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, Union


class GoxrayError(Exception):
    """Base of every error this package raises on purpose; its text is one line for the user."""


class ReadError(GoxrayError):
    """The target cannot give `size` bytes at `address`."""

    def __init__(self, address: int, size: int) -> None:
        super().__init__(f"cannot read {size} bytes at {address:#x}")
        self.address = address
        self.size = size


class FormatError(GoxrayError):
    """Bytes were read, and they are not what the format says they must be."""


class NotGoError(GoxrayError):
    """The target holds no Go program that can be recognised."""


class LayoutError(GoxrayError):
    """No layout of the runtime's structures fits this program."""


class UserError(GoxrayError):
    """The command was asked something it cannot do; printed as one line."""


@dataclass(frozen=True)
class Absent:
    """A value that is not there, with the reason; never 0, "" or an empty list in its place.

    `kind` is one of UNREADABLE, UNPARSABLE, NOT_APPLICABLE, NOT_RECORDED, NOT_IN_VERSION.
    """

    kind: str
    detail: str = ""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


UNREADABLE = "unreadable"
UNPARSABLE = "unparsable"
NOT_APPLICABLE = "not applicable"
NOT_RECORDED = "not recorded"
NOT_IN_VERSION = "not in this Go version"

T = TypeVar("T")
Maybe = Union[T, Absent]
