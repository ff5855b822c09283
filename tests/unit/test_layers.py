"""Dependencies within shared_core point downwards: each layer imports only what is listed for it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Iterator, Tuple

import pytest

from tests.support.paths import ROOT

CORE = ROOT / "shared_core"
# Layer -> what it may import besides itself, as modules or packages of shared_core.
ALLOWED: Dict[str, Tuple[str, ...]] = {
    "arch": ("errors",),
    # The tables of layouts and the names of its versions are data; how they are found and made is above binary.
    "binary": ("errors", "target", "memory", "arch", "layouts.model"),
    "layouts": ("errors", "arch", "binary"),
    "targets": ("errors", "target", "memory", "arch", "binary"),
    "runtime": ("errors", "target", "memory", "arch", "binary", "layouts", "session"),
    "analysis": ("errors", "memory", "arch", "binary", "layouts", "runtime", "session"),
    "export": ("errors", "runtime", "session"),
}
FILES = sorted(path for layer in ALLOWED for path in (CORE / layer).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The modules of shared_core that the file imports, relative to shared_core ("binary.elf")."""
    package = path.relative_to(CORE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            module = ".".join(part for part in base if part)
            # `from . import x` and `from ..binary import elf` name modules of the package.
            yield from [module] if node.module else [f"{module}.{alias.name}".lstrip(".") for alias in node.names]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_a_layer_imports_only_what_is_below_it(path: Path) -> None:
    layer = path.relative_to(CORE).parts[0]
    below = (layer, *ALLOWED[layer])
    assert [name for name in imported(path) if not any(f"{name}.".startswith(f"{each}.") for each in below)] == []
