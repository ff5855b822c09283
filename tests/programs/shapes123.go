//go:build go1.23

package main

import (
	"iter"
	"slices"
)

func count[T any](values []T) iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for i, value := range values {
			if !yield(i, value) {
				return
			}
		}
	}
}

//go:noinline
func ranged[T any](values []T) (n int) {
	for i := range count(values) {
		defer func() { n += <-quiet }()
		for range count([]int{1, 2}) {
			n += <-quiet + i
		}
	}
	return n
}

func slow(yield func(int) bool) { yield(<-quiet) }

func init() {
	more = append(more, func() {
		go ranged([]pair{{1, 2}})
		go ranged([]string{"text"})
		go func() {
			next, stop := iter.Pull(slow)
			defer stop()
			next()
		}()
		next, _ := iter.Pull(slices.Values([]int{1, 2, 3}))
		next()
		kept = append(kept, next)
		go slices.SortFunc([]int{3, 2, 1}, func(a, b int) int { return <-quiet })
	})
}
