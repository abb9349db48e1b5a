package value

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Instant is a moment in UTC, counted in microseconds from 1970, so that instants are compared with < and ==.
type Instant int64

const databaseForm = "2006-01-02T15:04:05.000000Z"

// InstantOf cuts a time to microseconds.
func InstantOf(moment time.Time) Instant {
	return Instant(moment.UnixMicro())
}

// ParseInstant reads RFC 3339.
func ParseInstant(text string) (Instant, error) {
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no moment such as 2026-01-31T09:30:00Z", text)
	}
	return InstantOf(parsed), nil
}

// Time is the moment in UTC.
func (i Instant) Time() time.Time {
	return time.UnixMicro(int64(i)).UTC()
}

// Date is the UTC date.
func (i Instant) Date() Date {
	micros := int64(day / time.Microsecond)
	days := int64(i) / micros
	if int64(i)%micros < 0 {
		days--
	}
	return Date(days)
}

// Plus is the moment so much later.
func (i Instant) Plus(by time.Duration) Instant {
	return i + Instant(by/time.Microsecond)
}

// Since is the time from another moment to this one.
func (i Instant) Since(other Instant) time.Duration {
	return time.Duration(i-other) * time.Microsecond
}

// StartOfHour is the full hour.
func (i Instant) StartOfHour() Instant {
	return InstantOf(i.Time().Truncate(time.Hour))
}

// Month is the month, such as 2026-01.
func (i Instant) Month() string {
	return i.Date().Month()
}

// Weekday counts from Monday, which is 1, to Sunday, 7.
func (i Instant) Weekday() int64 {
	return (int64(i.Time().Weekday())+6)%7 + 1
}

// Hours is the hour of the day.
func (i Instant) Hours() int64 {
	return int64(i.Time().Hour())
}

// Minutes is the minute of the hour.
func (i Instant) Minutes() int64 {
	return int64(i.Time().Minute())
}

// Seconds is the second of the minute.
func (i Instant) Seconds() int64 {
	return int64(i.Time().Second())
}

// Year is the year.
func (i Instant) Year() int64 {
	return i.Date().Year()
}

// MonthFromZero is the month, January being 0.
func (i Instant) MonthFromZero() int64 {
	return i.Date().MonthFromZero()
}

// Moment is the instant itself.
func (i Instant) Moment() Instant {
	return i
}

// String is RFC 3339 in UTC.
func (i Instant) String() string {
	return i.Time().Format(time.RFC3339Nano)
}

// MarshalJSON writes the form of String.
func (i Instant) MarshalJSON() ([]byte, error) {
	quoted := append(make([]byte, 0, len(time.RFC3339Nano)), '"')
	return append(i.Time().AppendFormat(quoted, time.RFC3339Nano), '"'), nil
}

// Value writes a form that both databases keep and order.
func (i Instant) Value() (driver.Value, error) {
	return i.Time().Format(databaseForm), nil
}

// Scan reads what SQLite and PostgreSQL answer.
func (i *Instant) Scan(source any) error {
	switch found := source.(type) {
	case time.Time:
		*i = InstantOf(found)
		return nil
	case string:
		parsed, err := ParseInstant(found)
		*i = parsed
		return err
	}
	return fmt.Errorf("%T is no moment", source)
}
