// waits parks goroutines at everything that goroutines wait for, tells the addresses, prints "ready", and waits to be
// aborted. Argument: "deadlock" leaves nothing that could wake any of them, and the runtime finds that out.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

type job struct {
	name  string
	count int
}

// account has its lock in the middle, as programs do.
type account struct {
	balance int
	mu      sync.Mutex
}

var (
	quiet       = make(chan int)
	full        = make(chan *job, 2)
	bools       = make(chan bool)
	group       sync.WaitGroup
	condMutex   sync.Mutex
	cond        = sync.NewCond(&condMutex)
	once        sync.Once
	written     sync.RWMutex
	read        sync.RWMutex
	packageLock sync.Mutex
	never       = make(chan struct{})
)

//go:noinline
func receives(from chan int) int { return <-from }

//go:noinline
func sends(to chan *job, what *job) { to <- what }

//go:noinline
func selects(from chan int, to chan bool, done chan struct{}) int {
	select {
	case n := <-from:
		return n
	case to <- true:
		return 1
	case <-done:
		return 2
	}
}

//go:noinline
func holds(mu *sync.Mutex, until chan struct{}) int {
	mu.Lock()
	<-until
	mu.Unlock()
	return 1
}

//go:noinline
func locks(mu *sync.Mutex) int {
	mu.Lock()
	defer mu.Unlock()
	return 1
}

//go:noinline
func holdsPackageLock(until chan struct{}) int {
	packageLock.Lock()
	<-until
	packageLock.Unlock()
	return 1
}

//go:noinline
func locksPackageLock() int {
	packageLock.Lock()
	defer packageLock.Unlock()
	return 1
}

//go:noinline
func locksTwo(first, second *sync.Mutex, met *sync.WaitGroup) int {
	first.Lock()
	met.Done()
	met.Wait()
	second.Lock()
	second.Unlock()
	first.Unlock()
	return 1
}

//go:noinline
func locksForNobody(a *account) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.balance
}

//go:noinline
func readsWritten() { written.RLock(); written.RUnlock() }

//go:noinline
func writesWritten() { written.Lock(); written.Unlock() }

//go:noinline
func writesRead() { read.Lock(); read.Unlock() }

//go:noinline
func waitsForGroup(group *sync.WaitGroup) { group.Wait() }

//go:noinline
func waitsForCond(c *sync.Cond) {
	c.L.Lock()
	c.Wait()
	c.L.Unlock()
}

//go:noinline
func doesOnce(until chan struct{}) { once.Do(func() { <-until }) }

//go:noinline
func waitsForOnce() { once.Do(func() {}) }

//go:noinline
func sleeps(d time.Duration) { time.Sleep(d) }

//go:noinline
func waitsForTimer(timer *time.Timer) { <-timer.C }

//go:noinline
func waitsForTicker(ticker *time.Ticker) { <-ticker.C }

//go:noinline
func receivesNil(from chan int) { <-from }

//go:noinline
func sendsNil(to chan int) { to <- 1 }

//go:noinline
func selectsNothing() { select {} }

//go:noinline
func readsPipe(file *os.File) { file.Read(make([]byte, 10)) }

//go:noinline
func readsRaw(fd int) { syscall.Read(fd, make([]byte, 10)) }

var kept []any

func fact(name string, address any) {
	fmt.Printf("fact %s %p\n", name, address)
	kept = append(kept, address)
}

func parkForOthers() {
	fact("quiet", quiet)
	fact("full", full)
	fact("bools", bools)
	fact("group", &group)
	fact("cond", cond)
	fact("once", &once)
	fact("written", &written)
	fact("read", &read)
	fact("packageLock", &packageLock)
	for i := 0; i < 3; i++ {
		go receives(quiet)
	}
	full <- &job{}
	full <- &job{}
	go sends(full, &job{"a", 1})
	go sends(full, &job{"b", 2})
	go selects(quiet, bools, never)

	held := new(sync.Mutex)
	fact("held", held)
	go holds(held, never)
	settle("main.holds(")
	go locks(held)
	go locks(held)
	go holdsPackageLock(never)
	settle("main.holdsPackageLock(")
	go locksPackageLock()
	first, second, met := new(sync.Mutex), new(sync.Mutex), new(sync.WaitGroup)
	fact("first", first)
	fact("second", second)
	met.Add(2)
	go locksTwo(first, second, met)
	go locksTwo(second, first, met)
	lonely := &account{balance: 3}
	fact("lonely", &lonely.mu)
	lonely.mu.Lock()
	go locksForNobody(lonely)

	written.Lock()
	go readsWritten()
	go writesWritten()
	read.RLock()
	go writesRead()
	group.Add(3)
	go waitsForGroup(&group)
	go waitsForCond(cond)
	go waitsForCond(cond)
	go doesOnce(never)
	settle("main.doesOnce(")
	go waitsForOnce()
	go receivesNil(nil)
	go sendsNil(nil)
	go selectsNothing()
}

func parkForTheWorld() {
	go sleeps(time.Hour)
	timer, stopped, ticker := time.NewTimer(2*time.Hour), time.NewTimer(time.Hour), time.NewTicker(3*time.Hour)
	stopped.Stop()
	fact("timer", timer.C)
	fact("stopped", stopped.C)
	fact("ticker", ticker.C)
	go waitsForTimer(timer)
	go waitsForTimer(stopped)
	go waitsForTicker(ticker)
	kept = append(kept, timer, stopped, ticker)

	reader, writer, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	kept = append(kept, writer)
	go readsPipe(reader)
	var raw [2]int
	if err := syscall.Pipe(raw[:]); err != nil {
		panic(err)
	}
	fmt.Printf("fact raw %d\n", raw[0])
	go readsRaw(raw[0])
}

// settle waits until nothing runs but this, and `function` is on a stack.
func settle(function string) {
	buffer := make([]byte, 1<<20)
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
		text := buffer[:runtime.Stack(buffer, true)]
		if !bytes.Contains(text, []byte("[runnable")) && bytes.Count(text, []byte("[running")) == 1 &&
			bytes.Contains(text, []byte(function)) {
			return
		}
	}
	panic("the goroutines did not come to rest")
}

func main() {
	parkForOthers()
	if len(os.Args) > 1 && os.Args[1] == "deadlock" {
		settle("main.selectsNothing(")
		runtime.KeepAlive(kept)
		receives(quiet)
	}
	parkForTheWorld()
	settle("main.readsRaw(")
	time.Sleep(20 * time.Millisecond)
	fmt.Printf("fact pid %d\n", os.Getpid())
	fmt.Println("ready")
	time.Sleep(10 * time.Minute)
	os.Exit(0)
}
