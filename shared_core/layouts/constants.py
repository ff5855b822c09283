"""Constants of a Go program by package and name: from its DWARF, then from the toolchain's sources."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional

from .gosource import GoConstants


class Constants:
    """DWARF's constants ("runtime._Gdead" -> 6), and where it lacks one, the sources' if there are any at hand."""

    def __init__(self, dwarf: Mapping[str, int], source: Optional[GoConstants] = None) -> None:
        self._source = source
        self._packages: Dict[str, Dict[str, int]] = {}
        for full, value in dwarf.items():
            package, _, name = full.rpartition(".")
            self._packages.setdefault(package, {})[name] = value

    def names(self, package: str) -> List[str]:
        """Every constant known of `package`."""
        names = dict.fromkeys(self._packages.get(package, {}))
        names.update(dict.fromkeys(self._source.names(package) if self._source else ()))
        return list(names)

    def get(self, package: str, name: str) -> Optional[int]:
        """The constant's value, or None where neither DWARF nor the sources have it."""
        value = self._packages.get(package, {}).get(name)
        if value is None and self._source is not None:
            return self._source.get(package, name)
        return value
