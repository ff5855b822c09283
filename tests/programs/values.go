// values plants values of every kind, prints each in a line of JSON as fmt and reflect have it, and goes down.
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type level int8

type tag string

type order struct {
	ID    int
	Name  string
	Tags  []string
	next  *order
	inner struct{ a, b uint16 }
	level
	Notes map[string]int
	Any   any
	Err   error
	Call  func(int) string
	Ch    chan int
	_     byte
}

func (o *order) Total() int { return o.ID }

type leaf struct {
	A, B int32
	F    float32
}

type tree struct {
	Left, Right *tree
	Value       int
}

type ring struct {
	Next *ring
	Who  string
}

type self *self

type wide struct {
	A [40]int64
	S string
}

type named func(a, b int) int

type failure struct {
	Code int
	err  error
}

func (f *failure) Error() string { return fmt.Sprint("failure ", f.Code) }
func (f *failure) Unwrap() error { return f.err }

type plain struct{ text string }

func (p plain) Error() string { return p.text }

type box[T any] struct {
	Item T
	more []T
}

// What print tells of one value. Go: as %#v has it; Tree: as reflect has it.
type line struct {
	Name, Address, Type, Go string
	Tree                    any
}

var (
	kept    []any
	encoder = json.NewEncoder(os.Stdout)
)

func plant[T any](name string, value T) *T {
	place := new(T)
	*place = value
	show(name, place)
	return place
}

func show[T any](name string, place *T) {
	kept = append(kept, place)
	value := reflect.ValueOf(place).Elem()
	said := line{Name: name, Address: fmt.Sprintf("%p", place), Type: value.Type().String()}
	if !strings.HasPrefix(name, "cyclic") && !strings.HasPrefix(name, "big") {
		said.Go = fmt.Sprintf("%#v", *place)
	}
	said.Tree = dump(value, map[string]bool{})
	if err := encoder.Encode(said); err != nil {
		panic(err)
	}
}

// wild prints where a value is that nobody may touch.
func wild[T any](name string, place *T) {
	kept = append(kept, place)
	encoder.Encode(line{Name: name, Address: fmt.Sprintf("%p", place), Type: reflect.TypeOf(place).Elem().String()})
}

type pair [2]any

func dump(v reflect.Value, seen map[string]bool) any {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprint(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return fmt.Sprint(v.Uint())
	case reflect.Float32:
		return fmt.Sprint(float32(v.Float()))
	case reflect.Float64:
		return fmt.Sprint(v.Float())
	case reflect.Complex64:
		return fmt.Sprint(complex64(v.Complex()))
	case reflect.Complex128:
		return fmt.Sprint(v.Complex())
	case reflect.String:
		return hex.EncodeToString([]byte(v.String()))
	case reflect.UnsafePointer:
		return fmt.Sprintf("%#x", v.Pointer())
	case reflect.Func:
		if v.IsNil() {
			return nil
		}
		return runtime.FuncForPC(v.Pointer()).Name()
	case reflect.Chan:
		if v.IsNil() {
			return nil
		}
		return []any{fmt.Sprintf("%#x", v.Pointer()), v.Len(), v.Cap()}
	case reflect.Struct:
		fields := []any{}
		for i := 0; i < v.NumField(); i++ {
			fields = append(fields, pair{v.Type().Field(i).Name, dump(v.Field(i), seen)})
		}
		return fields
	case reflect.Array:
		return elements(v, seen)
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return pair{v.Elem().Type().String(), dump(v.Elem(), seen)}
	}
	if v.IsNil() {
		return nil
	}
	key := fmt.Sprint(v.Type(), v.Pointer())
	if v.Kind() == reflect.Slice && v.Len() == 0 {
		return []any{0, v.Cap(), []any{}}
	}
	if seen[key] {
		return "cycle"
	}
	seen[key] = true
	defer delete(seen, key)
	switch v.Kind() {
	case reflect.Slice:
		return []any{v.Len(), v.Cap(), elements(v, seen)}
	case reflect.Map:
		entries := []any{}
		for _, k := range sorted(v) {
			entries = append(entries, pair{dump(k, seen), dump(v.MapIndex(k), seen)})
		}
		return entries
	}
	return pair{fmt.Sprintf("%#x", v.Pointer()), dump(v.Elem(), seen)}
}

func elements(v reflect.Value, seen map[string]bool) []any {
	found := []any{}
	for i := 0; i < v.Len(); i++ {
		found = append(found, dump(v.Index(i), seen))
	}
	return found
}

