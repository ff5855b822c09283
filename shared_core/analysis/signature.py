"""A name for a crash that equal crashes share, in other builds too: its class and the functions that led to it.

Addresses, lines, values, type arguments and the numbers of closures are left out: builds change them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Iterable, List, NamedTuple, Optional, Sequence

from ..binary.buildinfo import BuildInfo
from ..runtime.frames import display_name, is_user_frame, package_of

_DEPTH = 5
# What the compiler calls closures, wrappers of go and defer statements, bodies of range-over-func loops, method values.
_CLOSURE = re.compile(r"(?:func|gowrap|deferwrap)?\d+")
_LOOP_BODY = re.compile(r"-range\d+")
_ARGUMENTS = "[]"  # while a name is cut at its dots
_METHOD_VALUE = "-fm"
_LOCAL = ("main", "command-line-arguments", "plugin")


class Signature(NamedTuple):
    """text: "memory:nil-deref main.read < main.serve", the innermost function first; id: 16 hex digits of the same."""

    text: str
    id: str


def signature(label: str, functions: Iterable[str], build: Optional[BuildInfo], recursive: bool = False) -> Signature:
    """Of a crash of class `label` whose stack has these functions, innermost first.

    recursive: the stack is full; which of the functions that call each other is innermost is chance.
    """
    names = stable_names(_recurring(functions) if recursive else list(functions), build)
    text = " ".join([label, " < ".join(names)]).rstrip()
    return Signature(text, hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16])


def stable_names(functions: Sequence[str], build: Optional[BuildInfo]) -> List[str]:
    """The first functions of the program's own modules, without repeats; of the standard library where it has none."""
    paths = module_paths(build)
    own = [name for name in functions if is_own(name, paths)]
    chosen = own or [name for name in functions if is_user_frame(name)]
    return list(dict.fromkeys(map(stable_name, chosen)))[:_DEPTH]


def _recurring(functions: Iterable[str]) -> List[str]:
    """Those that are on the stack more than once, by name; all where none is."""
    counts = Counter(functions)
    return sorted(name for name, count in counts.items() if count > 1) or list(counts)


def is_own(function: str, paths: Sequence[str]) -> bool:
    """Whether a function is not of the standard library: that has packages without a dot in their first element."""
    package = package_of(function)
    first = package.split("/")[0]
    return first in _LOCAL or "." in first or any(f"{package}/".startswith(f"{path}/") for path in paths)


def module_paths(build: Optional[BuildInfo]) -> List[str]:
    """Of the program's own modules and those that it depends on."""
    if build is None:
        return []
    modules = [each.path for each in (build.main, *build.dependencies) if each is not None]
    return [path for path in (build.path, *modules) if path and path != "std"]


def stable_name(function: str) -> str:
    """ "main.(*T).run.func" of "main.(*T).run.func2.1"; type arguments are [...]."""
    name = _LOOP_BODY.sub(".func1", display_name(function, False)).replace(
        ".glob..", ".init."
    )  # as it was before Go 1.21
    if name.endswith(_METHOD_VALUE):
        name = name[: -len(_METHOD_VALUE)]
    name = name.replace("[...]", _ARGUMENTS)
    package = package_of(name)
    head, *rest = name[len(package) + 1 :].split(".") if package else [name]
    kept = [part for part in rest if not _CLOSURE.fullmatch(part)]
    closure = len(kept) < len(rest)
    # Inlining names the function that a closure is in twice: main.f.func1.f.func1.func2 (Go 1.21).
    parts = [part for part, before in zip([head, *kept], ["", head, *kept]) if part != before]
    return ".".join(([package] if package else []) + parts + (["func"] if closure else [])).replace(_ARGUMENTS, "[...]")
