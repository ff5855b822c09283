// healthy parks a goroutine of every kind, prints "ready" and then only works a little: to be attached to or aborted.
// Arguments: "trap" raises SIGUSR1 when ready, "spin" keeps a goroutine running.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

//go:noinline
func tick(count int, name string) int {
	if count%2 == 0 {
		return count + len(name)
	}
	return count
}

// spin keeps a thread busy in Go code: a goroutine that is running, not parked.
//
//go:noinline
func spin(step uint64) (sum uint64) {
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
		for i := uint64(0); i < 1<<20; i++ {
			sum += i * step
		}
	}
	return sum
}

//go:noinline
func work(seconds int) (total int) {
	for i := 0; i < seconds*100; i++ {
		total += tick(i, "healthy")
		time.Sleep(10 * time.Millisecond)
	}
	return total
}

// The main thread is main's as long as it likes: a signal from outside goes there, and finds it asleep.
func init() { runtime.LockOSThread() }

func main() {
	parkAll()
	printFacts()
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if mode == "spin" {
		go spin(3)
		time.Sleep(100 * time.Millisecond)
	} else {
		runtime.UnlockOSThread()
	}
	fmt.Println("ready")
	if mode == "trap" {
		// A debugger stops here; without one the program ends, as it would at any SIGUSR1.
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	}
	// An end of its own, so that a test which dies leaves no process behind.
	work(600)
	os.Exit(0)
}
