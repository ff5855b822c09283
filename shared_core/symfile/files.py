"""The debug files of a program's modules: made when they are first wanted, and found again afterwards."""

from __future__ import annotations

import hashlib
from functools import cache as cache_result
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional

from .. import __version__
from ..binary.moduledata import Module
from ..errors import GoxrayError
from . import cache
from .progress import Progress, no_progress

if TYPE_CHECKING:
    from ..session import Session

_WHOLE_AT_ONCE = 1 << 24


class DebugFile(NamedTuple):
    """The debug file of a module: name is the module's, "" for the program itself; functions is how many it has.

    image: the path of the executable that it belongs to; None where that is in memory alone.
    """

    name: str
    path: Path
    functions: int
    image: Optional[str]
    load_bias: int


def debug_file_of(
    session: Session, module: Module, knows_go: bool, quick: bool, progress: Progress = no_progress
) -> DebugFile:
    """The debug file of `module`; with `quick` of symbols and call frames alone.

    UserError where the cache cannot be written.
    """
    key = f"{_identity(session, module)}-{'go' if knows_go else 'c'}-{'quick' if quick else 'all'}"
    path = cache.kept(key, lambda: _made(session, module, knows_go, quick, progress))
    image = module.image
    return DebugFile(module.name, path, module.table.count, image.path, image.bias)


def _made(session: Session, module: Module, knows_go: bool, quick: bool, progress: Progress) -> bytes:
    # Imported only here: a file that was made before is loaded in less time than that takes.
    from .build import debug_file
    from .info import C99, GO

    return debug_file(session, module, GO if knows_go else C99, quick, progress)


@cache_result
def _writer() -> bytes:
    """What tells this writer of debug files from an older one: its code."""
    digest = hashlib.blake2b(__version__.encode(), digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


def _identity(session: Session, module: Module) -> str:
    """What tells one module from another by what is in it, and not by what it is called."""
    image = module.image
    digest = hashlib.blake2b(digest_size=16)
    linked = (module.text - image.bias, module.maxpc - image.bias, module.header.address - image.bias)
    digest.update(repr((_writer(), session.program.arch, session.layout.go, linked, image.in_file)).encode())
    tables = module.fields["pclntable.ptr"] + module.fields["pclntable.len"] - module.header.address
    types = module.fields.get("types", 0), module.fields.get("etypes", 0)
    for address, size in ((module.header.address, tables), (types[0], types[1] - types[0])):
        for at in range(address, address + size, _WHOLE_AT_ONCE):
            try:
                digest.update(image.constant(at, min(_WHOLE_AT_ONCE, address + size - at)))
            except GoxrayError:
                digest.update(b"unreadable")
    return digest.hexdigest()
