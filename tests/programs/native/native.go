// native goes down in C code, or in Go code that C called, in the way that its arguments name.
package main

/*
int crash_deep(int n, int *p);
void call_back(int n);
void sort_values(void);
void in_thread(void);
void doze(void);
void bare_thread(void);
void die(void);
*/
import "C"

import (
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"
)

var mode string
var level int

//export goWork
func goWork(n C.int) { work(int(n)) }

//export goCompare
func goCompare(a, b unsafe.Pointer) C.int {
	level++
	work(level)
	return C.int(*(*int32)(a) - *(*int32)(b))
}

//go:noinline
func work(n int) {
	if mode == "nested" && level < 3 {
		level++
		C.call_back(C.int(n))
	}
	end(n)
}

// end is how Go code that C called goes down: a panic unwinds it first, a throw does not.
//
//go:noinline
func end(n int) {
	switch os.Args[2] {
	case "panic":
		panic(fmt.Sprint("at work ", n))
	case "throw":
		var mutex sync.Mutex
		mutex.Unlock()
	case "spin":
		fmt.Println("ready")
		for {
			level++
		}
	}
}

func main() {
	mode = os.Args[1]
	switch mode {
	case "segv":
		C.crash_deep(3, nil)
	case "callback", "nested":
		C.call_back(5)
	case "sort":
		C.sort_values()
	case "thread":
		C.in_thread()
	case "abort":
		C.die()
	case "doze":
		C.bare_thread()
		go func() {
			time.Sleep(200 * time.Millisecond)
			fmt.Println("ready")
		}()
		C.doze()
	}
}
