// plughost starts a goroutine in the plugin that its argument names, and goes down.
package main

import (
	"fmt"
	"os"
	"plugin"
	"time"
)

func main() {
	p, err := plugin.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	f, err := p.Lookup("Run")
	if err != nil {
		panic(err)
	}
	c := make(chan int)
	go f.(func(chan int, int))(c, 42)
	time.Sleep(300 * time.Millisecond)
	fmt.Println("ready")
	panic("down")
}
