"""The "target" of every JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Tuple

from ..errors import GoxrayError

if TYPE_CHECKING:
    from ..session import Session

Facts = Dict[str, Optional[str]]


def target_facts(session: Session) -> Tuple[Facts, List[str]]:
    """(go_version, arch, kind, executable, layout, layout_source; why any of them is None)."""
    reasons: List[str] = []
    facts: Facts = {
        "go_version": _try("go_version", lambda: session.program.go_version or None, reasons),
        "arch": session.target.arch,
        "kind": session.target.kind,
        "executable": _try("executable", lambda: session.program.image.path, reasons),
        "layout": _try("layout", lambda: f"go{session.layout.go} {session.layout.arch}", reasons),
        "layout_source": _try("layout_source", lambda: session.layout.source, reasons),
    }
    return facts, _grouped(reasons)


def _try(name: str, ask: Callable[[], Optional[str]], reasons: List[str]) -> Optional[str]:
    try:
        answer = ask()
    except GoxrayError as error:
        reasons.append(f"{name}\0{error}")
        return None
    if answer is None:
        reasons.append(f"{name}\0not known")
    return answer


def _grouped(reasons: List[str]) -> List[str]:
    """ "target.layout, target.layout_source: why" for those that are missing for the same reason."""
    names: Dict[str, List[str]] = {}
    for name, why in (reason.split("\0", 1) for reason in reasons):
        names.setdefault(why, []).append(f"target.{name}")
    return [f"{', '.join(missing)}: {why}" for why, missing in names.items()]
