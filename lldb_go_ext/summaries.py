"""Summaries of Go's strings, slices, maps, interfaces and the like, for types that go-load-symbols has brought."""

from __future__ import annotations

from typing import Any, List, Optional

import lldb

from shared_core.errors import GoxrayError

from .sessions import SESSIONS

_CATEGORY = "goxray"
_OPTIONS = lldb.eTypeOptionCascade | lldb.eTypeOptionSkipPointers | lldb.eTypeOptionHideChildren


def summary(value: Any, _internal: Any, _options: Any = None) -> Optional[str]:
    """What lldb shows of a value: as go-value has it, on one line. None where that is of no such type."""
    from shared_core.pretty import pretty_of

    value = value.GetNonSyntheticValue()
    target, kind = value.GetTarget(), value.GetType()
    try:
        pretty = pretty_of(SESSIONS.current(target.GetDebugger(), lldb.SBExecutionContext(target)))
        found = pretty.type(kind.GetName() or "")
        if found is None or found.size != kind.GetByteSize():
            return None
        place, data = value.GetLoadAddress(), b""
        if place == lldb.LLDB_INVALID_ADDRESS:
            error, held = lldb.SBError(), value.GetData()
            place, data = None, bytes(held.ReadRawData(error, 0, found.size) or b"")
        text = pretty.text(found, place, data)
    except GoxrayError as error:
        return f"? ({error})"
    return text.encode("utf-8", "backslashreplace").decode()


def register(debugger: Any, names: List[str]) -> None:
    """Have lldb ask for values of the types of these names."""
    category = debugger.GetCategory(_CATEGORY)
    if not category.IsValid():
        category = debugger.CreateCategory(_CATEGORY)
    shown = lldb.SBTypeSummary.CreateWithFunctionName(f"{__name__}.summary", _OPTIONS)
    for name in names:
        category.AddTypeSummary(lldb.SBTypeNameSpecifier(name), shown)
    category.SetEnabled(True)
