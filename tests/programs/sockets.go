// sockets parks goroutines at the network: at an Accept, a Read and a Write of TCP, a read of UDP, and a Unix socket's
// Accept; tells their addresses, prints "ready", and waits to be aborted.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

var kept []any

//go:noinline
func accepts(listener net.Listener) { listener.Accept() }

//go:noinline
func reads(conn net.Conn) { conn.Read(make([]byte, 10)) }

//go:noinline
func writes(conn net.Conn) {
	for {
		if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
			return
		}
	}
}

//go:noinline
func receives(conn net.PacketConn) { conn.ReadFrom(make([]byte, 10)) }

func fail(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	fmt.Printf("fact accepts %s\n", listener.Addr())
	client, err := net.Dial("tcp", listener.Addr().String())
	fail(err)
	server, err := listener.Accept()
	fail(err)
	fmt.Printf("fact reads %s\nfact reads %s\n", client.LocalAddr(), client.RemoteAddr())
	second, err := net.Dial("tcp", listener.Addr().String())
	fail(err)
	other, err := listener.Accept()
	fail(err)
	fmt.Printf("fact writes %s\nfact writes %s\n", second.LocalAddr(), second.RemoteAddr())
	packets, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		packets, err = net.ListenPacket("udp4", "127.0.0.1:0")
	}
	fail(err)
	fmt.Printf("fact receives %s\n", packets.LocalAddr())
	path := filepath.Join(os.TempDir(), fmt.Sprintf("sockets-%d", os.Getpid()))
	local, err := net.Listen("unix", path)
	fail(err)
	os.Remove(path)
	fmt.Printf("fact unix %s\n", path)
	kept = append(kept, server, other)
	go accepts(listener)
	go accepts(local)
	go reads(client)
	go writes(second)
	go receives(packets)
	time.Sleep(500 * time.Millisecond)
	fmt.Printf("fact pid %d\n", os.Getpid())
	fmt.Println("ready")
	time.Sleep(10 * time.Minute)
	runtime.KeepAlive(kept)
}
