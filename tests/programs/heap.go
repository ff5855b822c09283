// heap [N|sweep] fills its heap with objects of every kind and size, writes runtime/debug.WriteHeapDump to "heap.dump", tells what
// runtime.ReadMemStats says and where the things are that it planted, and aborts with nothing allocated in between.
// N: it makes a list of N nodes as well, in an array of pointers, and writes no dump. "sweep": it goes down when a collection
// has just ended, and tells where objects are that it kept and that it dropped before.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"
)

type target struct {
	name  string
	count int
	next  *target
}

type holder struct {
	number int
	run    func() int
}

type node struct {
	left, right *node
	payload     [20]int
	text        string
}

type mixed struct {
	plain  [3]int
	first  *int
	middle [70]int
	second *string
	rest   [9]any
}

type wide struct {
	values [40]struct {
		number int
		link   *int
	}
	tail [100]byte
}

type shower interface{ show() string }

func (t *target) show() string { return t.name }

var (
	// A chain of references: global, map, slice, struct, closure, channel's buffer, object.
	chain map[string][]*holder
	kept  []any
	nodes []*node
	// What sweep keeps.
	holders []*[8]*int
	texts   []string
	shown   shower
	loose   unsafe.Pointer
	sizes   [][]byte
	points  []*[16]*int
	lost    *target
	extra   []func()
	stats   runtime.MemStats
	before  debug.GCStats
	now     debug.GCStats
	room    [1 << 15]byte
	text    = room[:0]
	done    = make(chan *target)
)

//go:noinline
func plant() uintptr {
	end := &target{name: "the end of the chain", count: 42}
	queue := make(chan *target, 3)
	queue <- end
	one := &holder{7, func() int { return len(queue) }}
	chain = map[string][]*holder{"only": {nil, one}}
	return uintptr(unsafe.Pointer(end))
}

//go:noinline
func hold(one *target, number int) {
	<-done
	runtime.KeepAlive(one)
}

//go:noinline
func fill() {
	for n := 0; n < 600; n++ {
		size := 1 + n*n%3000
		block := make([]byte, size)
		if n%3 != 0 {
			sizes = append(sizes, block)
		}
		links := make([]*int, 1+n%400)
		number := n
		for i := range links {
			if i%3 == 0 {
				links[i] = &number
			}
		}
		if n%4 != 0 {
			kept = append(kept, links)
		}
		kept = append(kept, &mixed{first: &number}, new(wide), n, strconv.Itoa(n*1234567))
		texts = append(texts, strconv.Itoa(n))
		points = append(points, new([16]*int))
	}
	kept = append(kept, make([]*node, 5000), make([]wide, 30), make([]mixed, 200), make([]byte, 1<<20), make([][3]*int, 9000))
	numbers := map[int]*target{}
	names := map[string]string{}
	for n := 0; n < 300; n++ {
		numbers[n] = &target{name: strconv.Itoa(n), count: n}
		names[strconv.Itoa(n)] = "x"
	}
	kept = append(kept, numbers, names, map[[2]int][]int{{1, 2}: {3}}, make(chan int, 10), make(chan [3]*node, 4))
	for n := 0; n < 50; n++ {
		finalized := &target{name: "finalized", count: n}
		runtime.SetFinalizer(finalized, func(*target) {})
		kept = append(kept, finalized)
	}
	shown = &target{name: "behind an interface"}
	loose = unsafe.Pointer(&target{name: "behind an unsafe pointer"})
}

func many(count int) {
	nodes = make([]*node, count)
	for i := range nodes {
		nodes[i] = &node{text: "node"}
		if i > 0 {
			nodes[i].left = nodes[i-1]
			nodes[i/2].right = nodes[i]
		}
	}
}

func fact(name string, value uint64) {
	text = append(append(append(text, "fact "...), name...), ' ')
	text = append(strconv.AppendUint(text, value, 10), '\n')
}

// sweep leaves spans behind that the collection has marked and nobody has swept.
func sweep() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	// Sometimes all is swept before the program gets its turn.
	for tries := 0; tries < 200 && !unswept(); tries++ {
		runtime.GC()
	}
	// Raw: in a system call that takes long the processor is taken away, and used to sweep.
	pid := os.Getpid()
	syscall.RawSyscall(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)))
	syscall.RawSyscall(syscall.SYS_KILL, uintptr(pid), uintptr(syscall.SIGABRT), 0)
	select {}
}

func unswept() bool {
	text, holders = room[:0], nil
	for n := 0; n < 100000; n++ {
		each := new([8]*int)
		if n%2 == 0 {
			holders = append(holders, each)
		}
		if n%1000 == 0 {
			fact("kept", uint64(uintptr(unsafe.Pointer(each))))
		} else if n%1000 == 1 {
			fact("dropped", uint64(uintptr(unsafe.Pointer(each))))
		}
	}
	debug.ReadGCStats(&before)
	runtime.ReadMemStats(&stats)
	all := stats.HeapObjects
	go runtime.GC()
	for now.NumGC <= before.NumGC {
		runtime.Gosched()
		debug.ReadGCStats(&now)
	}
	runtime.ReadMemStats(&stats)
	return stats.HeapObjects > all-10000
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "sweep" {
		sweep()
	}
	at := plant()
	fill()
	for _, each := range extra {
		each()
	}
	held := &target{name: "held by a frame", count: 1}
	go hold(held, 5)
	fact("held", uint64(uintptr(unsafe.Pointer(held))))
	held = nil
	count := 0
	if len(os.Args) > 1 {
		count, _ = strconv.Atoi(os.Args[1])
		many(count)
	}
	file, err := os.Create("heap.dump")
	if err != nil {
		panic(err)
	}
	descriptor := file.Fd()
	runtime.GC()
	runtime.GC()
	debug.SetGCPercent(-1)
	// Some that are new, some garbage among them.
	for n := 0; n < 100; n++ {
		kept = append(kept, &target{name: "new"}, make([]*target, n*3))
		lost = &target{name: "soon lost"}
	}
	runtime.ReadMemStats(&stats)
	fact("chain", uint64(at))
	fact("lost", uint64(uintptr(unsafe.Pointer(lost))))
	fact("shown", uint64(uintptr(unsafe.Pointer(shown.(*target)))))
	fact("loose", uint64(uintptr(loose)))
	fact("kept", uint64(uintptr(unsafe.Pointer(&kept))))
	fact("text", uint64(uintptr(unsafe.Pointer(unsafe.Pointer(&texts[17])))))
	fact("heap_alloc", stats.HeapAlloc)
	fact("heap_objects", stats.HeapObjects)
	for _, each := range stats.BySize {
		text = append(text, "fact size "...)
		text = append(strconv.AppendUint(text, uint64(each.Size), 10), ' ')
		text = append(strconv.AppendUint(text, each.Mallocs-each.Frees, 10), '\n')
	}
	if count == 0 {
		debug.WriteHeapDump(descriptor)
	}
	runtime.KeepAlive(file)
	syscall.Write(1, text)
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}
