// keepalive keeps pointers alive in arguments and locals across a call that blocks, and prints where they point:
// "fact kept FUNCTION KIND ADDRESS". Then it prints "ready" and stands still, to be aborted.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

type node struct {
	next *node
	data [3]int
}

var (
	quiet   = make(chan int)
	arrived = make(chan bool)
	sink    interface{}
)

// tell prints what a goroutine keeps.
func tell(function, kind string, pointers ...unsafe.Pointer) {
	for _, pointer := range pointers {
		fmt.Printf("fact kept %s %s %p\n", function, kind, pointer)
	}
}

// keepsArguments uses all of its arguments after it has blocked.
//
//go:noinline
func keepsArguments(first *node, word int, second *node, text []byte) int {
	tell("main.keepsArguments", "arg", unsafe.Pointer(first), unsafe.Pointer(second), unsafe.Pointer(&text[0]))
	arrived <- true
	n := <-quiet
	return n + first.data[0] + second.data[1] + int(text[0]) + word
}

// keepsLocals makes objects of its own and uses them after it has blocked.
//
//go:noinline
func keepsLocals(count int) int {
	left, right := &node{}, &node{}
	numbers := make([]int, count)
	left.next, right.next, sink = right, left, numbers
	tell("main.keepsLocals", "local", unsafe.Pointer(left), unsafe.Pointer(right), unsafe.Pointer(&numbers[0]))
	arrived <- true
	n := <-quiet
	runtime.KeepAlive(left)
	return n + left.data[0] + right.data[1] + numbers[0]
}

// keepsObject has a variable on its own stack whose address it has given away: a stack object.
//
//go:noinline
func keepsObject(depth int) int {
	var own [4]*node
	for i := range own {
		own[i] = &node{data: [3]int{i}}
		tell("main.keepsObject", "object", unsafe.Pointer(own[i]))
	}
	n := visit(&own)
	return n + own[depth].data[0]
}

//go:noinline
func visit(nodes *[4]*node) int {
	arrived <- true
	n := <-quiet
	for _, each := range nodes {
		n += each.data[0]
	}
	return n
}

// dropsArgument does not need its argument any more when it blocks: it is dead there.
//
//go:noinline
func dropsArgument(gone *node) int {
	n := gone.data[0]
	fmt.Printf("fact dropped main.dropsArgument arg %p\n", gone)
	arrived <- true
	return n + <-quiet
}

func main() {
	go keepsArguments(&node{}, 42, &node{}, make([]byte, len(os.Args)))
	go keepsLocals(len(os.Args) + 5)
	go keepsObject(len(os.Args))
	go dropsArgument(&node{})
	for i := 0; i < 4; i++ {
		<-arrived
	}
	time.Sleep(50 * time.Millisecond)
	fmt.Println("ready")
	if len(os.Args) > 1 && os.Args[1] == "trap" {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	}
	time.Sleep(10 * time.Minute)
}
