// Package stock has a dot in the last element of its path, and a generic type with methods.
package stock

type Shelf[T any] struct {
	Items []T
	next  *Shelf[T]
	Last  struct{ item, Count T }
}

func (s *Shelf[T]) Push(items ...T) *Shelf[T] { return s }
func (s Shelf[T]) Top() (item T, ok bool)     { return s.Last.item, len(s.Items) > 0 }
func (s *Shelf[T]) clear()                    {}