// sorted has the keys in the order that fmt prints them in.
func sorted(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	texts := map[string]reflect.Value{}
	for _, k := range keys {
		one := reflect.MakeMap(v.Type())
		one.SetMapIndex(k, v.MapIndex(k))
		texts[fmt.Sprintf("%#v", one.MapKeys()[0])] = k
	}
	// A map from the same keys to their texts prints them in order.
	order := reflect.MakeMap(reflect.MapOf(v.Type().Key(), reflect.TypeOf("")))
	for text, k := range texts {
		order.SetMapIndex(k, reflect.ValueOf("<<"+hex.EncodeToString([]byte(text))+">>"))
	}
	found := []reflect.Value{}
	for _, piece := range strings.Split(fmt.Sprint(order.Interface()), "<<")[1:] {
		text, _ := hex.DecodeString(piece[:strings.Index(piece, ">>")])
		found = append(found, texts[string(text)])
	}
	return found
}

func scalars() {
	plant("bool", true)
	plant("int", -7)
	plant("int8", int8(-128))
	plant("uint8", uint8(255))
	plant("int64", int64(math.MinInt64))
	plant("uint64", uint64(math.MaxUint64))
	plant("uintptr", uintptr(0xbeef))
	plant("rune", 'ü')
	plant("level", level(3))
	plant("float32", float32(0.1))
	plant("floats", []float64{0, math.Copysign(0, -1), 1e6, 123456, 1234567, 1e-5, 0.0001, 1e21, math.NaN(), math.Inf(1), math.Inf(-1), math.Pi})
	plant("floats32", []float32{math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 16777216, 1.0 / 3, 3.4e38})
	plant("complex64", complex64(complex(1, -2.5)))
	plant("complex128", complex(math.Inf(1), 1e-7))
	plant("string", "plain")
	plant("empty", "")
	plant("odd", "a \"quoted\"\t\\ \x00\x1b[31m ключ \u202e \xff\xc3( \u0085 \U0001F600 �")
	plant("tag", tag("named"))
	plant("unsafe", unsafe.Pointer(&kept))
	plant("nilunsafe", unsafe.Pointer(nil))
}

func composites() {
	text := "target"
	first := &order{ID: 1, Name: "first", Tags: []string{"a", "b"}, Notes: map[string]int{"z": 26, "a": 1, "m": 13}}
	first.inner.b, first.level = 9, -4
	first.Any, first.Err = leaf{1, -2, 1.5}, io.EOF
	count := 7
	first.Call = func(n int) string { return fmt.Sprint(n + count + len(text)) }
	first.Ch = make(chan int, 3)
	first.Ch <- 5
	plant("order", *first)
	plant("nils", order{})
	plant("pointer", first)
	plant("pointers", &[]**string{})
	pointed := &text
	plant("twice", &pointed)
	plant("slice", []int{1, 2, 3}[:2])
	plant("nilslice", []int(nil))
	plant("emptyslice", make([]int, 0, 4))
	plant("bytes", []byte{0, 1, 255})
	plant("text", []byte("some text\n"))
	plant("array", [3]leaf{{1, 2, 3}, {}, {4, 5, 6}})
	plant("nothing", [4]struct{}{})
	plant("nested", [][]string{{"x"}, nil, {}})
	plant("any", any(nil))
	plant("anyint", any(42))
	plant("anyu8", any(uint8(8)))
	plant("anystring", any("held"))
	plant("anyleaf", any(leaf{B: 2}))
	plant("anypointer", any(&leaf{A: 3}))
	plant("anyfunc", any(strings.ToUpper))
	plant("anymap", any(map[tag]level{"k": 1}))
	plant("nilerror", error(nil))
	plant("reader", io.Reader(strings.NewReader("read")))
	plant("func", strings.ToUpper)
	plant("nilfunc", (func())(nil))
	plant("named", named(func(a, b int) int { return a + b + count }))
	plant("method", first.Total)
	plant("chan", first.Ch)
	plant("nilchan", (<-chan string)(nil))
	plant("box", box[leaf]{leaf{A: 1}, []leaf{{B: 2}}})
	plant("boxed", &box[map[string]*leaf]{Item: map[string]*leaf{"x": {A: 5}, "n": nil}})
	plant("tree", &tree{&tree{nil, &tree{Value: 3}, 2}, &tree{Value: 4}, 1})
	plant("anonymous", struct {
		X int `json:"x"`
		y *struct{ Z bool }
	}{1, &struct{ Z bool }{true}})
}

