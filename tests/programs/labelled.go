// labelled parks goroutines with profiler labels and parents of which it tells, leaves its own goroutine profiles in
// goroutine.pb.gz and goroutine.txt, and goes down at once: nothing that is parked moves between these.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	never   = make(chan int)
	parking sync.WaitGroup
	printed sync.Mutex
)

func goid() int {
	var text [64]byte
	words := strings.Fields(string(text[:runtime.Stack(text[:], false)]))
	id, _ := strconv.Atoi(words[1])
	return id
}

func tell(name, format string, values ...interface{}) {
	printed.Lock()
	fmt.Printf("fact %s %q\n", name, fmt.Sprintf(format, values...))
	printed.Unlock()
}

// about is called by each goroutine just before it parks.
func about(kind string, labels ...string) {
	id := goid()
	tell("kind", "%d %s", id, kind)
	for at := 0; at < len(labels); at += 2 {
		tell("label", "%d %x=%x", id, labels[at], labels[at+1])
	}
	parking.Done()
}

//go:noinline
func serve(labels []string) {
	about("serve", labels...)
	<-never
}

type job struct{ name string }

//go:noinline
func (j job) wait(from <-chan int) int {
	about(j.name)
	return <-from + len(j.name)
}

// A waiter is waited for through a method that the compiler made: a frame that neither traceback nor profile shows.
type waiter interface{ wait(<-chan int) int }

//go:noinline
func generic[T any](from chan T) T {
	about("generic")
	return inlined(from)
}

func inlined[T any](from chan T) T { return <-from }

//go:noinline
func deep(levels int) int {
	var room [128]byte
	for at := range room {
		room[at] = byte(levels + at)
	}
	if levels > 0 {
		return deep(levels-1) + int(room[levels%len(room)])
	}
	about("deep")
	return <-never
}

func labelled(labels ...string) {
	parking.Add(1)
	pprof.Do(context.Background(), pprof.Labels(labels...), func(context.Context) { go serve(labels) })
}

//go:noinline
func parent(levels int) {
	id := goid()
	if levels > 0 {
		parking.Add(1)
		child := make(chan int)
		go func() {
			child <- goid()
			parent(levels - 1)
		}()
		tell("parent", "%d %d", <-child, id)
	}
	about("parent")
	<-never
}

// orphans are parked by a goroutine that ends.
func orphans() {
	done := make(chan int)
	go func() {
		for n := 0; n < 6; n++ {
			parking.Add(1)
			go serve(nil)
		}
		done <- goid()
	}()
	tell("ended", "%d", <-done)
}

func main() {
	for n := 0; n < 5; n++ {
		labelled("tenant", "acme")
	}
	for n := 0; n < 3; n++ {
		labelled("tenant", "globex", "request", fmt.Sprintf("r%d", n))
	}
	labelled("a", "b=c", "empty", "", "ключ", "значение", "odd key", "a \"b\" ; c")
	labelled("bytes", "\xff\xfe")
	labelled()
	parking.Add(6)
	go func() {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("tenant", "first")))
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("tenant", "second")))
		about("relabelled", "tenant", "second")
		<-never
	}()
	for n := 0; n < 2; n++ {
		go waiter(&job{"wrapped"}).wait(never)
	}
	go generic(make(chan string))
	go deep(400)
	go parent(3)
	orphans()
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		panic(err)
	}
	parking.Add(1)
	go func() {
		about("syscall")
		syscall.Read(pipe[0], make([]byte, 1))
	}()
	parking.Wait()
	time.Sleep(100 * time.Millisecond)
	runtime.GC()
	runtime.GC()
	parking.Add(2)
	for n := 0; n < 2; n++ {
		go job{"late"}.wait(never)
	}
	parking.Wait()
	time.Sleep(100 * time.Millisecond)
	for name, debug := range map[string]int{"goroutine.pb.gz": 0, "goroutine.txt": 2} {
		file, err := os.Create(name)
		if err != nil {
			panic(err)
		}
		if err := pprof.Lookup("goroutine").WriteTo(file, debug); err != nil {
			panic(err)
		}
		file.Close()
	}
	panic("down")
}
