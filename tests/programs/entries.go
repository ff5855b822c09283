// entries calls functions with arguments of every kind; each tells on stderr what it was given, word by word.
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"unsafe"
)

type request struct {
	ID   int
	Path string
}

// sink keeps what it points to off the stack, which moves when it grows.
var sink *request

type handler interface{ handle(n int) int }

type server struct{ factor int }

func (s *server) handle(n int) int { return n * s.factor }

type small struct {
	flag  int8
	count int64
}

// Each words function takes a value apart into the machine words that it is passed as.

//go:noinline
func words(v interface{}) (found []uint64) {
	switch v := v.(type) {
	case string:
		w := (*[2]uint64)(unsafe.Pointer(&v))
		return w[:]
	case []int:
		w := (*[3]uint64)(unsafe.Pointer(&v))
		return w[:]
	case float64:
		return []uint64{math.Float64bits(v)}
	case float32:
		return []uint64{uint64(math.Float32bits(v))}
	case complex128:
		return []uint64{math.Float64bits(real(v)), math.Float64bits(imag(v))}
	case uint64:
		return []uint64{v}
	case *request:
		return []uint64{uint64(uintptr(unsafe.Pointer(v)))}
	case func(int) int:
		return []uint64{*(*uint64)(unsafe.Pointer(&v))}
	}
	panic("not a kind of argument")
}

//go:noinline
func ofHandler(h handler) []uint64 { return (*[2]uint64)(unsafe.Pointer(&h))[:] }

//go:noinline
func ofAny(v interface{}) []uint64 { return (*[2]uint64)(unsafe.Pointer(&v))[:] }

//go:noinline
func tell(name string, parts ...[]uint64) {
	text := "fact " + name
	for _, part := range parts {
		for _, word := range part {
			text += fmt.Sprintf(" %#x", word)
		}
	}
	fmt.Fprintln(os.Stderr, text)
}

//go:noinline
func mixed(r *request, name string, numbers []int, h handler, v interface{}, f func(int) int) int {
	tell("main.mixed", words(r), words(name), words(numbers), ofHandler(h), ofAny(v), words(f))
	return f(h.handle(len(name)))
}

//go:noinline
func floats(a int, x float64, b int32, y float32, c uint8, z complex128, d int64) float64 {
	tell("main.floats", words(uint64(a)), words(x), words(uint64(uint32(b))), words(y), words(uint64(c)), words(z),
		words(uint64(d)))
	return x
}

//go:noinline
func pieces(a uint8, b uint16, c bool, d [1]int64, e [3]byte, f small) int64 {
	flag := uint64(0)
	if c {
		flag = 1
	}
	tell("main.pieces", words(uint64(a)), words(uint64(b)), words(flag), words(uint64(d[0])), words(uint64(e[0])),
		words(uint64(e[1])), words(uint64(e[2])), words(uint64(uint8(f.flag))), words(uint64(f.count)))
	return d[0]
}

//go:noinline
func generic[T any](x T, n int) int {
	tell("main.generic", words(x), words(uint64(n)))
	return n
}

//go:noinline
func (r *request) method(n int, s string) int {
	tell("main.(*request).method", words(r), words(uint64(n)), words(s))
	return n
}

//go:noinline
func bigResult(a int, s string) (found [4]int) {
	tell("main.bigResult", words(uint64(a)), words(s))
	found[a&3] = len(s)
	return found
}

//go:noinline
func unused(a int, s string) { tell("main.unused") }

// leaf and leafFloat need no stack: nothing in their code tells which register holds what.
//
//go:noinline
func leaf(a, b int, c uint8) int {
	if a > b {
		return a + int(c)
	}
	return b
}

//go:noinline
func leafFloat(x float64, n int) float64 {
	if n > 3 {
		return x + 1
	}
	return x
}

//go:noinline
func work() int {
	r := &request{ID: 7, Path: "/some/path"}
	sink = r
	numbers := []int{10, 20, 30}
	var h handler = &server{factor: 3}
	step := len(os.Args)
	f := func(n int) int {
		tell("main.work.func1", words(uint64(n)))
		return n + step
	}
	text := "a text of " + r.Path
	sum := mixed(r, text, numbers[:2], h, 42, f)
	sum += int(floats(-5, 1.5, -6, 2.25, 200, complex(0.5, -0.25), 1<<40))
	sum += int(pieces(0x12, 0x3456, true, [1]int64{99}, [3]byte{1, 2, 3}, small{-2, 77}))
	sum += generic("generic text", 5) + r.method(6, "ключ") + bigResult(2, "big")[2]
	unused(0x1234, "unseen")
	tell("main.leaf", words(uint64(30)), words(uint64(20)), words(uint64(7)))
	sum += leaf(30, 20, 7)
	tell("main.leafFloat", words(0.75), words(uint64(9)))
	return sum + int(leafFloat(0.75, 9))
}

func main() {
	runtime.LockOSThread()
	fmt.Println(work())
}
