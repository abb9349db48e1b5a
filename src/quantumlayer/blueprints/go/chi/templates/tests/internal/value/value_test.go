package value

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDatesAreDaysOfTheCalendar(t *testing.T) {
	leap, err := ParseDate("2028-02-29")
	if err != nil {
		t.Fatal(err)
	}
	if got := leap.Plus(24 * time.Hour).String(); got != "2028-03-01" {
		t.Errorf("the day after is %s", got)
	}
	if leap.Plus(-time.Second) != leap-1 {
		t.Error("a second before midnight is the day before")
	}
	if leap.Since(leap-2) != 48*time.Hour || leap.Month() != "2028-02" || leap.Weekday() != 2 {
		t.Errorf("%v %s %d", leap.Since(leap-2), leap.Month(), leap.Weekday())
	}
	if leap.Year() != 2028 || leap.MonthFromZero() != 1 || leap.Moment() != leap.Start() {
		t.Errorf("%d %d", leap.Year(), leap.MonthFromZero())
	}
	if _, err := ParseDate("2027-02-29"); err == nil {
		t.Error("2027 is no leap year")
	}
}

func TestInstantsAreMomentsInUTC(t *testing.T) {
	moment, err := ParseInstant("2026-01-31T23:30:15.5+02:00")
	if err != nil {
		t.Fatal(err)
	}
	if got := moment.String(); got != "2026-01-31T21:30:15.5Z" {
		t.Errorf("in UTC it is %s", got)
	}
	if moment.Hours() != 21 || moment.Minutes() != 30 || moment.Seconds() != 15 || moment.Weekday() != 6 {
		t.Errorf("%d:%d:%d on day %d", moment.Hours(), moment.Minutes(), moment.Seconds(), moment.Weekday())
	}
	if got := moment.StartOfHour().String(); got != "2026-01-31T21:00:00Z" {
		t.Errorf("the hour began %s", got)
	}
	if moment.Year() != 2026 || moment.Month() != "2026-01" || moment.MonthFromZero() != 0 || moment.Moment() != moment {
		t.Errorf("%d %s", moment.Year(), moment.Month())
	}
	if before := Instant(-1); before.Date().String() != "1969-12-31" {
		t.Errorf("before 1970 it was %s", before.Date())
	}
	if _, err := ParseInstant("yesterday"); err == nil {
		t.Error("yesterday is no moment")
	}
}

func TestDatabasesAndJSONGiveBackWhatTheyGot(t *testing.T) {
	date, moment := DateOf(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)), Instant(1_700_000_000_123_456)
	kept, err := date.Value()
	var readDate Date
	if err != nil || readDate.Scan(kept) != nil || readDate != date {
		t.Errorf("%v became %v", date, readDate)
	}
	if readDate.Scan(date.Time()) != nil || readDate != date || readDate.Scan(1) == nil || readDate.Scan("?") == nil {
		t.Error("a date is read from a time and from text alone")
	}
	kept, err = moment.Value()
	var readMoment Instant
	if err != nil || readMoment.Scan(kept) != nil || readMoment != moment {
		t.Errorf("%v became %v", moment, readMoment)
	}
	if readMoment.Scan(moment.Time()) != nil || readMoment != moment || readMoment.Scan(1) == nil {
		t.Error("a moment is read from a time and from text alone")
	}
	text, err := json.Marshal(map[string]any{"date": date, "moment": moment})
	if err != nil || string(text) != `{"date":"2026-01-31","moment":"2023-11-14T22:13:20.123456Z"}` {
		t.Errorf("%s %v", text, err)
	}
}

func TestWhatMayBeMissing(t *testing.T) {
	if (Change[int]{}).Or(3) != 3 || (Change[int]{Given: true, Value: 4}).Or(3) != 4 {
		t.Error("a change that was given counts")
	}
	three := 3
	if Of[int](nil) != 0 || Of(&three) != 3 || len(Some[int](nil)) != 0 || Some(&three)[0] != 3 {
		t.Error("a pointer that leads nowhere has the zero value")
	}
	if got := Distinct([]int64{3, 1, 3}); len(got) != 2 || got[0] != 1 {
		t.Errorf("%v", got)
	}
}
