// Package value holds the kinds of values that Go's own types leave open: dates, instants, changes of fields.
package value

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Date is a day of the calendar, counted from 1970-01-01, so that dates are compared with < and ==.
type Date int64

const day = 24 * time.Hour

// ParseDate reads 2026-01-31.
func ParseDate(text string) (Date, error) {
	parsed, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no date such as 2026-01-31", text)
	}
	return DateOf(parsed), nil
}

// DateOf is the UTC date of a moment.
func DateOf(moment time.Time) Date {
	return InstantOf(moment).Date()
}

// Time is midnight UTC.
func (d Date) Time() time.Time {
	return time.Unix(int64(d)*int64(day/time.Second), 0).UTC()
}

// Start is midnight UTC.
func (d Date) Start() Instant {
	return InstantOf(d.Time())
}

// Plus is the date so much later, of the instant that midnight becomes.
func (d Date) Plus(by time.Duration) Date {
	return d.Start().Plus(by).Date()
}

// Since is the time from another date to this one.
func (d Date) Since(other Date) time.Duration {
	return time.Duration(d-other) * day
}

// Month is the month, such as 2026-01.
func (d Date) Month() string {
	return d.Time().Format("2006-01")
}

// Weekday counts from Monday, which is 1, to Sunday, 7.
func (d Date) Weekday() int64 {
	return d.Start().Weekday()
}

// Year is the year.
func (d Date) Year() int64 {
	return int64(d.Time().Year())
}

// MonthFromZero is the month, January being 0.
func (d Date) MonthFromZero() int64 {
	return int64(d.Time().Month()) - 1
}

// Moment is the instant at which the date begins.
func (d Date) Moment() Instant {
	return d.Start()
}

// String is the form of JSON and of the database.
func (d Date) String() string {
	return d.Time().Format(time.DateOnly)
}

// MarshalJSON writes the form of String.
func (d Date) MarshalJSON() ([]byte, error) {
	quoted := append(make([]byte, 0, len(`"2006-01-02"`)), '"')
	return append(d.Time().AppendFormat(quoted, time.DateOnly), '"'), nil
}

// Value writes the form of String.
func (d Date) Value() (driver.Value, error) {
	return d.String(), nil
}

// Scan reads what SQLite and PostgreSQL answer.
func (d *Date) Scan(source any) error {
	switch found := source.(type) {
	case time.Time:
		*d = DateOf(found)
		return nil
	case string:
		parsed, err := ParseDate(found)
		*d = parsed
		return err
	}
	return fmt.Errorf("%T is no date", source)
}
