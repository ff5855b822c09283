"""Integer constants out of Go source files, for those that the linker left out of DWARF.

A reader for the plain declarations of runtime and internal/abi, not for Go at large: const blocks with iota, and
expressions over integers, other constants and conversions. Constants local to a function go by their file in
place of a package ("runtime/traceback.go"), since different functions use the same names.
"""

from __future__ import annotations

import ast
import os
import re
from typing import Dict, Iterator, List, Optional, Tuple

_BLOCK = re.compile(r"^([ \t]*)const \(\n(.*?)^\1\)", re.MULTILINE | re.DOTALL)
_SINGLE = re.compile(r"^([ \t]*)const (\w+[^(\n]*=.+)$", re.MULTILINE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ENTRY = re.compile(r"^\s*(\w+(?:\s*,\s*\w+)*)\s*([\w.]*)\s*(?:=\s*(.+?))?\s*$")
_OTHER_PLATFORMS = (
    "aix android darwin dragonfly freebsd illumos ios js netbsd openbsd plan9 solaris wasip1 windows "
    "386 arm loong64 mips mips64 mips64le mipsle mipsx mips64x ppc64 ppc64le ppc64x riscv64 s390x wasm "
    "amd64 arm64 test amd64p32 arm64be armbe mips64p32 mips64p32le ppc riscv s390 sparc sparc64 hurd nacl zos"
)
_OS_OR_ARCH = frozenset(_OTHER_PLATFORMS.split())
_MAX_DEPTH = 32

Declared = Tuple[str, int]  # expression, iota


class GoConstants:
    """The constants of the packages of one Go source tree, for linux and `arch`; evaluated when asked for."""

    def __init__(self, source: str, arch: str) -> None:
        self._source, self._arch = source, arch
        self._packages: Dict[str, Dict[str, Declared]] = {}

    def names(self, package: str) -> List[str]:
        """Every constant declared in `package` ("runtime", "internal/abi"), or inside functions of a file
        ("runtime/traceback.go"); empty if there is no such package or file."""
        return list(self._package(package))

    def get(self, package: str, name: str, depth: int = 0) -> Optional[int]:
        """The value of an integer constant; None where it is not declared or not such a constant."""
        declared = self._package(package).get(name)
        if declared is None or depth > _MAX_DEPTH:
            return None
        expression, iota = declared
        try:
            return self._evaluate(_parse(expression), package, iota, depth)
        except (SyntaxError, ValueError, ArithmeticError):
            return None

    def _package(self, package: str) -> Dict[str, Declared]:
        if package not in self._packages:
            self._packages[package] = dict(self._read(os.path.join(self._source, *package.split("/"))))
        return self._packages[package]

    def _read(self, path: str) -> Iterator[Tuple[str, Declared]]:
        if os.path.isfile(path):
            yield from _file_declarations(path, local=True)
        elif os.path.isdir(path):
            for name in sorted(os.listdir(path)):
                if name.endswith(".go") and self._applies(name):
                    yield from _file_declarations(os.path.join(path, name), local=False)

    def _applies(self, name: str) -> bool:
        tags = set(name[:-3].split("_")[1:])
        return not (tags & _OS_OR_ARCH) - {self._arch}

    def _evaluate(self, node: ast.expr, package: str, iota: int, depth: int) -> int:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return int(node.value)
        if isinstance(node, ast.Name) and node.id == "iota":
            return iota
        if isinstance(node, ast.Name):
            return _known(self.get(package, node.id, depth + 1))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return _known(self.get(_import_path(node.value.id), node.attr, depth + 1))
        if isinstance(node, ast.UnaryOp):
            operand = self._evaluate(node.operand, package, iota, depth)
            return -operand if isinstance(node.op, ast.USub) else ~operand
        if isinstance(node, ast.BinOp):
            left = self._evaluate(node.left, package, iota, depth)
            return _operate(node.op, left, self._evaluate(node.right, package, iota, depth))
        if isinstance(node, ast.Call) and len(node.args) == 1:  # a conversion, such as uint8(3)
            return self._evaluate(node.args[0], package, iota, depth)
        raise ValueError("not an integer constant")


def _file_declarations(path: str, local: bool) -> Iterator[Tuple[str, Declared]]:
    """The constants that the file at `path` declares, either at package level or inside functions."""
    with open(path, encoding="utf-8") as file:
        text = _COMMENT.sub("", file.read())
    for pattern in (_BLOCK, _SINGLE):
        for match in pattern.finditer(text):
            if bool(match.group(1)) == local:
                yield from _declarations(match.group(2))


def _declarations(body: str) -> Iterator[Tuple[str, Declared]]:
    """One const declaration: a line without an expression repeats the last one, with the next iota."""
    expressions: List[str] = []
    iota = 0
    for line in body.split("\n"):
        match = _ENTRY.match(line)
        if not line.strip() or match is None:
            continue
        if match.group(3):
            expressions = match.group(3).split(",")
        for name, expression in zip(re.split(r"\s*,\s*", match.group(1)), expressions):
            yield name, (expression.strip(), iota)
        iota += 1


def _parse(expression: str) -> ast.expr:
    python = expression.replace("&^", "& ~").replace("^", "~") if "^" in expression else expression
    return ast.parse(python, mode="eval").body


def _operate(operator: ast.operator, left: int, right: int) -> int:
    if isinstance(operator, ast.LShift) and 0 <= right < 128:
        return left << right
    if isinstance(operator, ast.RShift) and 0 <= right < 128:
        return left >> right
    if isinstance(operator, ast.Div):
        return left // right
    simple = {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right, ast.BitOr: left | right}
    simple[ast.BitAnd] = left & right
    if type(operator) not in simple:
        raise ValueError("operator")
    return simple[type(operator)]


def _import_path(name: str) -> str:
    return name if name in ("runtime", "sync", "time") else f"internal/{name}"


def _known(value: Optional[int]) -> int:
    if value is None:
        raise ValueError("unknown constant")
    return value
