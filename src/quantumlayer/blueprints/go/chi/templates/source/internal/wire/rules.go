package wire

import (
	"cmp"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

var (
	timeForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	patterns sync.Map
)

// NotBlank wants a character that is not white space.
func NotBlank(text string) string {
	inked := func(r rune) bool { return !unicode.IsSpace(r) && (r < 0x1c || r > 0x1f) }
	return unless(strings.ContainsFunc(text, inked), "must not be empty or blank")
}

// TimeOfDay is HH:MM.
func TimeOfDay(text string) string {
	return unless(timeForm.MatchString(text), "must be a time such as 09:30")
}

// Length counts code points.
func Length(least, most int) Rule[string] {
	return func(text string) string {
		switch length := utf8.RuneCountInString(text); {
		case length == 0 && least == 1:
			return "must not be empty"
		case length < least:
			return fmt.Sprintf("must have at least %d characters", least)
		default:
			return unless(length <= most, "must have at most %d characters", most)
		}
	}
}

// Match wants all of the text to match a regular expression.
func Match(pattern string) Rule[string] {
	compiled, ok := patterns.Load(pattern)
	if !ok {
		compiled, _ = patterns.LoadOrStore(pattern, regexp.MustCompile(`^(?:`+pattern+`)$`))
	}
	return func(text string) string {
		return unless(compiled.(*regexp.Regexp).MatchString(text), "does not have the right form")
	}
}

// OneOf lists the choices.
func OneOf(choices ...string) Rule[string] {
	return func(text string) string {
		return unless(slices.Contains(choices, text), "must be one of %s", strings.Join(choices, ", "))
	}
}

// Unsortable refuses every order of a list that has one alone.
func Unsortable(string) string {
	return "this list cannot be sorted"
}

// Items counts the items of a list; most is 0 where there is no end.
func Items[T any](least, most int) Rule[[]T] {
	return func(items []T) string {
		if len(items) < least {
			return fmt.Sprintf("must have at least %d items", least)
		}
		return unless(most == 0 || len(items) <= most, "must have at most %d items", most)
	}
}

// AtLeast is a lower bound.
func AtLeast[T cmp.Ordered](bound T) Rule[T] {
	return func(number T) string { return unless(number >= bound, "must be at least %v", bound) }
}

// Above is a lower bound that is not reached.
func Above[T cmp.Ordered](bound T) Rule[T] {
	return func(number T) string { return unless(number > bound, "must be above %v", bound) }
}

// AtMost is an upper bound.
func AtMost[T cmp.Ordered](bound T) Rule[T] {
	return func(number T) string { return unless(number <= bound, "must be at most %v", bound) }
}

// Below is an upper bound that is not reached.
func Below[T cmp.Ordered](bound T) Rule[T] {
	return func(number T) string { return unless(number < bound, "must be below %v", bound) }
}

// IntegerStep wants a multiple, counted from 0.
func IntegerStep(step string) Rule[int64] {
	return func(number int64) string { return multiple(strconv.FormatInt(number, 10), step) }
}

// NumberStep wants a multiple, counted from 0.
func NumberStep(step string) Rule[float64] {
	return func(number float64) string { return multiple(strconv.FormatFloat(number, 'f', -1, 64), step) }
}

// DecimalStep wants a multiple, counted from 0.
func DecimalStep(step string) Rule[decimal.Decimal] {
	return func(number decimal.Decimal) string { return multiple(number.String(), step) }
}

// Places allows so many decimal places.
func Places(places int32) Rule[decimal.Decimal] {
	return func(number decimal.Decimal) string {
		return unless(number.Equal(number.Round(places)), "must have at most %d decimal places", places)
	}
}

// DecimalAtLeast is a lower bound.
func DecimalAtLeast(bound string) Rule[decimal.Decimal] {
	return compared(bound, "must be at least ", func(sign int) bool { return sign >= 0 })
}

// DecimalAbove is a lower bound that is not reached.
func DecimalAbove(bound string) Rule[decimal.Decimal] {
	return compared(bound, "must be above ", func(sign int) bool { return sign > 0 })
}

// DecimalAtMost is an upper bound.
func DecimalAtMost(bound string) Rule[decimal.Decimal] {
	return compared(bound, "must be at most ", func(sign int) bool { return sign <= 0 })
}

// DecimalBelow is an upper bound that is not reached.
func DecimalBelow(bound string) Rule[decimal.Decimal] {
	return compared(bound, "must be below ", func(sign int) bool { return sign < 0 })
}

func compared(bound, message string, holds func(sign int) bool) Rule[decimal.Decimal] {
	exact := decimal.RequireFromString(bound)
	return func(number decimal.Decimal) string { return unless(holds(number.Cmp(exact)), "%s%s", message, bound) }
}

func multiple(number, step string) string {
	exact, known := new(big.Rat).SetString(number)
	unit, sound := new(big.Rat).SetString(step)
	return unless(known && sound && new(big.Rat).Quo(exact, unit).IsInt(), "must be a multiple of %s", step)
}

// unless words the refusal only where there is one.
func unless(holds bool, message string, values ...any) string {
	if holds {
		return ""
	}
	return fmt.Sprintf(message, values...)
}
