// Package wire reads bodies and query parameters strictly: nothing is guessed, and all that is wrong is told at once.
package wire

import (
	"bytes"
	"encoding/json"
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
	members map[string]source
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
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, problem.New(http.StatusBadRequest, "The body is not JSON.")
	}
	var members map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &members) != nil {
		return nil, problem.New(http.StatusBadRequest, "The body is not a JSON object.")
	}
	reader := &Reader{members: map[string]source{}}
	for name, member := range members {
		reader.members[name] = source{raw: member}
	}
	return reader, nil
}

// Query reads query parameters. Of one that is sent twice, the last counts.
func Query(query url.Values) *Reader {
	reader := &Reader{members: map[string]source{}}
	for name, values := range query {
		reader.members[name] = source{raw: []byte(values[len(values)-1]), text: true}
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
