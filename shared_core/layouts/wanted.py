"""What a layout holds: the structures, constants and globals that the walkers ask for, and their names over the years.

Names are Go's own as DWARF spells them, read from the sources of Go 1.19 to 1.27.
"""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

# Layout name -> the names DWARF may have for it, newest first.  A type that a version has not is left out.
STRUCTS: Dict[str, Tuple[str, ...]] = {
    name: (name,)
    for name in (
        # goroutines, threads, processors, the scheduler
        *("runtime.g", "runtime.m", "runtime.p", "runtime.schedt", "runtime.gobuf", "runtime.stack", "runtime.gQueue"),
        *("runtime.gList", "runtime._defer", "runtime._panic", "runtime.ancestorInfo", "runtime.forcegcstate"),
        *("runtime.coro", "runtime.mLockProfile", "runtime.sysmontick"),
        # what goroutines wait for
        *("runtime.sudog", "runtime.waitq", "runtime.hchan", "runtime.scase", "runtime.mutex", "runtime.rwmutex"),
        *("runtime.note", "runtime.notifyList", "runtime.semaRoot", "runtime.timer", "runtime.timers"),
        *("runtime.timeTimer", "runtime.pollDesc", "runtime.pollCache", "time.Timer"),
        *("sync.Mutex", "sync.RWMutex", "sync.WaitGroup", "sync.Cond", "sync.Once", "sync.notifyList"),
        *("internal/sync.Mutex", "internal/poll.fdMutex", "internal/poll.FD", "internal/poll.pollDesc"),
        # code and module tables
        *("runtime._func", "runtime.inlinedCall", "runtime.moduledata", "runtime.pcHeader", "runtime.findfuncbucket"),
        *("runtime.functab", "runtime.textsect", "runtime.modulehash", "runtime.ptabEntry", "runtime.bitvector"),
        *("runtime.stackObjectRecord", "runtime.stackmap", "runtime.funcval", "runtime.initTask"),
        # values
        *("runtime.slice", "runtime.stringStruct", "runtime.eface", "runtime.iface", "runtime.itabTableType"),
        *("runtime.hmap", "runtime.bmap", "runtime.mapextra", "internal/runtime/maps.Map"),
        *(
            "internal/runtime/maps.table",
            "internal/runtime/maps.groupReference",
            "internal/runtime/maps.groupsReference",
        ),
        *("runtime/pprof.LabelSet", "runtime/pprof.labelMap", "context.cancelCtx", "context.valueCtx"),
        *("runtime.TypeAssertionError", "runtime.boundsError", "runtime.errorAddressString", "runtime.PanicNilError"),
        # the heap
        *("runtime.mheap", "runtime.mspan", "runtime.mSpanList", "runtime.heapArena", "runtime.mcache"),
        *("runtime.mcentral", "runtime.spanSet", "runtime.special", "runtime.specialfinalizer", "runtime.finalizer"),
        *("runtime.specialCleanup", "runtime.specialWeakHandle", "runtime.mstats", "runtime.gcControllerState"),
        *("runtime.memRecord", "runtime.bucket", "runtime.heapStatsDelta"),
    )
}
STRUCTS.update(
    {
        # Go 1.20 moved these from runtime (and reflect) to internal/abi.
        "internal/abi.Type": ("internal/abi.Type", "runtime._type"),
        "internal/abi.ITab": ("internal/abi.ITab", "runtime.itab"),
        "internal/abi.UncommonType": ("internal/abi.UncommonType", "runtime.uncommontype"),
        "internal/abi.Method": ("internal/abi.Method", "runtime.method"),
        "internal/abi.Imethod": ("internal/abi.Imethod", "runtime.imethod"),
        "internal/abi.InterfaceType": ("internal/abi.InterfaceType", "runtime.interfacetype"),
        "internal/abi.PtrType": ("internal/abi.PtrType", "runtime.ptrtype"),
        "internal/abi.SliceType": ("internal/abi.SliceType", "runtime.slicetype"),
        "internal/abi.ArrayType": ("internal/abi.ArrayType", "runtime.arraytype"),
        "internal/abi.ChanType": ("internal/abi.ChanType", "runtime.chantype"),
        "internal/abi.FuncType": ("internal/abi.FuncType", "runtime.functype"),
        "internal/abi.StructType": ("internal/abi.StructType", "runtime.structtype"),
        "internal/abi.StructField": ("internal/abi.StructField", "runtime.structfield"),
        "internal/abi.MapType": (
            *("internal/abi.MapType", "internal/abi.SwissMapType", "internal/abi.OldMapType", "runtime.maptype"),
        ),
        # Go 1.25 renamed synctestGroup, and moved the labels; 1.26 renamed finblock.
        "runtime.synctestBubble": ("runtime.synctestBubble", "runtime.synctestGroup"),
        "runtime.finBlock": ("runtime.finBlock", "runtime.finblock"),
        "internal/runtime/pprof/label.Set": ("internal/runtime/pprof/label.Set",),
        "internal/runtime/pprof/label.Label": ("internal/runtime/pprof/label.Label", "runtime/pprof.label"),
        # Instances for the maps that goroutine labels are (map[string]string), both kinds of map.
        "map.bucket[string]string": (
            "noalg.map.bucket[string]string",
            "map.bucket[string]string",
            "bucket<string,string>",
        ),
        "map.group[string]string": ("noalg.map.group[string]string", "map.group[string]string"),
    }
)

