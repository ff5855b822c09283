// memory [more|limit|stay] allocates objects of many sizes, lets most of them die, tells what runtime.ReadMemStats says,
// and aborts with nothing allocated in between. "more": but for 1000 objects of 24 bytes and one of a MiB. "limit": under a
// memory limit that is the tighter bound. "stay": it waits instead, for a minute at most.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

const pieces = 1000

func mode(name string) bool { return len(os.Args) > 1 && os.Args[1] == name }

type pair struct{ left, right *pair }

var (
	kept  [][]byte
	pairs *pair
	fresh [pieces]*[3]int
	large []byte
	stats runtime.MemStats
	room  [1 << 15]byte
	text  = room[:0]
)

func fact(name string, value uint64) {
	text = append(append(append(text, "fact "...), name...), ' ')
	text = append(strconv.AppendUint(text, value, 10), '\n')
}

// sized tells of one size class: its bytes, how many were allocated and freed.
func sized(size uint32, mallocs, frees uint64) {
	text = append(text, "fact size "...)
	text = append(strconv.AppendUint(text, uint64(size), 10), ' ')
	text = append(strconv.AppendUint(text, mallocs, 10), ' ')
	text = append(strconv.AppendUint(text, frees, 10), '\n')
}

func allocate() {
	for n := 0; n < 4000; n++ {
		block := make([]byte, 1+n*n%40000)
		if n%5 == 0 {
			kept = append(kept, block)
		}
		pairs = &pair{pairs, nil}
	}
}

func main() {
	started := make(chan bool)
	for n := 0; n < 100; n++ {
		go func() { started <- true; select {} }()
		<-started
	}
	debug.SetMemoryLimit(1 << 30)
	allocate()
	runtime.GC()
	debug.SetGCPercent(150)
	allocate()
	// All that is free goes back to the system, so that the scavenger has nothing left to do later.
	debug.FreeOSMemory()
	debug.SetGCPercent(300)
	if mode("limit") {
		debug.SetMemoryLimit(100 << 20)
	}
	for n := 0; n < 8; n++ {
		time.Sleep(5 * time.Millisecond)
		runtime.ReadMemStats(&stats)
	}
	fact("pid", uint64(os.Getpid()))
	fact("alloc", stats.Alloc)
	fact("total_alloc", stats.TotalAlloc)
	fact("sys", stats.Sys)
	fact("mallocs", stats.Mallocs)
	fact("frees", stats.Frees)
	fact("heap_alloc", stats.HeapAlloc)
	fact("heap_sys", stats.HeapSys)
	fact("heap_idle", stats.HeapIdle)
	fact("heap_inuse", stats.HeapInuse)
	fact("heap_released", stats.HeapReleased)
	fact("heap_objects", stats.HeapObjects)
	fact("stack_inuse", stats.StackInuse)
	fact("stack_sys", stats.StackSys)
	fact("mspan_inuse", stats.MSpanInuse)
	fact("mspan_sys", stats.MSpanSys)
	fact("mcache_inuse", stats.MCacheInuse)
	fact("mcache_sys", stats.MCacheSys)
	fact("buck_hash_sys", stats.BuckHashSys)
	fact("gc_sys", stats.GCSys)
	fact("other_sys", stats.OtherSys)
	fact("next_gc", stats.NextGC)
	fact("last_gc", stats.LastGC)
	fact("pause_total_ns", stats.PauseTotalNs)
	fact("last_pause_ns", stats.PauseNs[(stats.NumGC+255)%256])
	fact("num_gc", uint64(stats.NumGC))
	fact("num_forced_gc", uint64(stats.NumForcedGC))
	for _, each := range stats.BySize {
		sized(each.Size, each.Mallocs, each.Frees)
	}
	syscall.Write(1, text)
	if mode("more") {
		for n := range fresh {
			fresh[n] = new([3]int)
		}
		large = make([]byte, 1<<20)
	}
	if mode("stay") {
		syscall.Write(1, []byte("ready\n"))
		time.Sleep(time.Minute)
	}
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}
