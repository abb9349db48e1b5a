// Package problem holds refusals as RFC 9457 problem details.
package problem

import "net/http"

// Problem ends a request with a status; Errors lists what is wrong with single fields.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Errors []FieldError `json:"errors,omitempty"`
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// New makes a problem with a sentence for people.
func New(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Forbidden is 403: this caller may not do it.
func Forbidden(detail string) *Problem {
	return New(http.StatusForbidden, detail)
}

// Conflict is 409: not as the rows are now.
func Conflict(detail string) *Problem {
	return New(http.StatusConflict, detail)
}

// Gone is 410: not any more.
func Gone(detail string) *Problem {
	return New(http.StatusGone, detail)
}

// Unprocessable is 422 because of what was sent as a whole.
func Unprocessable(detail string) *Problem {
	return New(http.StatusUnprocessableEntity, detail)
}

// Invalid is 422 because of some fields.
func Invalid(errors ...FieldError) *Problem {
	found := New(http.StatusUnprocessableEntity, "Some fields are not valid.")
	found.Errors = errors
	return found
}

// InvalidField is 422 because of one field.
func InvalidField(field, message string) *Problem {
	found := New(http.StatusUnprocessableEntity, field+": "+message)
	found.Errors = []FieldError{{Field: field, Message: message}}
	return found
}

// NotFound is 404: there is no such row, or the caller may not see it.
func NotFound() *Problem {
	return New(http.StatusNotFound, "There is no such resource.")
}

// Error is the detail.
func (p *Problem) Error() string {
	return p.Detail
}
