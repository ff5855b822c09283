// leaks abandons goroutines in every way that there is, beside others that only wait; prints "ready", and waits to be
// aborted. Argument "profile" (Go 1.27): prints what the runtime's own leak detection finds, and ends.
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

type request struct {
	id    int
	reply chan string
}

// What is alive: these can be reached by anything.
var (
	jobs        = make(chan int)
	results     = make(chan *request, 2)
	shutdown    = make(chan struct{})
	hub         = map[int]chan int{}
	timers      []*time.Timer
	packageLock sync.Mutex
	first       sync.Mutex
	second      sync.Mutex
	met         sync.WaitGroup
	never       = make(chan struct{})
)

//go:noinline
func sendsToNobody(to chan string, text string) { to <- text }

//go:noinline
func receivesFromNobody(from chan int) int { return <-from }

//go:noinline
func selectsFromNobody(a chan int, b chan bool) int {
	select {
	case n := <-a:
		return n
	case b <- true:
		return 1
	}
}

//go:noinline
func replies(r *request) { r.reply <- fmt.Sprint(r.id) }

//go:noinline
func waitsForEachOther(mine, other chan int) {
	<-other
	mine <- 1
}

//go:noinline
func waitsForLostGroup(group *sync.WaitGroup) { group.Wait() }

// lock has an object of its own: one of 8 bytes without pointers would share it with others, that something may refer to.
type lock struct {
	sync.Mutex
	_ [3]uint64
}

//go:noinline
func locksLost(mu *sync.Mutex) { mu.Lock(); mu.Unlock() }

//go:noinline
func waitsForLostCond(cond *sync.Cond) {
	cond.L.Lock()
	cond.Wait()
	cond.L.Unlock()
}

//go:noinline
func receivesNil(from chan int) { <-from }

//go:noinline
func selectsNothing() { select {} }

//go:noinline
func sleepsForEver() { time.Sleep(math.MaxInt64) }

//go:noinline
func waitsForStopped(timer *time.Timer) { <-timer.C }

//go:noinline
func locksTwo(a, b *sync.Mutex) {
	a.Lock()
	met.Done()
	met.Wait()
	b.Lock()
	b.Unlock()
	a.Unlock()
}

//go:noinline
func locksLong() { packageLock.Lock(); packageLock.Unlock() }

//go:noinline
func holdsLong() {
	packageLock.Lock()
	time.Sleep(time.Hour)
	packageLock.Unlock()
}

//go:noinline
func sendsResult(r *request) { results <- r }

// Healthy from here on.

//go:noinline
func idleWorker() {
	for job := range jobs {
		_ = job
	}
}

//go:noinline
func client(inbox chan int) {
	for {
		select {
		case <-inbox:
		case <-shutdown:
			return
		}
	}
}

//go:noinline
func ticks(ticker *time.Ticker) {
	for range ticker.C {
	}
}

//go:noinline
func abandon() {
	for i := 0; i < 3; i++ {
		go sendsToNobody(make(chan string), "result")
		go receivesFromNobody(make(chan int))
		go selectsFromNobody(make(chan int), make(chan bool))
		go replies(&request{i, make(chan string)})
		a, b := make(chan int), make(chan int)
		go waitsForEachOther(a, b)
		go waitsForEachOther(b, a)
		group, mu := new(sync.WaitGroup), new(lock)
		group.Add(1)
		mu.Lock()
		go waitsForLostGroup(group)
		go locksLost(&mu.Mutex)
		go waitsForLostCond(sync.NewCond(new(lock)))
	}
	go receivesNil(nil)
	go selectsNothing()
	go sleepsForEver()
}

//go:noinline
func occupy() {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	timers = append(timers, timer)
	go waitsForStopped(timer)
	met.Add(2)
	go locksTwo(&first, &second)
	go locksTwo(&second, &first)
	go holdsLong()
	time.Sleep(20 * time.Millisecond)
	for i := 0; i < 5; i++ {
		go locksLong()
		go sendsResult(&request{i, nil})
		go idleWorker()
	}
	for i := 0; i < 120; i++ {
		hub[i] = make(chan int)
		go client(hub[i])
	}
	go ticks(time.NewTicker(time.Hour))
}

//go:noinline
func clearStack(depth int) int {
	var room [64]int
	if depth > 0 {
		room[depth%64] = clearStack(depth - 1)
	}
	return room[depth%64] + depth
}

func main() {
	runtime.GC()
	abandon()
	occupy()
	time.Sleep(300 * time.Millisecond)
	clearStack(50)
	for i := 0; i < 3; i++ {
		runtime.GC()
		time.Sleep(200 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	runtime.GC()
	fmt.Printf("fact pid %d\n", os.Getpid())
	if len(os.Args) > 1 && os.Args[1] == "profile" {
		pprof.Lookup("goroutineleak").WriteTo(os.Stdout, 2)
		runtime.GC()
	}
	fmt.Println("ready")
	<-shutdown
}
