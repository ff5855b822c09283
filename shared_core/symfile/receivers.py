"""The types of methods' receivers, from the methods' names."""

from __future__ import annotations

import struct
from typing import Dict, FrozenSet, Iterator, List, Optional

from ..binary.funcnames import receiver_of
from ..binary.types import Type
from ..binary.types.parts import uncommon
from ..errors import GoxrayError
from .types import TypeUnit


class Receivers:
    """Finds where a receiver's type is in .debug_info.

    That a type has the method is proved by its descriptor: closures are called like methods, and so may local types be.
    """

    def __init__(self, unit: TypeUnit) -> None:
        self._unit = unit
        self._named: Dict[str, List[Type]] = {}
        self._methods: Dict[Type, FrozenSet[str]] = {}
        for t in unit.own:
            if t.named:
                self._named.setdefault(unit.names.of(t), []).append(t)

    def of(self, name: str, component: str, size: int) -> Optional[int]:
        """The offset of the receiver's type; None for what is no method, or not known to be one.

        component, size: what the function's first argument word is called, and its bytes. A receiver that takes several
        words is none of them.
        """
        found = receiver_of(name)
        if found is None or found.type_name not in self._named:
            return None
        method = name[name.rindex(".") + 1 :]
        fits = [
            kind
            for t in self._named[found.type_name]
            for kind in [self._unit.pointers.get(t) if found.pointer else t]
            if kind is not None and method in self._methods_of(kind)
        ]
        if len(fits) != 1 or component.partition("_")[0] != "a0" or fits[0].size != size:
            return None
        return self._unit.offset_of(fits[0])

    def _methods_of(self, t: Type) -> FrozenSet[str]:
        found = self._methods.get(t)
        if found is None:
            try:
                found = frozenset(_method_names(t))
            except (GoxrayError, struct.error):
                found = frozenset()
            self._methods[t] = found
        return found


def _method_names(t: Type) -> Iterator[str]:
    extra = uncommon(t)
    if extra is None:
        return
    reader, section = t.types.records.reader("Method", ("Name",)), t.section
    data = section.read(t.base_end + extra[3], reader.size * extra[1])
    for at in range(0, reader.size * extra[1], reader.size):
        name = section.text(section.start + reader.unpack.unpack_from(data, at)[0])
        if name is not None:
            yield name
