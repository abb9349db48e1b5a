package wire

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"app/internal/value"
)

const (
	maxInteger = 1<<53 - 1
	maxDecimal = 1e12
)

var (
	integerForm = regexp.MustCompile(`^-?[0-9]{1,16}$`)
	numberForm  = regexp.MustCompile(`^-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?$`)
	dateForm    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	instantForm = regexp.MustCompile(
		`^([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9])(:[0-5][0-9])?(\.[0-9]{1,9})?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?$`)
	surrogates = regexp.MustCompile(`\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)`)
)

// Text reads a string.
func (in *Reader) Text(name string, rules ...Rule[string]) Member[string] {
	return read(in, name, parseText, rules)
}

// Integer reads a whole number.
func (in *Reader) Integer(name string, rules ...Rule[int64]) Member[int64] {
	return read(in, name, parseInteger, rules)
}

// Key reads the id of a row.
func (in *Reader) Key(name string) Member[int64] {
	return read(in, name, parseInteger, nil)
}

// Number reads a finite binary number.
func (in *Reader) Number(name string, rules ...Rule[float64]) Member[float64] {
	return read(in, name, parseNumber, rules)
}

// Decimal reads an exact number.
func (in *Reader) Decimal(name string, rules ...Rule[decimal.Decimal]) Member[decimal.Decimal] {
	return read(in, name, parseDecimal, rules)
}

// Boolean reads true or false.
func (in *Reader) Boolean(name string) Member[bool] {
	return read(in, name, func(sent source) (bool, string) {
		text := string(sent.raw)
		if text != "true" && text != "false" {
			return false, "must be true or false"
		}
		return text == "true", ""
	}, nil)
}

// Date reads a date such as 2026-01-31.
func (in *Reader) Date(name string) Member[value.Date] {
	return read(in, name, parseDate, nil)
}

// Instant reads a moment; without an offset it is UTC.
func (in *Reader) Instant(name string) Member[value.Instant] {
	return read(in, name, parseInstant, nil)
}

// Texts reads a list of strings.
func (in *Reader) Texts(name string, rules ...Rule[[]string]) Member[[]string] {
	return read(in, name, func(sent source) ([]string, string) { return parseList(sent, parseItem) }, rules)
}

// Keys reads a list of ids, each counted once.
func (in *Reader) Keys(name string, rules ...Rule[[]int64]) Member[[]int64] {
	return read(in, name, func(sent source) ([]int64, string) {
		keys, message := parseList(sent, parseInteger)
		return value.Distinct(keys), message
	}, rules)
}

func parseText(sent source) (string, string) {
	text := string(sent.raw)
	if !sent.text {
		if sent.raw[0] != '"' || json.Unmarshal(sent.raw, &text) != nil {
			return "", "must be a text"
		}
		if strings.Contains(text, "\uFFFD") && loneSurrogate(string(sent.raw)) {
			return "", "must be valid Unicode"
		}
	}
	if strings.Contains(text, "\x00") {
		return "", "must not contain NUL characters"
	}
	return text, ""
}

// loneSurrogate tells whether half a character is escaped somewhere: JSON allows it, Unicode does not.
func loneSurrogate(raw string) bool {
	for _, found := range surrogates.FindAllString(raw, -1) {
		if len(found) == len(`\ud800`) {
			return true
		}
	}
	return false
}

func parseItem(sent source) (string, string) {
	text, message := parseText(sent)
	if message == "" {
		message = Length(1, 255)(text)
	}
	return text, message
}

func parseInteger(sent source) (int64, string) {
	number, err := strconv.ParseInt(string(sent.raw), 10, 64)
	if !integerForm.Match(sent.raw) || err != nil {
		return 0, "must be an integer"
	}
	if number < -maxInteger || number > maxInteger {
		return 0, "must be an integer"
	}
	return number, ""
}

func parseNumber(sent source) (float64, string) {
	number, err := strconv.ParseFloat(string(sent.raw), 64)
	if !numberForm.Match(sent.raw) || err != nil {
		return 0, "must be a number"
	}
	return number, ""
}

func parseDecimal(sent source) (decimal.Decimal, string) {
	number, message := parseNumber(sent)
	if message == "" && math.Abs(number) >= maxDecimal {
		message = "must be between -10^12 and 10^12"
	}
	if message != "" {
		return decimal.Zero, message
	}
	return decimal.NewFromFloat(number), ""
}

func parseDate(sent source) (value.Date, string) {
	text, message := parseText(sent)
	if message != "" || !dateForm.MatchString(text) || strings.HasPrefix(text, "0000") {
		return 0, "must be a date such as 2026-01-31"
	}
	date, err := value.ParseDate(text)
	if err != nil {
		return 0, "must be a date such as 2026-01-31"
	}
	return date, ""
}

func parseInstant(sent source) (value.Instant, string) {
	const wanted = "must be a date and time such as 2026-01-31T09:30:00Z"
	text, message := parseText(sent)
	parts := instantForm.FindStringSubmatch(text)
	if message != "" || parts == nil || (parts[2] == "" && parts[3] != "") {
		return 0, wanted
	}
	if parts[2] == "" {
		parts[2] = ":00"
	}
	if parts[4] == "" {
		parts[4] = "Z"
	}
	moment, err := time.Parse(time.RFC3339Nano, strings.Join(parts[1:], ""))
	if err != nil {
		return 0, wanted
	}
	if year := moment.UTC().Year(); year < 1 || year > 9999 {
		return 0, "is out of range"
	}
	return value.InstantOf(moment), ""
}

func parseList[T any](sent source, parse func(source) (T, string)) ([]T, string) {
	var raw []json.RawMessage
	if sent.text || sent.raw[0] != '[' || json.Unmarshal(sent.raw, &raw) != nil {
		return nil, "must be a list"
	}
	items := make([]T, 0, len(raw))
	for _, member := range raw {
		item, message := parse(source{raw: member})
		if message != "" {
			return nil, "each item " + message
		}
		items = append(items, item)
	}
	return items, ""
}

// Words reads a list of known words.
func (in *Reader) Words(name string, known []string) Member[[]string] {
	return read(in, name, func(sent source) ([]string, string) { return parseList(sent, parseText) }, []Rule[[]string]{
		func(words []string) string {
			for _, word := range words {
				if message := OneOf(known...)(word); message != "" {
					return "each item " + message
				}
			}
			return ""
		},
	})
}
