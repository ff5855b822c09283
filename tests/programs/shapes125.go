//go:build go1.25

package main

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func inBubble(t *testing.T) {
	here, ready := make(chan int), sync.WaitGroup{}
	ready.Add(1)
	var lock sync.Mutex
	lock.Lock()
	local := sync.NewCond(&sync.Mutex{})
	go func() { <-here }()
	go func() { here2 := make(chan int); here2 <- 1 }()
	go func() {
		select {
		case <-here:
		case <-time.After(time.Hour):
		}
	}()
	go func() { select {} }()
	go func() { <-(chan int)(nil) }()
	go func() { (chan int)(nil) <- 1 }()
	go counted(local)
	go lock.Lock()
	go ready.Wait()
	go func() { <-quiet }()
	go func() {
		runtime.LockOSThread()
		<-here
	}()
	time.Sleep(time.Minute)
}

// One goroutine of this bubble wakes another, and panics before that can run.
func inOtherBubble(t *testing.T) {
	local := sync.NewCond(new(sync.Mutex))
	go counted(local)
	synctest.Wait()
	go func() {
		<-wake
		local.Signal()
		panic(failure{3})
	}()
	<-quiet
}

func init() {
	more = append(more, func() {
		go testing.Main(func(string, string) (bool, error) { return true, nil },
			[]testing.InternalTest{{Name: "bubble", F: func(t *testing.T) {
				t.Run("one", func(t *testing.T) { t.Parallel(); synctest.Test(t, inBubble) })
				t.Run("two", func(t *testing.T) { t.Parallel(); synctest.Test(t, inOtherBubble) })
			}}}, nil, nil)
		object := new(pair)
		runtime.AddCleanup(object, func(n int) { <-quiet }, 7)
		object = nil
	})
}
