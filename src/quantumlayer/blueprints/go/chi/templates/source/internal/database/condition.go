package database

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
)

// Condition is a part of a WHERE with its arguments. Its text is always the program's own.
type Condition struct {
	SQL       string
	Arguments []any
}

// Where makes a condition.
func Where(text string, arguments ...any) Condition {
	return Condition{text, arguments}
}

// Conditions must all hold.
type Conditions []Condition

// Add is one more.
func (c *Conditions) Add(text string, arguments ...any) {
	*c = append(*c, Where(text, arguments...))
}

// SQL is " WHERE …", or nothing where there are no conditions.
func (c Conditions) SQL() string {
	texts := make([]string, len(c))
	for i, condition := range c {
		texts[i] = "(" + condition.SQL + ")"
	}
	if len(texts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(texts, " AND ")
}

// Arguments are those of all conditions, in order.
func (c Conditions) Arguments(more ...any) []any {
	found := []any{}
	for _, condition := range c {
		found = append(found, condition.Arguments...)
	}
	return append(found, more...)
}

// Ref is an optional reference: nil for the id 0, which no row has.
func Ref(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// Key is the same as an argument of a query.
func Key(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// Marks is "?, ?, ?" for so many arguments.
func Marks(count int) string {
	return strings.TrimSuffix(strings.Repeat("?, ", count), ", ")
}

// IDs are ids as arguments.
func IDs(ids []int64) []any {
	found := make([]any, len(ids))
	for i, id := range ids {
		found[i] = id
	}
	return found
}

// List is a list of words as one text, each between bars.
func List(words []string) string {
	return "|" + strings.Join(words, "|") + "|"
}

// Words is a list of words that a column keeps as JSON.
type Words []string

// Value writes JSON.
func (w Words) Value() (driver.Value, error) {
	text, err := json.Marshal([]string(w))
	return string(text), err
}

// Scan reads JSON.
func (w *Words) Scan(source any) error {
	text, ok := source.(string)
	if !ok {
		return fmt.Errorf("%T is no list of words", source)
	}
	return json.Unmarshal([]byte(text), (*[]string)(w))
}
