package value

import "slices"

// Change is a member of a request that may have been left out.
type Change[T any] struct {
	Given bool
	Value T
}

// Or is the value, or another where it was left out.
func (c Change[T]) Or(other T) T {
	if c.Given {
		return c.Value
	}
	return other
}

// Of is what a pointer leads to, the zero value where it leads nowhere.
func Of[T any](pointer *T) T {
	if pointer == nil {
		var zero T
		return zero
	}
	return *pointer
}

// Some is a list of what a pointer leads to: one item, or none.
func Some[T any](pointer *T) []T {
	if pointer == nil {
		return nil
	}
	return []T{*pointer}
}

// Distinct is the sorted list without duplicates.
func Distinct(ids []int64) []int64 {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
