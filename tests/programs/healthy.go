// healthy parks a goroutine of every kind, prints "ready" and then only works a little: to be attached to or aborted.
package main

import (
	"fmt"
	"os"
	"time"
)

//go:noinline
func tick(count int, name string) int {
	if count%2 == 0 {
		return count + len(name)
	}
	return count
}

//go:noinline
func work(seconds int) (total int) {
	for i := 0; i < seconds*100; i++ {
		total += tick(i, "healthy")
		time.Sleep(10 * time.Millisecond)
	}
	return total
}

func main() {
	parkAll()
	printFacts()
	fmt.Println("ready")
	// An end of its own, so that a test which dies leaves no process behind.
	work(600)
	os.Exit(0)
}
