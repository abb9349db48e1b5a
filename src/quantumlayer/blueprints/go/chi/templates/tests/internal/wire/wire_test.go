package wire

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"app/internal/problem"
)

// member reads {"x": json} and tells whether it was refused.
func member(t *testing.T, json string, take func(*Reader)) bool {
	t.Helper()
	in, err := Body(httptest.NewRequest("POST", "/", strings.NewReader(`{"x":`+json+`}`)), false)
	if err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	take(in)
	return in.Err() != nil
}

func TestBodiesAreJSONObjects(t *testing.T) {
	for _, body := range []string{"", " ", "[]", "1", "{", `{"a":NaN}`, "{} {}", "\xff"} {
		if _, err := Body(httptest.NewRequest("POST", "/", strings.NewReader(body)), false); err == nil {
			t.Errorf("%q is an object", body)
		}
	}
	in, err := Body(httptest.NewRequest("POST", "/", nil), true)
	if err != nil || in.Text("x").Optional() != nil {
		t.Errorf("an absent body has no members: %v", err)
	}
}

func TestNothingIsGuessed(t *testing.T) {
	takes := map[string]func(*Reader){
		"text":    func(in *Reader) { in.Text("x", NotBlank, Length(1, 3)).Required() },
		"pattern": func(in *Reader) { in.Text("x", Match("a|b")).Required() },
		"choice":  func(in *Reader) { in.Text("x", OneOf("a", "b")).Required() },
		"time":    func(in *Reader) { in.Text("x", TimeOfDay).Required() },
		"integer": func(in *Reader) { in.Integer("x", AtLeast[int64](2), Below[int64](8), IntegerStep("2")).Required() },
		"number":  func(in *Reader) { in.Number("x", Above(0.0), AtMost(1.0), NumberStep("0.25")).Required() },
		"decimal": func(in *Reader) { in.Decimal("x", Places(2), DecimalAtLeast("0"), DecimalBelow("9")).Required() },
		"price":   func(in *Reader) { in.Decimal("x", DecimalAbove("0"), DecimalAtMost("9"), DecimalStep("0.5")).Required() },
		"boolean": func(in *Reader) { in.Boolean("x").Required() },
		"date":    func(in *Reader) { in.Date("x").Required() },
		"instant": func(in *Reader) { in.Instant("x").Required() },
		"texts":   func(in *Reader) { in.Texts("x", Items[string](1, 2)).Required() },
		"keys":    func(in *Reader) { in.Keys("x", Items[int64](0, 2)).Required() },
		"words":   func(in *Reader) { in.Words("x", []string{"a"}).Required() },
	}
	cases := []struct {
		kind, good string
		bad        []string
	}{
		{"text", `"é1"`, []string{`""`, `"  "`, `"1234"`, `1`, `null`, `"\u0000"`, `"\ud800"`}},
		{"pattern", `"b"`, []string{`"ab"`, `"c"`}},
		{"choice", `"a"`, []string{`"c"`, `true`}},
		{"time", `"09:30"`, []string{`"9:30"`, `"24:00"`}},
		{"integer", `4`, []string{`4.0`, `"4"`, `true`, `1`, `8`, `3`, `1e1`, `9007199254740993`}},
		{"number", `0.25`, []string{`0`, `1.25`, `0.3`, `"0.25"`, `1e999`}},
		{"decimal", `1.25`, []string{`1.255`, `-1`, `9`, `1e13`, `"1"`}},
		{"price", `0.5`, []string{`0`, `9.5`, `0.7`}},
		{"boolean", `true`, []string{`1`, `"true"`}},
		{"date", `"2026-01-31"`, []string{`"2026-02-30"`, `"31.01.2026"`, `1`, `"0000-01-01"`}},
		{"instant", `"2026-01-31T09:30"`, []string{`"2026-01-31"`, `"2026-01-31T25:00:00Z"`, `"2026-01-31T09:30.5Z"`, `"0001-01-01T00:00:00+10:00"`}},
		{"texts", `["a"]`, []string{`[]`, `["a","b","c"]`, `[""]`, `"a"`, `[1]`}},
		{"keys", `[2,1,2]`, []string{`[1,2,3]`, `["1"]`}},
		{"words", `["a"]`, []string{`["b"]`, `null`}},
	}
	for _, one := range cases {
		if member(t, one.good, takes[one.kind]) {
			t.Errorf("%s refuses %s", one.kind, one.good)
		}
		for _, bad := range one.bad {
			if !member(t, bad, takes[one.kind]) {
				t.Errorf("%s takes %s", one.kind, bad)
			}
		}
	}
}

func TestWhatMayBeLeftOut(t *testing.T) {
	in := Query(url.Values{"a": {"1", "2"}})
	if in.Integer("a").Required() != 2 || in.Integer("b").Or(3) != 3 || *in.Integer("b").OptionalOr(4) != 4 {
		t.Error("the last counts, and defaults fill")
	}
	if in.Integer("b").Change().Given || in.Integer("b").NullableChange().Given || in.Texts("b").ListChange().Given {
		t.Error("nothing was given")
	}
	if len(in.Texts("b").OrNone()) != 0 || !in.Integer("a").Change().Given || in.Err() != nil {
		t.Error("lists may be left out")
	}
	in.Integer("b").Required()
	var found *problem.Problem
	if !errors.As(in.Err(), &found) || found.Status != 422 || found.Errors[0].Field != "b" {
		t.Errorf("%v", in.Err())
	}
	if member(t, "null", func(in *Reader) { in.Decimal("x").NullableChange() }) {
		t.Error("null may be a change")
	}
	if !member(t, "null", func(in *Reader) { in.Decimal("x").Or(decimal.Zero) }) {
		t.Error("null is no default")
	}
}
