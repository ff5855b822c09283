// types prints what reflect knows of its types: one line of JSON for each that can be reached from a few.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/types"
	"io"
	"net/url"
	"os"
	"reflect"
	"sync"
	"text/template"
	"time"
	"unsafe"

	stock "example.com/fixture/stock.v3"
)

type level int8

func (l level) String() string    { return "level" }
func (l *level) Set(string) error { return nil }
func (l level) hidden(n int) int  { return n }

type speaker interface {
	fmt.Stringer
	Speak(words ...string) (loud bool, err error)
	hidden(int) int
}

type node struct {
	Left, right *node
	Children    []node
	byName      map[string]*node
	visit       func(*node, ...node) (node, error)
	next        chan<- *node
}

type pair[K comparable, V any] struct {
	Key   K `json:"key"`
	Value V
	more  *pair[K, V]
}

func (p *pair[K, V]) Get(k K) (V, bool) { return p.Value, p.Key == k }
func (p pair[K, V]) swap() pair[string, K] {
	return pair[string, K]{Value: p.Key}
}

type list[T any] struct {
	head, tail *cell[T]
	count      int
}

type cell[T any] struct {
	next *cell[T]
	item T
}

func (l *list[T]) Each(f func(T) bool) {}

type hidden struct{ a, b int }

type everything struct {
	level
	*hidden
	fmt.Stringer
	list[pair[level, stock.Shelf[int]]]
	B       bool   `plain:"tag"`
	I8      int8   "odd \"tag\"\twith\nall\\sorts\x00of é"
	U16     uint16 `json:"-" xml:"a,b"`
	I32     int32
	U64     uint64
	Up      uintptr
	F32     float32
	F64     float64
	C64     complex64
	C128    complex128
	Text    string
	Any     interface{}
	Unsafe  unsafe.Pointer
	Both    chan int
	Send    chan<- string
	Receive <-chan []byte
	Nested  chan (<-chan int)
	Deep    chan<- chan<- int
	Back    chan func() <-chan int
	Fn      func(int, ...string) (level, error)
	Fn0     func()
	Fn1     func(a, b speaker, c struct{ X, y int }) interface{ M(int) string }
	Arr     [3][2]level
	None    [0]*int
	Empty   struct{}
	Inline  struct {
		A int `a:"b"`
		b string
		speaker
	}
	Maps   map[string]map[[2]int]struct{}
	BigKey map[[20]uint64]int
	BigVal map[level][20]*int
	Void   map[struct{}]struct{}
	Inter  map[interface{}]error
	Float  map[float64]string
	ünï    *****int
	_      int32
	_      [3]byte
	Lock   sync.RWMutex
	When   time.Time
	Shelf  stock.Shelf[map[string]stock.Shelf[level]]
	Pairs  []pair[string, pair[int, chan<- *everything]]
	Types  *types.Named
}

// The masks of large types are made of parts (Go 1.24), or are programs (before).
type large struct {
	Count int
	Rows  [300]struct {
		Name string
		N    [5]int
		P    *large
	}
	Last [2]uintptr
}

type wide struct {
	A, B [10]large
	Tail [40]struct {
		x int
		y interface{}
	}
}

type single struct{ P *int }
type lone [1]single

func local() []interface{} {
	type inner struct{ A int }
	type generic struct{ P pair[string, inner] }
	return []interface{}{inner{}, generic{}}
}

// more are roots that only newer versions compile.
var more []interface{}

type field struct {
	Name, PkgPath, Tag string
	Type               string
	Offset             uintptr
	Embedded, Exported bool
}

type method struct {
	Name    string
	In, Out []string
	Code    string
}

type line struct {
	Address, Name, Kind, Bare, PkgPath string
	Size                               uintptr
	Align, FieldAlign                  int
	Comparable, Direct                 bool
	Elem, Key, Dir                     string   `json:",omitempty"`
	Len                                int      `json:",omitempty"`
	In, Out                            []string `json:",omitempty"`
	Variadic                           bool     `json:",omitempty"`
	Fields                             []field  `json:",omitempty"`
	Methods                            []method `json:",omitempty"`
	Pointers                           []uintptr
}

var queue []reflect.Type
var seen = map[string]bool{}

// address is where the descriptor of t is; t will have its line.
func address(t reflect.Type) string {
	at := fmt.Sprintf("%#x", (*[2]uintptr)(unsafe.Pointer(&t))[1])
	if !seen[at] {
		seen[at] = true
		queue = append(queue, t)
	}
	return at
}

func addresses(count int, at func(int) reflect.Type, from int) (found []string) {
	for i := from; i < count; i++ {
		found = append(found, address(at(i)))
	}
	return found
}

