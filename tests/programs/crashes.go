// crashes goes down in the way that its first argument names; crash.go has the ways in which a busy program does.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type point struct{ X, Y int }

type failure struct {
	Code  int
	Where string
	Seen  *point
	Tags  []string
	err   error
}

func (f *failure) Error() string { return fmt.Sprintf("failure %d in %s: %v", f.Code, f.Where, f.err) }
func (f *failure) Unwrap() error { return f.err }

type rich struct{ amount int64 }

func (r rich) Error() string { return fmt.Sprintf("short of %d", r.amount) }

type named struct{ name string }

func (n named) String() string { return "named " + n.name }

type (
	code  int16
	text  string
	ratio float64
)

var (
	nothing  *point
	noMap    map[string]int
	zero     int
	five         = []int{1, 2, 3, 4, 5}
	anything any = "a string"
	sink     any
)

//go:noinline
func deref(p *point) int { return p.Y }

//go:noinline
func index(s []int, i int) int { return s[i] }

//go:noinline
func divide(a, b int) int { return a / b }

//go:noinline
func recurse(n int, pad [64]int) int {
	if n < 0 {
		return pad[0]
	}
	pad[n&63] = n
	return recurse(n+1, pad) + pad[1]
}

//go:noinline
func hungry() {
	syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 4 << 30, Max: 4 << 30})
	sink = make([]byte, 1<<37+zero)
}

//go:noinline
func fail(err error) { panic(err) }

//go:noinline
func writers() {
	m := map[int]int{}
	for w := 0; w < 4; w++ {
		go func() {
			for i := 0; ; i++ {
				m[i&1023] = i
			}
		}()
	}
	time.Sleep(time.Minute)
}

//go:noinline
func threads() {
	debug.SetMaxThreads(8)
	for i := 0; i < 50; i++ {
		go func() {
			runtime.LockOSThread()
			var fds [2]int
			syscall.Pipe(fds[:])
			syscall.Read(fds[0], make([]byte, 1))
		}()
	}
	time.Sleep(time.Minute)
}

//go:noinline
func refused() {
	_, err := net.Dial("tcp", "127.0.0.1:1")
	fail(fmt.Errorf("cannot start: %w", err))
}

//go:noinline
func outOfTime() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	<-ctx.Done()
	fail(ctx.Err())
}

//go:noinline
func nested() {
	defer func() {
		defer func() { panic("third") }()
		panic(errors.New("second"))
	}()
	panic("first")
}

//go:noinline
func recovered() {
	defer func() {
		recover()
		panic("after a recovery")
	}()
	index(five, len(five)+zero)
}

//go:noinline
func again() {
	defer func() { panic(recover()) }()
	deref(nothing)
}

//go:noinline
func exits() {
	defer func() { panic("in a goexit") }()
	runtime.Goexit()
}

//go:noinline
func healed() {
	defer func() { recover() }()
	deref(nothing)
}

//go:noinline
func lock() {
	var mutex sync.Mutex
	mutex.Unlock()
}

//go:noinline
func send(c chan int) { c <- 1 }

//go:noinline
func closeIt(c chan int) { close(c) }

func closed() chan int {
	c := make(chan int)
	close(c)
	return c
}

//go:noinline
func fault(address uintptr) byte { return *(*byte)(unsafe.Pointer(address)) }

var modes = map[string]func(){
	"nil":      func() { deref(nothing) },
	"index":    func() { index(five, 7+zero) },
	"negative": func() { index(five, zero-3) },
	"slice":    func() { sink = five[4+zero : 2+zero] },
	"convert":  func() { sink = *(*[8]int)(five) },
	"divide":   func() { divide(1, zero) },
	"assert":   func() { sink = anything.(int) },
	"method":   func() { sink = anything.(fmt.Stringer) },
	"nilmap":   func() { noMap["key"] = 1 },
	"make":     func() { sink = make([]int, zero-1) },
	"maps":     writers,
	"deadlock": func() { <-make(chan int) },
	"goexit":   runtime.Goexit,
	"onfault": func() {
		debug.SetPanicOnFault(true)
		fault(0xdead0000 + uintptr(zero))
	},

	"trap":     runtime.Breakpoint,
	"closed":   func() { send(closed()) },
	"closing":  func() { closeIt(closed()) },
	"nilclose": func() { closeIt(nil) },
	"refused":  refused,
	"timeout":  outOfTime,
	"stack": func() {
		debug.SetMaxStack(1 << 20)
		recurse(0, [64]int{})
	},
	"oom":       hungry,
	"threads":   threads,
	"unlock":    lock,
	"fault":     func() { fault(0xdead0000 + uintptr(zero)) },
	"custom":    func() { fail(&failure{507, "the cellar", &point{3, 4}, []string{"a", "b"}, errors.New("no light")}) },
	"wrapped":   func() { fail(fmt.Errorf("outer: %w", fmt.Errorf("inner: %w", os.ErrNotExist))) },
	"value":     func() { fail(rich{-12}) },
	"errno":     func() { fail(syscall.EACCES) },
	"path":      func() { _, err := os.Open("/no/such/file"); fail(err) },
	"lines":     func() { panic("two\nlines \x1b[31mred") },
	"string":    func() { panic("plain words") },
	"stringer":  func() { panic(named{"thing"}) },
	"int":       func() { panic(-42) },
	"bool":      func() { panic(true) },
	"float":     func() { panic(1.5) },
	"code":      func() { panic(code(-7)) },
	"text":      func() { panic(text("quoted")) },
	"ratio":     func() { panic(ratio(2.25)) },
	"struct":    func() { panic(point{1, 2}) },
	"pointer":   func() { panic(&point{5, 6}) },
	"null":      func() { panic(nil) },
	"nested":    nested,
	"recovered": recovered,
	"again":     again,
	"exits":     exits,
	"raise":     func() { syscall.Kill(os.Getpid(), syscall.SIGSEGV); time.Sleep(time.Minute) },
	"healed": func() {
		healed()
		fmt.Println("ready")
		time.Sleep(time.Minute)
	},
	"quit": func() {
		fmt.Println("ready")
		time.Sleep(time.Minute)
	},
}

func main() {
	fmt.Printf("fact pid %d\n", os.Getpid())
	modes[os.Args[1]]()
}
