"""Hands debug files to lldb."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, List, Optional, Tuple

import lldb

from shared_core.errors import UserError
from shared_core.target import FILE

from . import breakpoints
from . import process as processes
from .images import bias_of
from .threadplugin import selection_kept

# The first lldb that forgets, when it takes symbols, how it unwound without them.
_FORGETS = 21
_NOWHERE = "/nowhere/goxray"


def load(target: Any, path: str, image: Optional[str], load_bias: int) -> bool:
    """Load the debug file `path` for the module of `image`, at `load_bias` where there is a process.

    False if lldb has it already.
    """
    if image is None:
        raise UserError("lldb takes symbols for a file only, and the executable is in memory alone")
    module = _module_of(target, image)
    if module is not None:
        before = processes.path_of(module.GetSymbolFileSpec()) or ""
        if before == path:
            return False
        if os.path.dirname(before) != os.path.dirname(path) and module.GetNumCompileUnits():
            raise UserError(f"lldb has debug information for {image}: there is nothing to add")
    with selection_kept(target.GetDebugger()):
        if module is not None and _version() >= _FORGETS:
            _add(target, path, image)
        else:
            _replace(target, module, path, image, load_bias)
    module = _module_of(target, image)
    if module is None or processes.path_of(module.GetSymbolFileSpec()) != path:
        raise UserError(f"lldb does not take {path} for {image}")
    return True


def _module_of(target: Any, image: str) -> Any:
    """The target's module of the file; None for none."""
    for index in range(target.GetNumModules()):
        module = target.GetModuleAtIndex(index)
        if processes.path_of(module.GetFileSpec()) == image:
            return module
    return None


def _version() -> int:
    """lldb's major version; 0 for what calls itself otherwise."""
    found = re.search(r"lldb version (\d+)\.", lldb.SBDebugger.GetVersionString())
    return int(found.group(1)) if found else 0


def _add(target: Any, path: str, image: str) -> None:
    result = lldb.SBCommandReturnObject()
    place = lldb.SBExecutionContext(target)
    command = f"target symbols add -s {_quoted(image)} {_quoted(path)}"
    target.GetDebugger().GetCommandInterpreter().HandleCommand(command, place, result, False)
    if not result.Succeeded():
        raise UserError(" ".join((result.GetError() or f"lldb does not take {path}").split()))


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`") + '"'


def _replace(target: Any, module: Any, path: str, image: str, load_bias: int) -> None:
    """A new module in place of the old one, which unwinds as if all code of a stripped program were one function.

    lldb has one module for a file, unless it is told that the file is elsewhere on the machine of the program.
    """
    before, stops = _loaded(target), breakpoints.at_addresses(target, module) if module is not None else []
    described = lldb.SBModuleSpec()
    described.SetFileSpec(lldb.SBFileSpec(image, False))
    described.SetSymbolFileSpec(lldb.SBFileSpec(path, False))
    described.SetPlatformFileSpec(lldb.SBFileSpec(_NOWHERE, False))
    found = target.AddModule(described)
    if not found.IsValid():
        raise UserError(f"lldb does not open {image}")
    found.SetPlatformFileSpec(found.GetFileSpec())
    if module is not None:
        target.RemoveModule(module)
    if processes.kind(target.GetProcess()) != FILE:
        target.SetModuleLoadAddress(found, load_bias)
    # lldb may take the first of the list for the executable.
    if before and before[0][0] == module:
        for each, bias in before[1:]:
            target.RemoveModule(each)
            target.AddModule(each)
            if bias is not None:
                target.SetModuleLoadAddress(each, bias)
    breakpoints.set_again(target, stops)


def _loaded(target: Any) -> List[Tuple[Any, Optional[int]]]:
    """The modules in lldb's order, each with what lldb adds to its addresses."""
    modules = [target.GetModuleAtIndex(index) for index in range(target.GetNumModules())]
    return [(module, bias_of(target, module)) for module in modules]


def say(text: str) -> None:
    """Show `text` in place of what was shown before, if somebody sits there."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