func maps() {
	plant("map", map[string]int{"b": 2, "a": 1, "c": 3})
	plant("nilmap", map[string]int(nil))
	plant("emptymap", map[string]int{})
	plant("madeforthousand", make(map[string]int, 1000))
	plant("ints", map[int]string{5: "five", -1: "minus", 300: "many"})
	plant("bools", map[bool]int{true: 1, false: 0})
	plant("floatkeys", map[float64]bool{2.5: true, -1: false, math.Inf(-1): true})
	plant("structs", map[leaf]*leaf{{1, 2, 3}: {4, 5, 6}, {1, 1, 9}: nil})
	plant("arrays", map[[2]uint8][]int{{2, 1}: {1}, {1, 9}: nil})
	plant("sets", map[tag]struct{}{"one": {}, "two": {}})
	plant("indirect", map[[20]int64]wide{{1}: {S: "w"}, {0, 5}: {A: [40]int64{39: 1}}})
	plant("mixed", map[any]string{1: "int", "s": "string", leaf{}: "leaf"})
	plant("maps", map[string]map[int]bool{"x": {1: true}, "y": nil})
	deleted := map[int]int{}
	for i := 0; i < 3000; i++ {
		deleted[i] = i * i
	}
	for i := 0; i < 3000; i++ {
		if i%10 != 3 {
			delete(deleted, i)
		}
	}
	plant("bigdeleted", deleted)
	// Up to Go 1.23 a table of 1024 buckets begins to grow with 6657 entries, a few buckets at each that is added.
	growing := map[int32]string{}
	for i := int32(0); i < 6700; i++ {
		growing[i] = fmt.Sprint(i)
	}
	plant("biggrowing", growing)
	park(growing)
	some := map[int]*int{}
	for i := range [9]int{} {
		some[i] = new(int)
		*some[i] = i
	}
	plant("bigsome", some)
}

func cycles() {
	a, b := &ring{Who: "a"}, &ring{Who: "b"}
	a.Next, b.Next = b, a
	plant("cyclicring", a)
	list := []any{1, nil}
	list[1] = list
	plant("cyclicslice", list)
	m := map[string]any{}
	m["self"] = m
	plant("cyclicmap", m)
	var s self
	s = self(unsafe.Pointer(&s))
	wild("cyclicself", &s)
	var i any
	i = &i
	plant("cyclicany", i)
}

func wildest() {
	s := "cut"
	(*[2]uintptr)(unsafe.Pointer(&s))[1] = 1 << 60
	wild("wildstring", &s)
	over := "over the end"
	(*[2]uintptr)(unsafe.Pointer(&over))[1] = 1 << 40
	wild("wildlong", &over)
	l := []int{1, 2}
	(*[3]uintptr)(unsafe.Pointer(&l))[1] = 5
	wild("wildslice", &l)
	far := []leaf{{A: 1}}
	(*[3]uintptr)(unsafe.Pointer(&far))[1], (*[3]uintptr)(unsafe.Pointer(&far))[2] = 1<<30, 1<<30
	wild("wildfar", &far)
	nowhere := (*order)(unsafe.Pointer(uintptr(0x1234560)))
	wild("wildpointer", &nowhere)
	junk := new([64]uintptr)
	for i := range junk {
		junk[i] = uintptr(unsafe.Pointer(junk)) + 8
	}
	kept = append(kept, junk)
	m := *(*map[string]int)(unsafe.Pointer(&junk))
	wild("wildmap", &m)
	c := *(*chan int)(unsafe.Pointer(&junk))
	wild("wildchan", &c)
	f := *(*func())(unsafe.Pointer(&junk))
	wild("wildfunc", &f)
	e := *(*any)(unsafe.Pointer(junk))
	wild("wildany", &e)
	err := *(*error)(unsafe.Pointer(junk))
	wild("wilderror", &err)
}

type facts struct{ Name, Address, Type, Note string }

// tell prints what a value means, as its own package has it.
func tell[T any](name string, value *T, note string) {
	kept = append(kept, value)
	encoder.Encode(facts{name, fmt.Sprintf("%p", value), reflect.TypeOf(value).Elem().String(), note})
}

type locks struct {
	Mu    sync.Mutex
	RW    sync.RWMutex
	Group sync.WaitGroup
	Once  sync.Once
	Count atomic.Int64
	Flag  atomic.Bool
	Place atomic.Pointer[leaf]
	Value atomic.Value
}

