// sched stuck|steps. "stuck" takes all Ps for good: nothing moves any more, while goroutines are runnable, blocked in a
// system call, locked to threads, or asleep. "steps" stops itself (SIGUSR1) before and after it made goroutines.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	runnable = 300 // more than the queue of one P holds
	made     = 70
	reads    = 25
)

var spinning int32

func spin() {
	atomic.AddInt32(&spinning, 1)
	for {
	}
}

func locked(started *sync.WaitGroup, until <-chan bool) {
	runtime.LockOSThread()
	started.Done()
	<-until
}

func reader(started *sync.WaitGroup, descriptor int) {
	var one [1]byte
	started.Done()
	syscall.Read(descriptor, one[:])
}

func sleeper(started *sync.WaitGroup) {
	started.Done()
	time.Sleep(time.Hour)
}

func stuck() {
	var started sync.WaitGroup
	var ends [2]int
	if err := syscall.Pipe2(ends[:], 0); err != nil {
		panic(err)
	}
	started.Add(5)
	never := make(chan bool)
	go locked(&started, never)
	go locked(&started, never)
	go reader(&started, ends[0])
	go sleeper(&started)
	go sleeper(&started)
	started.Wait()
	time.Sleep(100 * time.Millisecond)
	runtime.LockOSThread()
	procs := runtime.GOMAXPROCS(0)
	fmt.Println("fact gomaxprocs", procs)
	fmt.Println("fact pid", os.Getpid())
	for n := 1; n < procs; n++ {
		go spin()
	}
	for atomic.LoadInt32(&spinning) != int32(procs-1) {
		runtime.Gosched()
	}
	text := []byte("ready\n")
	wait := syscall.Timespec{Nsec: 600_000_000}
	for n := 0; n < runnable; n++ {
		go runtime.Gosched()
	}
	// Raw calls keep the P. Meanwhile sysmon tells how the scheduler sees all this (GODEBUG=schedtrace).
	syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&wait)), 0, 0)
	syscall.RawSyscall(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)))
	for {
	}
}

// stop sends the signal to this very thread, which takes it before it does anything else.
func stop() { syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGUSR1) }

func steps() {
	runtime.LockOSThread()
	null, err := os.Open("/dev/null")
	if err != nil {
		panic(err)
	}
	var one [1]byte
	var done sync.WaitGroup
	descriptor := int(null.Fd())
	stay := make(chan bool)
	stop()
	done.Add(made)
	for n := 0; n < made; n++ {
		if n%7 == 0 {
			go func() { done.Done(); <-stay }()
		} else {
			go done.Done()
		}
	}
	for n := 0; n < reads; n++ {
		syscall.Read(descriptor, one[:])
	}
	done.Wait()
	time.Sleep(20 * time.Millisecond)
	stop()
}

func main() {
	if os.Args[1] == "stuck" {
		stuck()
	}
	steps()
}
