"""Assembly functions that a symbol table lists by their bare name, read from a toolchain's sources.

The linker adds ".abi0" to the name of an assembly function whenever Go code can call it by another ABI (see
shared_core/binary/symbols.py); not to those written for ABIInternal, nor to those local to their file.
"""

from __future__ import annotations

import os
import re
from typing import Iterator, List

from .toolchain import Toolchain

# TEXT runtime·memequal<ABIInternal>(SB), ...   TEXT ·sigprofNonGoWrapper<>(SB), ...
_TEXT = re.compile(r"^TEXT\s+([^\s(<]*)<(?:ABIInternal)?>\(SB\)", re.M)
_DOT, _SLASH = "\u00b7", "\u2215"
_FORMAT = '{{if .SFiles}}{{.ImportPath}}\t{{.Dir}}{{range .SFiles}}\t{{.}}{{end}}{{"\\n"}}{{end}}'


def plain_assembly(toolchain: Toolchain, arch: str, workdir: str) -> List[str]:
    """Names such as "runtime.memequal" over the standard library's packages as built for linux/`arch`, sorted."""
    listed = toolchain.list_std(_FORMAT, arch, workdir)
    return sorted({name for line in listed.splitlines() if line for name in _names(*line.split("\t"))})


def _names(package: str, directory: str, *files: str) -> Iterator[str]:
    for file in files:
        with open(os.path.join(directory, file), encoding="utf-8", errors="replace") as stream:
            for name in _TEXT.findall(stream.read()):
                full = name.replace(_DOT, ".").replace(_SLASH, "/")
                if "." in full:
                    yield package + full if full.startswith(".") else full
