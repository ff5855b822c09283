// busy keeps goroutines at all kinds of work for ever (a minute at most): to be stopped at any moment.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

var sink int
var lock sync.Mutex

type tree struct{ left, right *tree }

//go:noinline
func (t *tree) grow(depth int) *tree {
	if depth == 0 {
		return t
	}
	return &tree{t.grow(depth - 1), (&tree{}).grow(depth - 1)}
}

//go:noinline
func sum(words []int) (total int) {
	for _, word := range words {
		total += word * 3
	}
	return total
}

//go:noinline
func deep(n int) int {
	var room [300]byte
	if n == 0 {
		return 1
	}
	room[n%300] = 1
	return deep(n-1) + int(room[n%300])
}

//go:noinline
func recovering(n int) (err any) {
	defer func() { err = recover() }()
	var words []int
	return words[n]
}

func work(kind int, in <-chan int, out chan<- int) {
	words := make([]int, 1<<12)
	text := strings.Repeat("abcdefg", 300)
	for n := 0; ; n++ {
		switch kind {
		case 0:
			(&tree{}).grow(8)
		case 1:
			out <- sum(words)
		case 2:
			sink += <-in
		case 3:
			m := map[string]int{}
			for i := 0; i < 200; i++ {
				m[text[i:i+9]] += i
			}
		case 4:
			sink += len(fmt.Sprint(n, text[:10], 2.5, words[:3])) + os.Getppid()
		case 5:
			file, _ := os.Open("/proc/self/stat")
			file.Read(make([]byte, 100))
			file.Close()
		case 6:
			go deep(200)
			runtime.Gosched()
		case 7:
			time.Sleep(time.Duration(n%50) * time.Microsecond)
			lock.Lock()
			sink += bytes.Count([]byte(text), []byte("de"))
			lock.Unlock()
		case 8:
			recovering(n)
			sort.Slice(words[:100], func(i, j int) bool { return words[i] < words[j] })
		case 9:
			for end := time.Now().Add(100 * time.Microsecond); time.Now().Before(end); {
			}
			copy(words[7:], words)
		case 10:
			select {
			case sink = <-in:
			case <-time.After(50 * time.Microsecond):
			}
			if n%400 == 0 {
				runtime.GC()
			}
		}
	}
}

func main() {
	box := make(chan int)
	for kind := 0; kind < 11; kind++ {
		go work(kind, box, box)
	}
	fmt.Println("ready")
	time.Sleep(time.Minute)
}
