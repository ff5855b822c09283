"""Which layout fits a program: the table for its Go version, its own DWARF, the nearest table, or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional

from ..errors import FormatError, GoxrayError, LayoutError
from .document import Document, available, read_document, shipped_directory, user_directory
from .model import Layout, layout_from_document
from .version import Minor, minor_text, parse_minor

Check = Callable[[Layout], Optional[str]]

_NEWEST: Minor = (1 << 16, 1 << 16)


@dataclass(frozen=True)
class Resolution:
    """The layout that fits, and what the user should know about how it was chosen."""

    layout: Layout
    warnings: List[str] = field(default_factory=list)


def resolve(go_version: str, arch: str, elf_path: Optional[str], check: Check) -> Resolution:
    """The layout for a program built by `go_version` (as its build info says) for `arch`.

    elf_path: the program's file, None if it is not at hand.
    check: None where a layout's structures fit the running program, else why not, for the user.
    LayoutError says which version it is, what was tried, and how a layout can be made.
    """
    return _Search(go_version, arch, elf_path, check).run()


class _Search:
    def __init__(self, go_version: str, arch: str, elf_path: Optional[str], check: Check) -> None:
        self._version, self._arch, self._elf_path, self._check = go_version, arch, elf_path, check
        self._minor = parse_minor(go_version)
        self._shipped = available(shipped_directory(), arch)
        self._user = available(user_directory(), arch)
        self._tried: List[str] = []
        self._warnings: List[str] = []

    def run(self) -> Resolution:
        layout = self._exact() or self._from_dwarf() or self._nearest()
        if layout is None:
            raise LayoutError(self._refusal())
        return Resolution(layout, self._warnings)

    def _exact(self) -> Optional[Layout]:
        if self._minor is None:
            return None
        for kind, tables in (("user table", self._user), ("table", self._shipped)):
            path = tables.get(self._minor)
            layout = self._accepted(path, f"{kind} go{minor_text(self._minor)} {self._arch}") if path else None
            if layout is not None:
                return layout
        return None

    def _from_dwarf(self) -> Optional[Layout]:
        if self._elf_path is None:
            return None
        try:
            supplement = self._nearest_document()
            document = _dwarf_document(self._elf_path, self._go(supplement), supplement)
            layout = layout_from_document(document, "DWARF")
        except (GoxrayError, OSError) as error:
            self._tried.append(f"DWARF ({error})")
            return None
        except Exception as error:  # noqa: BLE001  # the parser meets whatever the file says
            self._tried.append(f"DWARF (cannot be parsed: {error!r:.200})")
            return None
        return self._checked(layout)

    def _nearest(self) -> Optional[Layout]:
        for minor in self._by_distance():
            if minor == self._minor:
                continue
            path = self._user.get(minor) or self._shipped[minor]
            layout = self._accepted(path, f"table go{minor_text(minor)} {self._arch} (nearest)")
            if layout is not None:
                self._warnings.append(self._instead(minor))
                return layout
        return None

    def _instead(self, minor: Minor) -> str:
        wanted = self._version or "an unknown Go version"
        known = self._minor in self._shipped or self._minor in self._user
        why = f"the layout for {wanted} does not fit" if known else f"no layout for {wanted}"
        return (
            f"{why}: using the one for go{minor_text(minor)}, whose structures fit; "
            "`goxray layout --go PATH` makes the right one"
        )

    def _accepted(self, path: str, source: str) -> Optional[Layout]:
        try:
            layout = layout_from_document(read_document(path), source)
        except (FormatError, KeyError, TypeError, ValueError, AttributeError) as error:
            self._warnings.append(f"layout file {path} is not usable: {error}")
            return None
        return self._checked(layout)

    def _checked(self, layout: Layout) -> Optional[Layout]:
        reason = self._check(layout)
        if reason is None:
            return layout
        self._tried.append(f"{layout.source} ({reason})")
        return None

    def _by_distance(self) -> List[Minor]:
        """The minor versions there are tables for, nearest to the program's first, of two the newer; with no version
        to go by the newest first."""
        minors = {**self._shipped, **self._user}
        wanted = self._minor if self._minor is not None else _NEWEST
        return sorted(minors, key=lambda m: (abs(m[0] - wanted[0]), abs(m[1] - wanted[1]), -m[1]))

    def _nearest_document(self) -> Optional[Document]:
        for minor in self._by_distance():
            try:
                return read_document(self._user.get(minor) or self._shipped[minor])
            except FormatError:
                continue
        return None

    def _go(self, nearest: Optional[Document]) -> str:
        """The version to name a layout out of DWARF by: the program's own, else that of the table beside it."""
        if self._minor is not None:
            return minor_text(self._minor)
        return str(nearest["go"]) if nearest is not None else "0.0"

    def _refusal(self) -> str:
        first, *others = self._tried or ["there is no table for any version"]
        more = f", and {len(others)} more that do not fit either" if others else ""
        return (
            f"no layout of the runtime's structures fits {self._version or 'an unknown Go version'} on {self._arch}: "
            f"{first}{more}; `goxray layout --go PATH` makes one from the Go toolchain that built the program"
        )


def _dwarf_document(path: str, go: str, supplement: Optional[Dict[str, Any]]) -> Document:
    """The layout in the program's own DWARF; imported here, since it is rarely needed and slow to load."""
    from ..binary.elf import ElfImage
    from .dwarf import document_from_elf

    return document_from_elf(ElfImage.open(path), go, supplement=supplement)
