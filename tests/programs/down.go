// down goes down, or is brought down, with the runtime's own stacks in use: its first argument says how.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

//go:noinline
func recurse(n int, pad [64]int) int {
	pad[n%64]++
	return recurse(n+1, pad) + pad[n%32]
}

// clock keeps a thread in the vdso's clock_gettime.
//
//go:noinline
func clock() (sum int64) {
	for {
		sum += time.Now().UnixNano()
	}
}

// A signal from outside goes to the main thread.
func init() { runtime.LockOSThread() }

func main() {
	switch os.Args[1] {
	case "overflow":
		debug.SetMaxStack(1 << 16)
		recurse(0, [64]int{})
	case "deadlock":
		select {}
	case "clock":
		go func() {
			time.Sleep(50 * time.Millisecond)
			fmt.Println("ready")
		}()
		clock()
	}
}
