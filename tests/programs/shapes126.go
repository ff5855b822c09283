//go:build go1.27 || (go1.26 && goexperiment.goroutineleakprofile)

package main

import (
	"io"
	"runtime/pprof"
)

//go:noinline
func leak() { <-make(chan int) }

func init() {
	more = append(more, func() {
		for i := 0; i < 3; i++ {
			go leak()
		}
		settle()
		check(pprof.Lookup("goroutineleak").WriteTo(io.Discard, 0))
	})
}
