"""The Go programs that layouts are measured on."""

from __future__ import annotations

GO_MOD = "module probe\n\ngo 1.19\n"

# The least a Go program can be: what is in here is in every program.
TINY = """package main

func main() {}
"""

# Links in what a typical program uses, so that DWARF describes the types and the anchor functions are there.
PROBE = """package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
)

type work struct {
	mu    sync.Mutex
	rw    sync.RWMutex
	cond  *sync.Cond
	once  sync.Once
	group sync.WaitGroup
	seen  map[string]string
}

func (w *work) do(ctx context.Context, in <-chan int, out chan<- error) {
	defer w.group.Done()
	defer func() {
		if r := recover(); r != nil {
			out <- fmt.Errorf("%v", r)
		}
	}()
	for {
		select {
		case v := <-in:
			w.mu.Lock()
			w.seen[fmt.Sprint(v)] = os.Args[0]
			w.mu.Unlock()
			if v > 2 {
				panic(errors.New("enough"))
			}
		case <-ctx.Done():
			return
		case <-time.After(time.Millisecond):
			w.once.Do(func() { w.cond.Broadcast() })
		}
	}
}

func main() {
	w := &work{seen: map[string]string{}}
	w.cond = sync.NewCond(&w.mu)
	in, out := make(chan int), make(chan error, 4)
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), w, "probe"))
	w.group.Add(1)
	pprof.Do(ctx, pprof.Labels("job", "probe"), func(ctx context.Context) { go w.do(ctx, in, out) })
	time.AfterFunc(time.Second, cancel)
	w.rw.RLock()
	w.rw.RUnlock()
	w.rw.Lock()
	w.rw.Unlock()
	in <- 3
	w.group.Wait()
	runtime.SetFinalizer(w, func(*work) {})
	debug.SetMaxThreads(1000)
	debug.SetGCPercent(100)
	fmt.Println(<-out, os.Getenv("HOME"), syscall.Getpid(), runtime.Version(), runtime.NumGoroutine())
	pprof.Lookup("goroutine").WriteTo(os.Stdout, 1)
}
"""
