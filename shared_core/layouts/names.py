"""Names in layouts: how Go's spellings are turned into them, and the single constants that layouts hold."""

from __future__ import annotations

import re
from typing import Dict, Tuple

Places = Tuple[Tuple[str, str], ...]  # (package, constant), newest first

KINDS = (
    *("Bool", "Int", "Int8", "Int16", "Int32", "Int64", "Uint", "Uint8", "Uint16", "Uint32", "Uint64", "Uintptr"),
    *("Float32", "Float64", "Complex64", "Complex128", "Array", "Chan", "Func", "Interface", "Map", "Pointer"),
    *("Slice", "String", "Struct", "UnsafePointer"),
)


def _abi(name: str, old: str) -> Places:
    return (("internal/abi", name), ("runtime", old))


def _trace_args(name: str, old: str) -> Places:
    """Constants of internal/abi since Go 1.22, local ones of runtime.printArgs before."""
    return (("internal/abi", name), ("runtime/traceback.go", "_" + old), ("runtime/traceback.go", old))


def _sync(name: str) -> Places:
    return (("internal/sync", name), ("sync", name))


SCALARS: Dict[str, Places] = {
    # argument words of a traceback (cmd/compile/internal/ssagen.emitArgInfo writes them)
    "trace_args_limit": _trace_args("TraceArgsLimit", "limit"),
    "trace_args_max_depth": _trace_args("TraceArgsMaxDepth", "maxDepth"),
    "trace_args_max_len": _trace_args("TraceArgsMaxLen", "maxLen"),
    # how many frames a traceback prints: 100 from the top up to Go 1.20, since then 50 from both ends
    "traceback_inner_frames": (("runtime", "tracebackInnerFrames"), ("runtime", "_TracebackMaxFrames")),
    "traceback_outer_frames": (("runtime", "tracebackOuterFrames"),),
    "args_size_unknown": _abi("ArgsSizeUnknown", "_ArgsSizeUnknown"),
    # findfunctab
    "min_func_size": _abi("MINFUNC", "minfunc"),
    "func_tab_bucket_size": _abi("FuncTabBucketSize", "pcbucketsize"),
    # type descriptors
    "kind_mask": _abi("KindMask", "kindMask"),
    "kind_direct_iface": _abi("KindDirectIface", "kindDirectIface"),
    "kind_gc_prog": _abi("KindGCProg", "kindGCProg"),
    # memory
    "page_size": (("runtime", "pageSize"), ("runtime", "_PageSize")),
    "heap_arena_bytes": (("runtime", "heapArenaBytes"),),
    "arena_base_offset": (("runtime", "arenaBaseOffset"),),
    "arena_l1_bits": (("runtime", "arenaL1Bits"),),
    "arena_l2_bits": (("runtime", "arenaL2Bits"),),
    "pages_per_arena": (("runtime", "pagesPerArena"),),
    "num_span_classes": (("runtime", "numSpanClasses"),),
    # the pacer (mgcpacer.go): its headroom below the memory limit was a fixed number of bytes up to Go 1.20
    "memory_limit_headroom": (
        ("runtime", "memoryLimitMinHeapGoalHeadroom"),
        ("runtime", "memoryLimitHeapGoalHeadroom"),
    ),
    "memory_limit_headroom_percent": (("runtime", "memoryLimitHeapGoalHeadroomPercent"),),
    "default_heap_minimum": (("runtime", "defaultHeapMinimum"),),
    "trigger_ratio_den": (("runtime", "triggerRatioDen"),),
    "min_trigger_ratio_num": (("runtime", "minTriggerRatioNum"),),
    "max_trigger_ratio_num": (("runtime", "maxTriggerRatioNum"),),
    # runtime.finalizer states (Go 1.21 on) and locks
    "fing_running_finalizer": (("runtime", "fingRunningFinalizer"),),
    "mutex_locked": _sync("mutexLocked"),
    "mutex_woken": _sync("mutexWoken"),
    "mutex_starving": _sync("mutexStarving"),
    "mutex_waiter_shift": _sync("mutexWaiterShift"),
    "rwmutex_max_readers": (("sync", "rwmutexMaxReaders"),),
    "runtime_rwmutex_max_readers": (("runtime", "rwmutexMaxReaders"),),
    "sema_table_size": (("runtime", "semTabSize"),),
}


def snake(name: str) -> str:
    """Go's mixed caps as snake case: "ArgsPointerMaps" -> "args_pointer_maps"."""
    parts = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", parts).lower()
