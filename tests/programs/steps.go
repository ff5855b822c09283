// steps calls functions of every shape, one after another, each after `mark`, then `end`: to be single-stepped.
// Nothing in it waits for another thread; with GOMAXPROCS=1 and GOGC=off one thread does it all.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

var sink int
var text = strings.Repeat("goxray ", 40)

//go:noinline
func mark(name string) { sink += len(name) }

//go:noinline
func end() { sink++ }

//go:noinline
func leaf(a, b int) int { return a*b + sink }

//go:nosplit
//go:noinline
func nosplit(a int) int { return leaf(a, 3) + 1 }

//go:noinline
func large(seed byte) int {
	var room [1000]byte
	for i := range room[:3] {
		room[i*400] = seed
	}
	return small(&room)
}

//go:noinline
func huge(seed byte) int {
	var room [5000]byte // more than the guard below the stack: the prologue compares in another way
	room[0], room[4999] = seed, seed
	return tail(room[:])
}

//go:noinline
func roomy(seed byte) int {
	var room [70000]byte
	room[0] = seed
	return tail(room[:])
}

//go:noinline
func small(room *[1000]byte) int { return int(room[400]) + int(room[0]) }

//go:noinline
func tail(room []byte) int { return int(room[0]) + len(room) }

// grow needs a larger stack each time: morestack, newstack, copystack.
//
//go:noinline
func grow(depth int) int {
	var room [512]byte
	if depth == 0 {
		return 1
	}
	room[depth] = byte(depth)
	return grow(depth-1) + int(room[depth])
}

//go:noinline
func deferring(n int) (result int) {
	defer func() { result += leaf(n, 2) }()
	return leaf(n, n)
}

//go:noinline
func loopDefers(n int) (result int) {
	for i := 0; i < n; i++ {
		defer func() { result += i }()
	}
	return leaf(n, n)
}

//go:noinline
func panics(n int) {
	defer func() { sink += n }()
	panic(errors.New("on purpose"))
}

//go:noinline
func recovers(n int) (err any) {
	defer func() { err = recover() }()
	panics(n)
	return nil
}

//go:noinline
func nilCall() (err any) {
	defer func() { err = recover() }()
	var f func()
	f()
	return nil
}

//go:noinline
func outOfRange(words []int, i int) (err any) {
	defer func() { err = recover() }()
	return words[i]
}

type shape interface{ area(scale int) int }
type square struct{ side int }
type pair[T any] struct{ a, b T }

//go:noinline
func (s square) area(scale int) int { return s.side * s.side * scale }

//go:noinline
func through(s shape) int { return s.area(2) }

//go:noinline
func generic[T int | uint16](a, b T) pair[T] {
	if a > b {
		return pair[T]{b, a}
	}
	return pair[T]{a, b}
}

//go:noinline
func closure(n int) func(int) int {
	return func(m int) int { return leaf(n, m) }
}

//go:noinline
func assembly(buffer []byte) int {
	copy(buffer[100:], text)
	copy(buffer, buffer[7:200])
	n := bytes.IndexByte(buffer, 'y') + strings.Count(text, "x") + strings.Index(text, "ray g")
	clear := make([]byte, 300)
	copy(clear, buffer)
	if bytes.Equal(clear, buffer) && text < string(buffer[:20]) {
		n++
	}
	return n
}

type big struct{ words [200]int }

//go:noinline
func manyWords(a, b, c, d, e, f, g, h, i, j, k, l int, s string, v big) (int, string, big) {
	v.words[a] = b + c + d + e + f + g + h + i + j + k + l
	return v.words[3], s, v
}

//go:noinline
func maps(n int) int {
	m := map[string]int{}
	for i := 0; i < n; i++ {
		m[text[i:i+5]] += i
	}
	return len(m)
}

//go:noinline
func schedules() int {
	box := make(chan int)
	go func() { box <- leaf(3, 4) }()
	runtime.Gosched()
	return <-box
}

//go:noinline
func system() int { return syscall.Getppid() }

//go:noinline
func floats(a, b float64) string { return fmt.Sprint(a*b, text[:3]) }

var buffer [400]byte

var all = []struct {
	name string
	run  func() int
}{
	{"leaf", func() int { return leaf(1, 2) }},
	{"nosplit", func() int { return nosplit(1) }},
	{"large", func() int { return large(3) + huge(4) }},
	{"deferring", func() int { return deferring(4) + loopDefers(2) }},
	{"recovers", func() int { sink += len(fmt.Sprint(recovers(5) == nil)); return 1 }},
	{"nilcall", func() int { nilCall(); return 1 }},
	{"range", func() int { outOfRange(nil, 3); return 1 }},
	{"interfaces", func() int { return through(square{3}) + through(&square{4}) }},
	{"generics", func() int { return generic(1, 2).a + int(generic[uint16](3, 2).b) }},
	{"closures", func() int { return closure(3)(4) }},
	{"assembly", func() int { return assembly(buffer[:]) }},
	{"words", func() int { n, _, _ := manyWords(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, text, big{}); return n }},
	{"maps", func() int { return maps(12) }},
	{"schedules", func() int { return schedules() }},
	{"system", func() int { return system() }},
	{"time", func() int { return time.Now().Nanosecond() }},
	{"floats", func() int { return len(floats(1.5, 2)) }},
	{"grow", func() int {
		done := make(chan int)
		go func() { done <- grow(12) }()
		return <-done
	}},
}

//go:noinline
func shapes(name string) {
	runtime.Gosched() // a new time slice: no preemption on the way
	for _, each := range all {
		if name == "" && each.name != "schedules" && each.name != "grow" || name == each.name {
			mark(each.name)
			sink += each.run()
		}
	}
	end()
}

func main() {
	sink += roomy(1) // grows the stack, so that only grow does it later
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	shapes(name)
	fmt.Println("done", sink > 0)
}
