"""The numbers of the runtime and their names: statuses, wait reasons, function ids, table indexes."""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from .constants import Constants
from .names import KINDS, SCALARS, snake

Enum = Dict[int, str]
Strings = Callable[[str], List[str]]  # a variable of type [N]string -> its strings, [] if there is none
Numbers = Callable[[str], List[int]]  # a variable of type [N]uint16 -> its numbers, [] if there is none

# enum -> (packages, pattern of the constant's name); group 1 is the name in the layout, in snake case.
_PATTERNS: Dict[str, Tuple[Tuple[str, ...], str]] = {
    "status_names": (("runtime",), r"_G(?!scan)([a-z_]+)"),
    "p_statuses": (("runtime",), r"_P([a-z_]+)"),
    "gc_phases": (("runtime",), r"_GC(off|mark|marktermination)"),
    "wait_reason_names": (("runtime",), r"waitReason([A-Z]\w*)"),
    "funcdata": (("internal/abi", "runtime"), r"_?FUNCDATA_(\w+)"),
    "pcdata": (("internal/abi", "runtime"), r"_?PCDATA_(?!Restart|UnsafePoint[SU])(\w+)"),
    "unsafe_points": (("internal/abi", "runtime"), r"(?:_PCDATA_)?(?:UnsafePoint|(?=Restart))(Safe|Unsafe|Restart\w+)"),
    "trace_args": (
        ("internal/abi", "runtime/traceback.go"),
        r"(?:TraceArgs|_)(?i:(EndSeq|StartAgg|EndAgg|Dotdotdot|OffsetTooLarge))",
    ),
    "tflags": (("internal/abi", "runtime"), r"[tT][fF]lag([A-Z]\w*)"),
    # of Swiss tables; those of the hash tables up to Go 1.23 have no names
    "map_flags": (("internal/abi",), r"(?:Swiss)?Map(NeedKeyUpdate|HashMightPanic|Indirect(?:Key|Elem))"),
    "throw_types": (("runtime",), r"throwType([A-Z]\w*)"),
    "span_states": (("runtime",), r"mSpan(Dead|InUse|Manual)"),
    "gc_worker_modes": (("runtime",), r"gcMarkWorker(Dedicated|Fractional|Idle)Mode"),
    "special_kinds": (("runtime",), r"_KindSpecial([A-Z]\w*)"),
}
_FUNC_ID = (("internal/abi", "runtime"), r"[fF]uncID_?([A-Za-z]\w*)")
_FUNC_FLAG = (("internal/abi", "runtime"), r"[fF]uncFlag_?(?i:(TOPFRAME|SPWRITE|ASM))")

# Names that changed while the function behind them did not; everything else keeps the runtime's own spelling.
_FUNC_ID_NAMES = {"Normal": "normal", "Wrapper": "wrapper", "runFinalizers": "runfinq"}
_FUNC_FLAG_NAMES = {"topframe": "top_frame", "spwrite": "sp_write", "asm": "asm"}

# The bytes of an object of each size class; Go 1.25 moved the table.
_CLASS_SIZES = ("internal/runtime/gc.SizeClassToSize", "runtime.class_to_size")

REQUIRED_ENUMS = (
    *("wait_reasons", "statuses", "g_flags", "func_ids", "func_flags", "funcdata", "pcdata", "unsafe_points"),
    *("trace_args", "kinds", "p_statuses", "gc_phases", "span_states"),
)
REQUIRED_SCALARS = ("args_size_unknown", "trace_args_limit", "trace_args_max_depth", "traceback_inner_frames")


def enum_entries(constants: Constants, strings: Strings, numbers: Numbers = lambda name: []) -> Dict[str, Enum]:
    """Every enum that the constants and the program's own tables give, by the layout's name for it."""
    enums = {name: _collect(constants, packages, pattern, snake) for name, (packages, pattern) in _PATTERNS.items()}
    enums["func_ids"] = _collect(constants, *_FUNC_ID, lambda name: _FUNC_ID_NAMES.get(name, name))
    enums["func_flags"] = _collect(constants, *_FUNC_FLAG, lambda name: _FUNC_FLAG_NAMES[name.lower()])
    enums["kinds"] = _kinds(constants)
    enums["wait_reasons"] = _texts(strings("runtime.waitReasonStrings"))
    # The runtime's own words where it has some; a status it never prints goes by its constant's name.
    enums["statuses"] = {**enums["status_names"], **_texts(strings("runtime.gStatusStrings"))}
    scan = constants.get("runtime", "_Gscan")
    enums["g_flags"] = {} if scan is None else {scan: "scan"}
    sizes = next(filter(None, map(numbers, _CLASS_SIZES)), [])
    enums["size_classes"] = {number: str(size) for number, size in enumerate(sizes) if size}
    return {name: values for name, values in enums.items() if values}


def scalar_entries(constants: Constants) -> Dict[str, int]:
    """Single constants by the layout's name for them."""
    found = {}
    for name, places in SCALARS.items():
        values = (constants.get(package, spelling) for package, spelling in places)
        value = next((v for v in values if v is not None), None)
        if value is not None:
            found[name] = value
    return found


def _collect(constants: Constants, packages: Tuple[str, ...], pattern: str, rename: Callable[[str], str]) -> Enum:
    """number -> name of the constants that match, from the first package that has any."""
    matcher = re.compile(pattern)
    for package in packages:
        found = dict(_matches(constants, package, matcher, rename))
        if found:
            return found
    return {}


def _matches(
    constants: Constants, package: str, matcher: re.Pattern[str], rename: Callable[[str], str]
) -> Iterator[Tuple[int, str]]:
    for name in sorted(constants.names(package), reverse=True):
        match = matcher.fullmatch(name)
        value = constants.get(package, name) if match else None
        if match and value is not None:
            yield value, rename(match.group(1))


def _kinds(constants: Constants) -> Enum:
    """reflect.Kind's numbers: abi.Bool since Go 1.21, runtime's kindBool before."""
    found: Enum = {}
    for name in KINDS:
        value: Optional[int] = constants.get("internal/abi", name)
        if value is None:
            value = constants.get("runtime", "kind" + ("Ptr" if name == "Pointer" else name))
        if value is not None:
            found[value] = name
    return found


def _texts(strings: List[str]) -> Enum:
    return {number: text for number, text in enumerate(strings) if text}
