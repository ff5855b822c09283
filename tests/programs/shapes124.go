//go:build go1.24 && !go1.25 && goexperiment.synctest

package main

import (
	"sync"
	"testing/synctest"
	"time"
)

func init() {
	more = append(more, func() {
		go synctest.Run(func() {
			here := make(chan int)
			go func() { <-here }()
			go func() { here <- 1 }()
			go func() { <-quiet }()
			go time.Sleep(time.Hour)
			go counted(sync.NewCond(new(sync.Mutex)))
			select {}
		})
	})
}
