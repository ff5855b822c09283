"""Breakpoints at addresses in a module that another one takes the place of: lldb finds all others again itself."""

from __future__ import annotations

from typing import Any, List, Tuple

import lldb

Kept = List[Tuple[int, int]]


def at_addresses(target: Any, module: Any) -> Kept:
    """(number, address) of the user's breakpoints that have a place in the module, and no other."""
    found: Kept = []
    for breakpoint in target.breakpoint_iter():
        if breakpoint.GetNumLocations() == 1:
            place = breakpoint.GetLocationAtIndex(0)
            if place.IsResolved() and place.GetAddress().GetModule() == module:
                found.append((breakpoint.GetID(), place.GetLoadAddress()))
    return found


def set_again(target: Any, kept: Kept) -> None:
    """Those of them that have lost their place, under new numbers; all that lldb tells of them stays."""
    for number, address in kept:
        old = target.FindBreakpointByID(number)
        if old.GetNumLocations() == 1 and not old.GetLocationAtIndex(0).IsResolved():
            _copy(old, target.BreakpointCreateByAddress(address))
            target.BreakpointDelete(number)


def _copy(old: Any, new: Any) -> None:
    new.SetEnabled(old.IsEnabled())
    new.SetOneShot(old.IsOneShot())
    new.SetIgnoreCount(old.GetIgnoreCount())
    new.SetAutoContinue(old.GetAutoContinue())
    if old.GetCondition():
        new.SetCondition(old.GetCondition())
    if old.GetThreadID() != lldb.LLDB_INVALID_THREAD_ID:
        new.SetThreadID(old.GetThreadID())
    names, commands = lldb.SBStringList(), lldb.SBStringList()
    old.GetNames(names)
    for index in range(names.GetSize()):
        new.AddName(names.GetStringAtIndex(index))
    if old.GetCommandLineCommands(commands):
        new.SetCommandLineCommands(commands)
