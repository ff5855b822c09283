// Package shelf has a dot in the last element of its path, which the linker escapes in symbol names (shelf%2ev2).
package shelf

// Number is what a Pile can hold.
type Number interface{ ~int | ~int64 | ~float64 }

// Pile is a generic type with methods on its pointer.
type Pile[T Number] struct {
	items []T
	name  string
}

// NewPile makes a pile that is called name.
func NewPile[T Number](name string, items ...T) *Pile[T] {
	return &Pile[T]{items: items, name: name}
}

// Wait blocks on a channel that nobody sends on, below a generic method.
//
//go:noinline
func (p *Pile[T]) Wait(quiet chan T) T {
	return <-quiet
}

// Pick divides by what it finds, inside small functions that the compiler inlines.
func (p *Pile[T]) Pick(index int) T {
	return p.at(index)
}

func (p *Pile[T]) at(index int) T {
	return p.items[index]
}
