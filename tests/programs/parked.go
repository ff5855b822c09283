package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"syscall"
	"time"

	"context"

	shelf "example.com/fixture/shelf.v2"
)

// What the parked goroutines hold on to, at package level so that it lives as long as the program.
var (
	quietInts    = make(chan int)
	quietBools   = make(chan bool)
	quietShelf   = make(chan int64)
	fullStrings  = make(chan string)
	heldMutex    sync.Mutex
	heldRWMutex  sync.RWMutex
	waitedGroup  sync.WaitGroup
	waitedCond   = sync.NewCond(&condMutex)
	condMutex    sync.Mutex
	pipeReader   *os.File
	pipeWriter   *os.File
	syscallPipe  [2]int
	keptPointers []interface{}
)

// A waiter parks in methods of its own, on a value and on a pointer.
type waiter struct {
	name  string
	count int
}

//go:noinline
func (w waiter) receive(from <-chan int, extra ...string) int {
	value := <-from
	return value + w.count + len(extra)
}

//go:noinline
func (w *waiter) send(to chan<- string, text string) {
	to <- text
	w.count++
}

//go:noinline
func selectTwo(left chan int, right chan bool, label string) string {
	select {
	case n := <-left:
		return label + strconv.Itoa(n)
	case right <- true:
		return label
	}
}

//go:noinline
func sleepLong(d time.Duration) {
	time.Sleep(d)
}

//go:noinline
func lockHeld(depth int) {
	if depth > 0 {
		lockHeld(depth - 1)
		return
	}
	heldMutex.Lock()
	heldMutex.Unlock()
}

func readHeld() {
	heldRWMutex.RLock()
	heldRWMutex.RUnlock()
}

//go:noinline
func waitGroup(group *sync.WaitGroup) {
	group.Wait()
}

//go:noinline
func waitCond(cond *sync.Cond) {
	cond.L.Lock()
	cond.Wait()
	cond.L.Unlock()
}

//go:noinline
func readNil(index uint8) byte {
	var nothing chan byte
	return <-nothing + index
}

//go:noinline
func readPipe(from io.Reader, size int) (int, error) {
	buffer := make([]byte, size)
	return io.ReadFull(from, buffer)
}

//go:noinline
func readSyscall(descriptor int) int {
	var buffer [16]byte
	n, _ := syscall.Read(descriptor, buffer[:])
	return n
}

// inlinedOuter and inlinedInner are small enough to be inlined: two logical frames in one physical.
func inlinedOuter(c chan int) int { return inlinedInner(c) + 1 }

func inlinedInner(c chan int) int { return <-c }

//go:noinline
func throughInlined(c chan int, f float64, word uint32) int {
	return inlinedOuter(c) + int(f) + int(word)
}

//go:noinline
func lockedThread(quiet chan int) {
	runtime.LockOSThread()
	<-quiet
}

// parkAll starts one goroutine of each kind and returns when all of them are parked.
func parkAll() {
	fail(openPipes())
	heldMutex.Lock()
	heldRWMutex.Lock()
	waitedGroup.Add(1)
	w := &waiter{name: "pointer", count: 7}
	keptPointers = append(keptPointers, w, &waiter{name: "kept"})

	go waiter{name: "value", count: 3}.receive(quietInts, "one", "two")
	go w.send(fullStrings, "nobody takes this")
	go selectTwo(quietInts, make(chan bool), "left or right")
	go sleepLong(1000 * time.Hour)
	go lockHeld(2)
	go readHeld()
	go waitGroup(&waitedGroup)
	go waitCond(waitedCond)
	go readNil(5)
	go readPipe(pipeReader, 64)
	go readSyscall(syscallPipe[0])
	go throughInlined(quietInts, 2.5, 0xfeedface)
	go lockedThread(quietInts)
	go func() {
		selectNothing("closure", &quietBools)
	}()
	go shelf.NewPile[int64]("generic", 1, 2, 3).Wait(quietShelf)
	go func(c chan int) {
		pprof.Do(context.Background(), pprof.Labels("request", "42", "odd key", "a\"b"), func(context.Context) { <-c })
	}(quietInts)
	waitUntilParked()
	runtime.GC() // fills g.waitsince of those that are parked by now
	go parkedAfterGC(quietInts)
	waitUntilParked("parkedAfterGC")
}

//go:noinline
func parkedAfterGC(quiet chan int) { <-quiet }

//go:noinline
func selectNothing(name string, kept *chan bool) {
	<-*kept
	select {}
}

func openPipes() (err error) {
	if pipeReader, pipeWriter, err = os.Pipe(); err != nil {
		return err
	}
	return syscall.Pipe(syscallPipe[:])
}

func fail(err error) {
	if err != nil {
		panic(err)
	}
}

// The functions that must be seen at rest; "runnable" or "running" anywhere means that some are still on their way.
var atRest = []string{
	"waiter.receive", "waiter).send", "selectTwo", "sleepLong", "lockHeld", "readHeld", "waitGroup", "waitCond",
	"readNil", "readPipe", "readSyscall", "throughInlined", "lockedThread", "selectNothing", "Wait(", "parkAll.func",
}

func waitUntilParked(more ...string) {
	buffer := make([]byte, 1<<20)
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
		text := buffer[:runtime.Stack(buffer, true)]
		if bytes.Contains(text, []byte("[runnable")) || bytes.Count(text, []byte("[running")) > 1 {
			continue
		}
		if containsAll(text, atRest) && containsAll(text, more) && bytes.Contains(text, []byte("[syscall")) {
			return
		}
	}
	panic("the goroutines did not come to rest")
}

func containsAll(text []byte, wanted []string) bool {
	for _, each := range wanted {
		if !bytes.Contains(text, []byte(each)) {
			return false
		}
	}
	return true
}

// printFacts tells the test what a debugger must find: "fact NAME VALUE", one a line.
func printFacts() {
	fmt.Printf("fact go %s\n", runtime.Version())
	fmt.Printf("fact gomaxprocs %d\n", runtime.GOMAXPROCS(0))
	fmt.Printf("fact goroutines %d\n", runtime.NumGoroutine())
	fmt.Printf("fact pid %d\n", os.Getpid())
	for _, arg := range os.Args {
		fmt.Printf("fact arg %q\n", arg)
	}
	for _, entry := range os.Environ() {
		fmt.Printf("fact env %q\n", entry)
	}
	fmt.Printf("fact address waitedGroup %p\n", &waitedGroup)
	fmt.Printf("fact address waitedCond %p\n", waitedCond)
	fmt.Printf("fact address heldMutex %p\n", &heldMutex)
	fmt.Printf("fact channel quietInts %p\n", quietInts)
	fmt.Printf("fact channel fullStrings %p\n", fullStrings)
	for _, kept := range keptPointers {
		fmt.Printf("fact pointer waiter %p\n", kept)
	}
}
