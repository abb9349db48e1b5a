// Package clock tells the time in UTC, moved by a setting so that rules about time can be tried out.
package clock

import (
	"sync/atomic"
	"time"

	"app/internal/value"
)

// Clock is safe for concurrent use. The zero Clock tells the real time.
type Clock struct {
	offset atomic.Int64
}

// New makes a clock that is so far ahead of the real one.
func New(offset time.Duration) *Clock {
	clock := &Clock{}
	clock.Advance(offset)
	return clock
}

// Advance moves the clock forward.
func (c *Clock) Advance(by time.Duration) {
	c.offset.Add(int64(by))
}

// Now is the present moment.
func (c *Clock) Now() value.Instant {
	return value.InstantOf(time.Now().Add(time.Duration(c.offset.Load())))
}
