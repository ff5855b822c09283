// manyg N [quiet|stay] parks N goroutines on a few distinct stacks and aborts. With "quiet" it takes the runtime's signal
// handler away first: the kernel then writes the core at once, without a traceback of N goroutines on stderr. With
// "stay" it prints "ready" and waits, for ten minutes at most.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var started int64

type worker struct {
	id    int
	inbox chan int
}

//go:noinline
func (w *worker) run(depth int, until <-chan bool) int {
	if depth > 0 {
		return w.run(depth-1, until) + 1
	}
	atomic.AddInt64(&started, 1)
	return w.wait(until)
}

//go:noinline
func (w *worker) wait(until <-chan bool) int {
	select {
	case n := <-w.inbox:
		return n
	case <-until:
		return w.id
	}
}

//go:noinline
func receiver(id int, inbox chan int) {
	atomic.AddInt64(&started, 1)
	<-inbox
}

//go:noinline
func sender(id int, outbox chan<- string, text string) {
	atomic.AddInt64(&started, 1)
	outbox <- text
}

//go:noinline
func sleeper(id int) {
	atomic.AddInt64(&started, 1)
	time.Sleep(time.Hour)
}

func start(id int, inbox chan int, outbox chan string, until chan bool) {
	switch id % 5 {
	case 0, 1:
		w := &worker{id: id, inbox: inbox}
		go w.run(id%4, until)
	case 2:
		go receiver(id, inbox)
	case 3:
		go sender(id, outbox, "text of goroutine")
	default:
		go sleeper(id)
	}
}

// defaultAbort puts the kernel's own disposition of SIGABRT back (rt_sigaction with an all-zero action: SIG_DFL).
func defaultAbort() {
	var action [4]uint64
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGABRT),
		uintptr(unsafe.Pointer(&action[0])), 0, 8, 0, 0)
	if errno != 0 {
		panic(errno)
	}
}

func main() {
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	inbox, outbox, until := make(chan int), make(chan string), make(chan bool)
	for i := 0; i < count; i++ {
		start(i, inbox, outbox, until)
	}
	for atomic.LoadInt64(&started) < int64(count) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	fmt.Printf("fact goroutines %d\n", runtime.NumGoroutine())
	if len(os.Args) > 2 && os.Args[2] == "stay" {
		fmt.Println("ready")
		time.Sleep(10 * time.Minute)
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[2] == "quiet" {
		defaultAbort()
	}
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}
