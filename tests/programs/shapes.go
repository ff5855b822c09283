// A program whose goroutines park in functions of every shape of argument, and for every reason it can bring about.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	quiet  = make(chan int)
	wake   = make(chan int)
	filled = make(chan int)
	mutex  sync.Mutex
	shared sync.RWMutex
	group  sync.WaitGroup
	cond   = sync.NewCond(new(sync.Mutex))
	kept   []interface{}
	more   []func() // what newer Go versions add
)

type (
	empty  struct{}
	pair   struct{ a, b int }
	nested struct {
		first  pair
		second struct {
			third struct {
				fourth struct {
					fifth struct {
						sixth struct{ seventh int8 }
						name  string
					}
				}
			}
		}
	}
	large   struct{ words [40]int }
	handles struct {
		s string
		b []byte
		e error
		i interface{}
		f func(int) int
		c chan<- string
		m map[string]int
		p *pair
	}
	small struct {
		yes  bool
		i8   int8
		u16  uint16
		i32  int32
		f32  float32
		c64  complex64
		c128 complex128
	}
	blocker  interface{ block(a int, b string) int }
	inner    struct{ x, y int }
	outer    struct{ inner }
	pointer  struct{ *inner }
	failure  struct{ code int }
	stringer int
	word     uintptr
)

func (f failure) Error() string { return fmt.Sprint(f.code) }

//go:noinline
func (i inner) block(a int, b string) int { return <-quiet + a + len(b) + i.x }

//go:noinline
func (i *inner) through(a, b int) int { return <-quiet + a + b + i.y }

func (s stringer) String() string { return fmt.Sprint(<-quiet) }

//go:noinline
func twelve(a, b, c, d, e, f, g, h, i, j, k, l int) int { return <-quiet + a + l }

//go:noinline
func floats(a float32, b float64, c complex128, d int, e float64) float64 {
	return float64(<-quiet) + float64(a) + e + real(c)
}

//go:noinline
func nothing(a empty, b int, c [0]int, d struct{ e empty }) int { return <-quiet + b }

//go:noinline
func arrays(a [1]int, b [3]int16, c [2]pair, d [1]string, e [5]byte) int {
	return <-quiet + a[0] + int(b[2])
}

//go:noinline
func deepStruct(n nested, after int) int { return <-quiet + n.first.a + after }

//go:noinline
func largeStruct(before int, l large, after string) int { return <-quiet + l.words[7] + len(after) }

//go:noinline
func handle(h handles, extra ...interface{}) (n int, err error) {
	<-quiet
	return len(h.s) + len(extra), h.e
}

//go:noinline
func smalls(s small, a bool, b int8, c uint16, d rune, e byte, f uintptr, g word) int {
	return <-quiet + int(b) + int(f)
}

//go:noinline
func deadArguments(a, b *int, c string) int {
	n := *a
	runtime.KeepAlive(b)
	n += <-quiet
	return n + len(c)
}

//go:noinline
func named(a int) (b int, c string, err error) {
	defer func() { c += fmt.Sprint(b) }()
	b = a + <-quiet
	return
}

//go:noinline
func spread(values ...string) string { <-quiet; return strings.Join(values, "") }

type list[T any] struct{ items []T }

//go:noinline
func (l *list[T]) wait(value T, n int) T {
	<-quiet
	l.items = append(l.items, value)
	return l.items[n]
}

//go:noinline
func generic[K comparable, V any](m map[K]V, k K, v V) V {
	func() { <-quiet }()
	m[k] = v
	return m[k]
}

func inlinedGeneric[T any](value T, after func(T)) {
	func() {
		<-quiet
		after(value)
	}()
}

//go:noinline
func throughGeneric(n int) {
	inlinedGeneric(list[pair]{}, func(l list[pair]) { println(len(l.items), n) })
}

//go:noinline
func deferred(depth int) {
	for i := 0; i < depth; i++ {
		defer func(n int) { println(n, <-quiet) }(i)
	}
}

//go:noinline
func openCoded(a, b int) {
	defer println("last")
	defer func() { <-quiet }()
	defer mutexless(a, b)
}

//go:noinline
func mutexless(a, b int) { kept = append(kept[:len(kept):len(kept)], a+b) }

//go:noinline
func inPanic(value interface{}) {
	defer func() {
		defer func() {
			recover()
			<-quiet
		}()
		panic(fmt.Sprint("again ", value))
	}()
	panic(value)
}

//go:noinline
func inGoexit() {
	defer func() { <-quiet }()
	runtime.Goexit()
}

//go:noinline
func nilInPanic(p *pair) int {
	defer func() { <-quiet }()
	return p.b
}

//go:noinline
func deep(n int) int {
	if n == 0 {
		return <-quiet
	}
	return deep(n-1) + n
}

func fold(n int) int { return half(n) + <-quiet }
func half(n int) int { return n / 2 }

//go:noinline
func deepInlined(n int) int {
	if n == 0 {
		return fold(n)
	}
	return again(n) + n
}

func again(n int) int { return deepInlined(n - 1) }

