//go:build go1.21

package main

import (
	"context"
	"sync"
)

func init() {
	more = append(more, func() {
		go sync.OnceFunc(func() { <-quiet })()
		ctx, cancel := context.WithCancel(context.Background())
		context.AfterFunc(ctx, func() { <-quiet })
		cancel()
	})
}