# Without these no goroutine can be shown: a layout that lacks one is no layout.
REQUIRED_STRUCTS = (
    *("runtime.g", "runtime.m", "runtime.p", "runtime.schedt", "runtime.gobuf", "runtime.stack", "runtime.moduledata"),
    *("runtime._func", "runtime.inlinedCall", "runtime.pcHeader", "runtime.sudog", "runtime.hchan", "runtime.mspan"),
    *("runtime.mheap", "internal/abi.Type", "internal/abi.ITab", "runtime.stackObjectRecord", "runtime._panic"),
)

# Variables of a struct type without a name; their layout goes by the variable's name.
STRUCT_VARIABLES = ("runtime.debug", "runtime.work", "runtime.finlock")

# Layout name -> {old field name: today's}; both stay usable.
FIELD_ALIASES: Mapping[str, Mapping[str, str]] = {
    "internal/abi.Type": {
        "size": "Size_",
        "ptrdata": "PtrBytes",
        "hash": "Hash",
        "tflag": "TFlag",
        "align": "Align_",
        "fieldAlign": "FieldAlign_",
        "kind": "Kind_",
        "equal": "Equal",
        "gcdata": "GCData",
        "str": "Str",
        "ptrToThis": "PtrToThis",
    },
    "internal/abi.ITab": {"inter": "Inter", "_type": "Type", "hash": "Hash", "fun": "Fun"},
    "internal/abi.UncommonType": {"pkgpath": "PkgPath", "mcount": "Mcount", "xcount": "Xcount", "moff": "Moff"},
    "internal/abi.PtrType": {"typ": "Type", "elem": "Elem"},
    "internal/abi.SliceType": {"typ": "Type", "elem": "Elem"},
    "internal/abi.ArrayType": {"typ": "Type", "elem": "Elem", "slice": "Slice", "len": "Len"},
    "internal/abi.ChanType": {"typ": "Type", "elem": "Elem", "dir": "Dir"},
    "internal/abi.StructType": {"typ": "Type", "pkgPath": "PkgPath", "fields": "Fields"},
    "internal/abi.StructField": {"name": "Name", "typ": "Typ", "offset": "Offset", "offsetAnon": "Offset"},
    "internal/abi.InterfaceType": {"typ": "Type", "pkgpath": "PkgPath", "mhdr": "Methods"},
    "internal/abi.Imethod": {"name": "Name", "ityp": "Typ"},
    "internal/abi.FuncType": {"typ": "Type", "inCount": "InCount", "outCount": "OutCount"},
    "internal/abi.MapType": {
        "typ": "Type",
        "key": "Key",
        "elem": "Elem",
        "bucket": "Bucket",
        "hasher": "Hasher",
        "keysize": "KeySize",
        "elemsize": "ValueSize",
        "bucketsize": "BucketSize",
        "flags": "Flags",
    },
    "internal/abi.Method": {"name": "Name", "mtyp": "Mtyp", "ifn": "Ifn", "tfn": "Tfn"},
    "runtime._func": {"entryoff": "entryOff", "nameoff": "nameOff"},
    "runtime.inlinedCall": {"func_": "nameOff"},
}

# How deep value structures are flattened; what lies deeper nobody asks for.
MAX_DEPTH = 3
SHALLOW = {
    "runtime.mheap": 2,
    "runtime.mstats": 1,
    "runtime.gcControllerState": 1,
    "runtime.work": 2,
    "runtime.mcache": 1,
}

# What every layout must lead to, by at least MIN_ANCHORS functions each.
GLOBALS = (
    *("runtime.allgs", "runtime.allglen", "runtime.allgptr", "runtime.allm", "runtime.allp", "runtime.gomaxprocs"),
    *("runtime.sched", "runtime.mheap_", "runtime.firstmoduledata", "runtime.modulesSlice", "runtime.argslice"),
    *("runtime.envs", "runtime.m0", "runtime.panicking"),
    *("runtime.runningPanicDefers", "runtime.forcegc", "runtime.work", "runtime.memstats", "runtime.gcphase"),
    *("runtime.gcController", "runtime.allglock", "runtime.runtimeInitTime", "runtime.faketime"),
    *("runtime.physPageSize", "runtime.debug", "runtime.iscgo", "runtime.itabTable"),
    *("runtime.semtable", "runtime.fing", "runtime.allfin", "runtime.mainStarted"),
)
# The runtime touches these in one place only (schedinit, rt0_go).
SCARCE_GLOBALS = ("runtime.buildVersion", "runtime.g0")
# These are not in every version, or only in programs that use their package.
OPTIONAL_GLOBALS = (
    *("runtime.fingStatus", "runtime.fingRunning", "runtime.throwing", "runtime.paniclk", "runtime.worldsema"),
    *(
        "runtime.gcBlackenEnabled",
        "runtime.writeBarrier",
        "runtime.newprocs",
        "runtime.crashing",
        "runtime.netpollInited",
    ),
    *("runtime.pollcache", "runtime.mbuckets", "runtime.bbuckets", "runtime.xbuckets", "time.startNano"),
    *("runtime.gcCleanups", "runtime.extraM", "runtime.deadlock"),
    *(
        "runtime.ncpu",
        "runtime.numCPUStartup",
        "runtime.lastmoduledatap",
        "runtime.freezing",
        "runtime.ticks",
        "runtime.secureMode",
        "runtime.argc",
        "runtime.argv",
    ),
)
MIN_ANCHORS = 2
MAX_ANCHORS = 6