//go:noinline
func deepPanics(n int) {
	defer func() {
		if n > 0 {
			deepPanics(n - 1)
		} else {
			<-quiet
		}
	}()
	panic(n)
}

func grown() int {
	var buffer [1 << 15]byte
	return int(buffer[<-quiet])
}

func sorted() {
	values := []int{3, 1, 2}
	sort.Slice(values, func(i, j int) bool { return <-quiet > i+j })
}

func counted(c *sync.Cond) {
	c.L.Lock()
	c.Wait()
}

func startParked() {
	a := &inner{1, 2}
	var boxed blocker = outer{*a}
	var through blocker = &pointer{a}
	kept = append(kept, a, boxed, through)
	method, expression, number := a.through, (*inner).through, 41

	go twelve(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	go floats(1.5, 2.5, 3+4i, 5, 6.25)
	go nothing(empty{}, 1, [0]int{}, struct{ e empty }{})
	go arrays([1]int{1}, [3]int16{-1, 2, 3}, [2]pair{{1, 2}, {3, 4}}, [1]string{"five"}, [5]byte{6, 7})
	go deepStruct(nested{first: pair{1, 2}}, 3)
	go largeStruct(1, large{}, "after")
	go handle(handles{s: "text", e: failure{3}}, 1, "two", nil)
	go smalls(small{yes: true, i8: -1, f32: 1.5}, true, -2, 3, 'x', 4, 5, 6)
	go deadArguments(&number, &number, "dead")
	go named(7)
	go spread("one", "two", "three")
	go boxed.block(1, "promoted")
	go through.block(2, "promoted through a pointer")
	go method(3, 4)
	go expression(a, 5, 6)
	go func(f func(int, int) int) { f(7, 8) }(method)
	go func() { println(number, fmt.Sprint(stringer(number))) }()
	go (&list[string]{}).wait("generic", 0)
	go (&list[pair]{}).wait(pair{1, 2}, 0)
	go (&list[blocker]{}).wait(boxed, 0)
	go generic(map[string]pair{}, "key", pair{})
	go generic(map[pair][]int{}, pair{}, nil)
	go throughGeneric(9)
	go deferred(3)
	go openCoded(1, 2)
	go inPanic(failure{4})
	go inGoexit()
	go nilInPanic(nil)
	go deep(98)
	go deep(220)
	go deepInlined(60)
	go deepInlined(130)
	go deepPanics(12)
	go deepPanics(40)
	go grown()
	go sorted()
}

func startWaiting() {
	mutex.Lock()
	shared.Lock()
	group.Add(1)
	filled = make(chan int, 1)
	filled <- 1
	read, write, err := os.Pipe()
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	kept = append(kept, read, write, listener)

	go func() { filled <- 2 }()
	go func() { (chan int)(nil) <- 1 }()
	go func() { <-(chan int)(nil) }()
	go func() { select {} }()
	go func() {
		select {
		case <-quiet:
		case filled <- 3:
		case <-time.After(time.Hour):
		}
	}()
	go time.Sleep(time.Hour)
	go mutex.Lock()
	go shared.RLock()
	go shared.Lock()
	go group.Wait()
	go counted(cond)
	go io.ReadAll(read)
	go listener.Accept()
	go syscall.Pause()
	go func() {
		runtime.LockOSThread()
		<-quiet
	}()
	go func() {
		labels := pprof.Labels("request", "42", "odd key", "a\"b\\\n\t\r\x01\x7f\u00e9\U0001f600\xff\u202e", "plain", "a/b_c.9")
		pprof.Do(context.Background(), labels, func(context.Context) { <-quiet })
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() { <-signals }()
	object := new(failure)
	runtime.SetFinalizer(object, func(*failure) { <-quiet })
	object = nil
	for _, start := range more {
		start()
	}
	runtime.GC()
	runtime.GC()
}

type writer struct{}

func (writer) Write(text []byte) (int, error) { <-quiet; return len(text), nil }

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func settle() {
	buffer := make([]byte, 1<<22)
	for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		text := string(buffer[:runtime.Stack(buffer, true)])
		if !strings.Contains(text, "[runnable") && strings.Count(text, "[running") == 1 {
			return
		}
	}
	panic("the goroutines did not come to rest")
}

// How the program goes down; with "trace" its execution is being traced, which a panic would wait for.
func main() {
	startParked()
	startWaiting()
	how := os.Args[1]
	if how == "trace" {
		check(trace.Start(writer{}))
	}
	settle()
	switch how {
	case "panic":
		panic(failure{1})
	case "runnable":
		runtime.GOMAXPROCS(1)
		for i := 0; i < 3; i++ {
			go twelve(i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
			go kept[1].(blocker).block(i, "not started")
			go func() { println(<-quiet + i) }()
		}
		panic(failure{2})
	case "bubble":
		runtime.GOMAXPROCS(1)
		wake <- 1
		select {}
	case "throw":
		runtime.LockOSThread()
		syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGABRT))
	}
	check(syscall.Kill(os.Getpid(), syscall.SIGABRT))
	select {}
}
