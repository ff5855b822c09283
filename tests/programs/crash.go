// crash parks a goroutine of every kind and then goes down in the way that its first argument names.
package main

import (
	"errors"
	"fmt"
	"os"
	"sync"

	shelf "example.com/fixture/shelf.v2"
)

type request struct {
	ID      int
	Path    string
	Headers map[string]string
	next    *request
}

type handler interface {
	handle(r *request, depth int, ratio float64) (string, error)
}

type server struct {
	name  string
	modes map[string]func(*request)
}

// failure is an error type of the program's own.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return fmt.Sprintf("failure %d: %v", f.code, f.err) }

//go:noinline
func (s *server) handle(r *request, depth int, ratio float64) (string, error) {
	if depth > 0 {
		return s.handle(r.next, depth-1, ratio/2)
	}
	text := dispatch(s, r, [3]byte{1, 2, 3}, []int{10, 20, 30}, "mode "+r.Path)
	return text, nil
}

//go:noinline
func dispatch(s *server, r *request, small [3]byte, numbers []int, label string) string {
	mode, ok := s.modes[r.Path]
	if !ok {
		panic("unknown mode " + r.Path)
	}
	mode(r)
	return label + string(small[:]) + fmt.Sprint(numbers)
}

//go:noinline
func goDown(r *request) {
	panic(&failure{code: 500 + r.ID, err: errors.New("deep in the server")})
}

//go:noinline
func derefNil(r *request) {
	for r != nil {
		r = r.next
	}
	fmt.Println(pathLength(r))
}

// pathLength is inlined into derefNil: the fault is in an inlined frame.
func pathLength(r *request) int { return len(r.Path) }

//go:noinline
func panicAgain(r *request) {
	defer func() {
		recovered := recover()
		defer func() { panic(fmt.Sprintf("second, after %v", recovered)) }()
		panic(errors.New("first, while unwinding"))
	}()
	goDown(r)
}

//go:noinline
func unlockTwice(r *request) {
	var mutex sync.Mutex
	mutex.Lock()
	mutex.Unlock()
	mutex.Unlock()
}

//go:noinline
func outOfRange(r *request) {
	fmt.Println(shelf.NewPile("short", 1, 2, 3).Pick(r.ID))
}

//go:noinline
func panicInGoroutine(r *request) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		goDown(r)
	}()
	<-done
	select {}
}

func main() {
	s := &server{name: "crash", modes: map[string]func(*request){
		"panic": goDown, "nil": derefNil, "again": panicAgain, "throw": unlockTwice, "range": outOfRange,
		"goroutine": panicInGoroutine,
	}}
	mode := "panic"
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	parkAll()
	printFacts()
	last := &request{ID: 7, Path: mode, Headers: map[string]string{"a": "b"}}
	first := &request{ID: 5, Path: "/", next: &request{ID: 6, Path: "/next", next: last}}
	fmt.Printf("fact request %p\n", last)
	var h handler = s
	text, err := h.handle(first, 2, 0.75)
	fmt.Println(text, err)
}
