//go:build go1.21

package main

import (
	"sync/atomic"

	stock "example.com/fixture/stock.v3"
)

func inGeneric[T any](v T) interface{} {
	type inner struct{ B T }
	return []inner{{v}}
}

func init() {
	more = append(more, inGeneric(1), inGeneric(stock.Shelf[string]{}), &atomic.Pointer[pair[level, node]]{})
}
