"""What function names tell: the package, and the type that a method belongs to."""

from __future__ import annotations

from typing import NamedTuple, Optional


class Receiver(NamedTuple):
    """A method's receiver: its type's full name, and whether it is a pointer to that."""

    type_name: str
    pointer: bool


def package_of(name: str) -> str:
    """The import path in front of a function's name: "net/http" of "net/http.(*Server).Serve"; what type arguments
    are called does not count."""
    plain = name.partition("[")[0]
    slash = plain.rfind("/")
    dot = plain.find(".", slash + 1)
    return plain[:dot] if dot > 0 else plain


def receiver_of(name: str) -> Optional[Receiver]:
    """The receiver of the method called `name`; None for a function, a closure, and what is generic."""
    if "[" in name or "-" in name:
        return None
    package = package_of(name)
    rest = name[len(package) + 1 :]
    if rest.startswith("(*"):
        type_name, closed, method = rest[2:].partition(").")
        return Receiver(f"{package}.{type_name}", True) if closed and method.isidentifier() else None
    type_name, dot, method = rest.partition(".")
    if not dot or not method.isidentifier() or not type_name.isidentifier():
        return None
    return Receiver(f"{package}.{type_name}", False)
