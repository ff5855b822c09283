"""Types by the names that users write: as the program has them, with any for interface {} and byte for uint8."""

from __future__ import annotations

import re
from typing import Dict, List

from ..binary.types import Type, Types
from ..binary.types.made import named
from ..errors import UserError

_ALIAS = re.compile(r"(?<![\w./])(any|byte|rune|interface\s*\{\s*\})(?![\w.])")
_SPELLED = {"any": "interface {}", "byte": "uint8", "rune": "int32"}
_MAX_LISTED = 8
_MAX_NAME = 4096


def type_named(types: Types, text: str) -> Type:
    """The type that `text` names: "main.Order", "*main.Order", "map[string]any", "[3]main.Order", or the address of
    its descriptor. UserError for none, and where the name belongs to several types."""
    name = " ".join(text.split())
    if re.fullmatch(r"0x[0-9a-fA-F]+", name):
        found = types.at(int(name, 16))
        if not isinstance(found, Type):
            raise UserError(f"there is no type at {name}: {found.detail}")
        return found
    if len(name) > _MAX_NAME:
        raise UserError("the name of the type is too long")
    listed = named(types, name) or named(types, _ALIAS.sub(lambda match: _SPELLED.get(match[1], "interface {}"), name))
    if not listed:
        raise UserError(f"no type is called {text} (go-types REGEX lists names)")
    # Modules have each their own descriptor of a type that they share: its hash is the same.
    distinct: Dict[int, Type] = {}
    for each in listed:
        distinct.setdefault(each.hash or each.address, each)
    exact = [each for each in distinct.values() if each.full_name == name]
    if len(distinct) > 1 and len(exact) == 1:
        return exact[0]  # "sync.Mutex", not that of internal/sync
    if len(distinct) > 1:
        raise UserError(f"{text} is the name of {len(distinct)} types: {_choices(list(distinct.values()))}")
    return listed[0]


def _choices(types: List[Type]) -> str:
    """What the user may write instead."""
    shown = [f"{each.address:#x} ({each.full_name or each.name})" for each in types[:_MAX_LISTED]]
    return ", ".join(shown) + (", ..." if len(types) > _MAX_LISTED else "")
