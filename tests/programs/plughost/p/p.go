// A plugin whose function parks.
package main

//go:noinline
func wait(c chan int, n int) int { return <-c + n }

func Run(c chan int, n int) { wait(c, n) }
func main()                 {}
