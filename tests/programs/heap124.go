//go:build go1.24

package main

import (
	"runtime"
	"weak"
)

var handles []weak.Pointer[target]

func init() {
	extra = append(extra, func() {
		for n := 0; n < 20; n++ {
			cleaned := &target{name: "cleaned", count: n}
			runtime.AddCleanup(cleaned, func(int) {}, n)
			kept = append(kept, cleaned)
			handles = append(handles, weak.Make(cleaned))
		}
	})
}
