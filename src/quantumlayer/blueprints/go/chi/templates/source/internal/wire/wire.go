// Package wire reads bodies and query parameters strictly: nothing is guessed, and all that is wrong is told at once.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"

	"app/internal/problem"
)

// Largest body that is read, in bytes.
const maxBody = 8 << 20

// Reader reads the members of one request and collects what is wrong with them.
type Reader struct {
	members map[string]json.RawMessage
	text    bool // they are plain text, of a query
	errors  []problem.FieldError
}

// source is a member as it was sent: JSON in a body, plain text in a query.
type source struct {
	raw  []byte
	text bool
}

// Body reads a JSON object. An absent body is 400 unless it is optional, in which case it has no members.
func Body(r *http.Request, optional bool) (*Reader, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "The body cannot be read.")
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 && optional {
		return &Reader{}, nil
	}
	if len(raw) == 0 {
		return nil, problem.New(http.StatusBadRequest, "The body is not a JSON object.")
	}
	var members map[string]json.RawMessage
	err = json.Unmarshal(raw, &members)
	var other *json.UnmarshalTypeError
	if !utf8.Valid(raw) || (err != nil && !errors.As(err, &other)) {
		return nil, problem.New(http.StatusBadRequest, "The body is not JSON.")
	}
	if members == nil {
		return nil, problem.New(http.StatusBadRequest, "The body is not a JSON object.")
	}
	return &Reader{members: members}, nil
}

// Query reads query parameters. Of one that is sent twice, the last counts.
func Query(query url.Values) *Reader {
	reader := &Reader{members: map[string]json.RawMessage{}, text: true}
	for name, values := range query {
		reader.members[name] = []byte(values[len(values)-1])
	}
	return reader
}

// Err is 422 with everything that was wrong.
func (in *Reader) Err() error {
	if len(in.errors) == 0 {
		return nil
	}
	return problem.Invalid(in.errors...)
}

func (in *Reader) refuse(name, message string) {
	in.errors = append(in.errors, problem.FieldError{Field: name, Message: message})
}
