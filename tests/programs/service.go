// service is a healthy web service under load: HTTP clients that keep their connections, a pool of workers, requests that
// are cancelled and that time out, a publisher with subscribers, tickers, a rate limiter, graceful background jobs.
// It says "ready" after a second of that, and goes on for a minute at most: to be aborted at any moment.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type job struct {
	n     int
	reply chan int
}

type service struct {
	jobs    chan job
	tokens  chan struct{}
	mu      sync.RWMutex
	seen    map[int]int
	changed *sync.Cond
	served  atomic.Int64
	once    sync.Once
	topics  []chan int
}

func (s *service) work(ctx context.Context) {
	for {
		select {
		case j := <-s.jobs:
			s.mu.Lock()
			s.seen[j.n%100]++
			s.mu.Unlock()
			s.changed.Broadcast()
			j.reply <- j.n * 2
		case <-ctx.Done():
			return
		}
	}
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.once.Do(func() { time.Sleep(time.Millisecond) })
	<-s.tokens
	ctx, cancel := context.WithTimeout(r.Context(), 50*time.Millisecond)
	defer cancel()
	if r.URL.Path == "/slow" {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		http.Error(w, ctx.Err().Error(), http.StatusGatewayTimeout)
		return
	}
	reply := make(chan int, 1)
	select {
	case s.jobs <- job{int(s.served.Add(1)), reply}:
		select {
		case n := <-reply:
			s.mu.RLock()
			json.NewEncoder(w).Encode(map[string]int{"n": n, "seen": len(s.seen)})
			s.mu.RUnlock()
		case <-ctx.Done():
		}
	case <-ctx.Done():
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}
}

func (s *service) limit(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for range ticker.C {
		select {
		case s.tokens <- struct{}{}:
		default:
		}
	}
}

func (s *service) watch() {
	for {
		s.changed.L.Lock()
		s.changed.Wait()
		s.changed.L.Unlock()
	}
}

func (s *service) publish() {
	for n := 0; ; n++ {
		for _, topic := range s.topics {
			topic <- n
		}
		time.Sleep(time.Millisecond)
	}
}

func subscribe(topic <-chan int) {
	for range topic {
	}
}

func client(url string, patience time.Duration) {
	c := &http.Client{Timeout: patience}
	for {
		resp, err := c.Get(url)
		var timeout net.Error
		if errors.As(err, &timeout) {
			continue
		}
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// batches runs fan-outs that all end.
func batches() {
	for {
		var group sync.WaitGroup
		results := make(chan int)
		for n := 0; n < 8; n++ {
			group.Add(1)
			go func(n int) {
				defer group.Done()
				time.Sleep(time.Duration(n) * time.Millisecond)
				results <- n
			}(n)
		}
		go func() { group.Wait(); close(results) }()
		for range results {
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	var lock sync.Mutex
	s := &service{jobs: make(chan job), tokens: make(chan struct{}, 16), seen: map[int]int{}, changed: sync.NewCond(&lock)}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for n := 0; n < 4; n++ {
		go s.work(ctx)
		s.topics = append(s.topics, make(chan int, n))
		go subscribe(s.topics[n])
	}
	go s.limit(200 * time.Microsecond)
	go s.watch()
	go s.publish()
	go batches()
	server := &http.Server{Handler: s, ReadTimeout: time.Second, IdleTimeout: time.Minute}
	go server.Serve(listener)
	url := "http://" + listener.Addr().String()
	for n := 0; n < 6; n++ {
		go client(url+"/", time.Second)
	}
	go client(url+"/slow", time.Second)
	go client(url+"/slow", 20*time.Millisecond)
	idle, err := net.Dial("tcp", listener.Addr().String()) // a connection on which no request comes
	if err != nil {
		panic(err)
	}
	time.Sleep(time.Second)
	fmt.Println("fact served", s.served.Load())
	fmt.Println("ready")
	time.Sleep(time.Minute)
	idle.Close()
	os.Exit(0)
}
