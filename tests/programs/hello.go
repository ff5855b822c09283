// hello prints its arguments and leaves: the smallest program that the Go toolchain makes.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Printf("%q\n", os.Args)
}