// pointers appends where a value of t at offset has pointers.
func pointers(found []uintptr, t reflect.Type, offset uintptr) []uintptr {
	switch t.Kind() {
	case reflect.Ptr, reflect.Chan, reflect.Func, reflect.Map, reflect.UnsafePointer, reflect.String, reflect.Slice:
		found = append(found, offset)
	case reflect.Interface:
		// What the first word points to is never collected (typebits.Set).
		found = append(found, offset+8)
	case reflect.Array:
		if t.Elem().Size() > 0 && len(pointers(nil, t.Elem(), 0)) > 0 {
			for i := 0; i < t.Len(); i++ {
				found = pointers(found, t.Elem(), offset+uintptr(i)*t.Elem().Size())
			}
		}
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			found = pointers(found, t.Field(i).Type, offset+t.Field(i).Offset)
		}
	}
	return found
}

func describe(t reflect.Type) line {
	l := line{
		Address: address(t), Name: t.String(), Kind: t.Kind().String(), Bare: t.Name(), PkgPath: t.PkgPath(),
		Size: t.Size(), Align: t.Align(), FieldAlign: t.FieldAlign(), Comparable: t.Comparable(),
		Pointers: pointers(nil, t, 0),
	}
	if t.Kind() != reflect.Interface {
		zero := reflect.Zero(t).Interface()
		// Of what an interface holds directly the zero is a nil pointer; others are pointed to.
		l.Direct = (*[2]uintptr)(unsafe.Pointer(&zero))[1] == 0
	}
	switch t.Kind() {
	case reflect.Array:
		l.Elem, l.Len = address(t.Elem()), t.Len()
	case reflect.Chan:
		l.Elem, l.Dir = address(t.Elem()), t.ChanDir().String()
	case reflect.Map:
		l.Elem, l.Key = address(t.Elem()), address(t.Key())
	case reflect.Ptr, reflect.Slice:
		l.Elem = address(t.Elem())
	case reflect.Func:
		l.In, l.Out, l.Variadic = addresses(t.NumIn(), t.In, 0), addresses(t.NumOut(), t.Out, 0), t.IsVariadic()
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			l.Fields = append(l.Fields, field{
				f.Name, f.PkgPath, fmt.Sprintf("%x", string(f.Tag)), address(f.Type), f.Offset, f.Anonymous,
				f.PkgPath == "",
			})
		}
	}
	for i := 0; i < t.NumMethod(); i++ {
		m := t.Method(i)
		one := method{Name: m.Name}
		if t.Kind() == reflect.Interface {
			one.In, one.Out = addresses(m.Type.NumIn(), m.Type.In, 0), addresses(m.Type.NumOut(), m.Type.Out, 0)
		} else {
			// With the receiver it is a type that reflect makes.
			one.In, one.Out = addresses(m.Type.NumIn(), m.Type.In, 1), addresses(m.Type.NumOut(), m.Type.Out, 0)
			one.Code = fmt.Sprintf("%#x", m.Func.Pointer())
		}
		l.Methods = append(l.Methods, one)
	}
	return l
}

func main() {
	var face speaker
	roots := append(append(local(), more...), everything{}, &node{}, &face, large{}, &wide{},
		lone{}, new(pair[level, *pair[string, io.Reader]]), &pair[*stock.Shelf[level], error]{}, &list[list[speaker]]{},
		&template.Template{}, &json.Decoder{}, &types.Checker{}, &url.URL{}, os.Stdout, &sync.Pool{}, time.NewTimer,
		new([]map[string][]func(...*node) chan int), new(interface{ private() }), &bufio.ReadWriter{})
	for _, root := range roots {
		address(reflect.TypeOf(root))
	}
	// Exact integers and any text: everything in hexadecimal or short.
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, "main %#x\n", reflect.ValueOf(main).Pointer())
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		text, err := json.Marshal(describe(t))
		if err != nil {
			panic(err)
		}
		out.Write(append(text, '\n'))
	}
	if len(os.Args) > 1 {
		out.Flush()
		// What reflect makes has its descriptor on the heap.
		made := reflect.MapOf(reflect.TypeOf(""), reflect.ArrayOf(17, reflect.TypeOf(level(1))))
		fmt.Fprintf(out, "made %#x\n", (*[2]uintptr)(unsafe.Pointer(&made))[1])
		// No conversion in the code has this pair of types: the runtime makes the itab.
		late := reflect.ValueOf(level(3)).Interface().(interface {
			hidden(int) int
			String() string
		})
		fmt.Fprintf(out, "itab %#x\n", (*[2]uintptr)(unsafe.Pointer(&late))[0])
		fmt.Fprintln(out, late.hidden(1), late.String())
		out.Flush()
		panic("down")
	}
}