func known() {
	for i, t := range []time.Time{
		{}, time.Unix(1700000000, 120), time.Date(1583, 2, 28, 23, 59, 59, 999999999, time.UTC), time.Date(-44, 3, 15, 0, 0, 0, 5e6, time.UTC),
		time.Date(2024, 2, 29, 12, 0, 0, 0, time.FixedZone("east", 3600)), time.Date(12024, 12, 31, 0, 0, 0, 0, time.UTC), time.Unix(-1, 0),
	} {
		place := t
		tell(fmt.Sprint("time", i), &place, t.UTC().Format(time.RFC3339Nano))
	}
	now := time.Now()
	text := now.String()
	tell("now", &now, now.UTC().Format(time.RFC3339Nano)+text[strings.Index(text, " m="):])
	for i, d := range []time.Duration{0, 1, 1500, -2 * time.Millisecond, 90 * time.Second, 3*time.Hour + 5*time.Nanosecond, math.MaxInt64, math.MinInt64} {
		place := d
		tell(fmt.Sprint("duration", i), &place, d.String())
	}
	l := &locks{}
	l.Mu.Lock()
	l.RW.RLock()
	l.RW.RLock()
	l.Group.Add(3)
	l.Once.Do(func() {})
	l.Count.Store(-12)
	l.Flag.Store(true)
	l.Place.Store(&leaf{A: 8})
	l.Value.Store("stored")
	for i := 0; i < 2; i++ {
		go func() { l.Mu.Lock() }()
	}
	go func() { l.Group.Wait() }()
	go func() { l.RW.Lock() }()
	tell("locks", l, "")
	tell("unlocked", &locks{}, "")
	w := &sync.RWMutex{}
	w.Lock()
	tell("write", w, "locked")
	n, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	tell("bigint", n, n.String())
}

func chains() {
	_, missing := os.Open("/no/such/file")
	for i, err := range []error{
		io.EOF, missing, fmt.Errorf("outer: %w", missing), &failure{5, fmt.Errorf("why: %w", plain{"deep"})},
		errors.New("simple"), syscall.ENOENT, &fs.PathError{Op: "stat", Path: "p", Err: syscall.EACCES},
	} {
		place := err
		var texts []string
		for e := err; e != nil; e = errors.Unwrap(e) {
			texts = append(texts, reflect.TypeOf(e).String()+": "+e.Error())
		}
		tell(fmt.Sprint("error", i), &place, strings.Join(texts, "\n"))
	}
}

// Some that wait with arguments of known types, which they use when they go on.

type parker interface {
	Park(n uint16, text string, err error, notes map[string]int, list []leaf, never chan int) int
}

var parked sync.WaitGroup

//go:noinline
func (o *order) Park(n uint16, text string, err error, notes map[string]int, list []leaf, never chan int) int {
	parked.Done()
	<-o.Ch
	fmt.Println(o, n, text, err, notes, list, never)
	return 1
}

type holder interface{ Hold(f float64, never chan int) leaf }

//go:noinline
func (l leaf) Hold(f float64, never chan int) leaf {
	parked.Done()
	<-never
	fmt.Println(l, f)
	return l
}

//go:noinline
func hold(growing map[int32]string, never chan int, held any, err error, call func()) {
	call()
	fmt.Println(growing, never, held, err)
	call()
}

func park(growing map[int32]string) {
	never := make(chan int)
	o := &order{ID: 9, Name: "parked", Ch: never}
	notes, list := map[string]int{"x": 1, "y": 2}, []leaf{{7, 8, 9}}
	waiting := []any{o, leaf{4, -5, 6.5}}
	count, place := len(notes)+40, &leaf{A: 77}
	parked.Add(3)
	go waiting[0].(parker).Park(500, "a text", &failure{Code: 3}, notes, list, never)
	go waiting[1].(holder).Hold(2.5, never)
	go hold(growing, never, leaf{A: 6}, plain{"plain error"}, func() {
		parked.Done()
		<-never
		fmt.Println(count, place)
	})
	parked.Wait()
	encoder.Encode(facts{"captured", fmt.Sprintf("%p", place), "", fmt.Sprint(count)})
	encoder.Encode(facts{"never", fmt.Sprintf("%p", never), "", ""})
}

func main() {
	debug.SetGCPercent(-1)
	scalars()
	composites()
	maps()
	cycles()
	wildest()
	known()
	chains()
	time.Sleep(100 * time.Millisecond)
	panic("done")
}
