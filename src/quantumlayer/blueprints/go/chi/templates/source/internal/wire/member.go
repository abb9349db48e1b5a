package wire

import "app/internal/value"

type state int

const (
	absent state = iota
	null
	given
	refused
)

// Member is one member of a request, not yet taken. Taking it says what may be left out and what may be null.
type Member[T any] struct {
	in    *Reader
	name  string
	state state
	value T
}

// Rule is a constraint: what to say where a value breaks it, else nothing.
type Rule[T any] func(T) string

// read makes a member with a parser, which says what is wrong with the text, and the constraints that hold for the value.
func read[T any](in *Reader, name string, parse func(source) (T, string), rules []Rule[T]) Member[T] {
	member := Member[T]{in: in, name: name}
	raw, ok := in.members[name]
	if !ok {
		return member
	}
	sent := source{raw, in.text}
	if !sent.text && string(sent.raw) == "null" {
		member.state = null
		return member
	}
	found, message := parse(sent)
	for _, rule := range rules {
		if message == "" {
			message = rule(found)
		}
	}
	if message != "" {
		in.refuse(name, message)
		member.state = refused
		return member
	}
	member.state, member.value = given, found
	return member
}

func (m Member[T]) notNull() {
	if m.state == null {
		m.in.refuse(m.name, "must not be null")
	}
}

// Required must be there.
func (m Member[T]) Required() T {
	m.notNull()
	if m.state == absent {
		m.in.refuse(m.name, "is missing")
	}
	return m.value
}

// Optional may be left out or null.
func (m Member[T]) Optional() *T {
	if m.state != given {
		return nil
	}
	return &m.value
}

// Or has a default.
func (m Member[T]) Or(fallback T) T {
	m.notNull()
	if m.state == absent {
		return fallback
	}
	return m.value
}

// OptionalOr has a default, and may be null.
func (m Member[T]) OptionalOr(fallback T) *T {
	if m.state == absent {
		return &fallback
	}
	return m.Optional()
}

// Change may be left out, but not null.
func (m Member[T]) Change() value.Change[T] {
	m.notNull()
	return value.Change[T]{Given: m.state == given, Value: m.value}
}

// NullableChange may be left out or null.
func (m Member[T]) NullableChange() value.Change[*T] {
	return value.Change[*T]{Given: m.state == given || m.state == null, Value: m.Optional()}
}

// OrNone is a list that may be left out or null, which both mean none.
func (m Member[T]) OrNone() T {
	return m.value
}

// ListChange is a list that may be left out; null means none.
func (m Member[T]) ListChange() value.Change[T] {
	return value.Change[T]{Given: m.state == given || m.state == null, Value: m.value}
}
