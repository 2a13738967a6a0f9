package rulescale

import (
	"testing"
	"time"
)

func TestExprScalesDurationsAndNothingElse(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a range", `rate(m[5m])`, `rate(m[5000ms])`},
		{"a subquery", `max_over_time(m[6h:1m])`, `max_over_time(m[360000ms:1000ms])`},
		{"a subquery without a step", `max_over_time(m[1h:])`, `max_over_time(m[60000ms:])`},
		{"spaces in a range", `m[ 1m : 30s ]`, `m[ 1000ms : 500ms ]`},
		{"an offset", `m offset 15m`, `m offset 15000ms`},
		{"an offset into the future", `m offset -1d`, `m offset -1440000ms`},
		{"an offset after a range", `m[2d] offset 1d`, `m[2880000ms] offset 1440000ms`},
		{"a duration of several units", `m[1h30m]`, `m[90000ms]`},
		{"what would become nothing", `m[1ms]`, `m[1ms]`},
		{"a name that ends like a duration", `rocketchat_import:records:rate5m`, `rocketchat_import:records:rate5m`},
		{"numbers", `m > 100 and m > 0.05 and m == 1e3`, `m > 100 and m > 0.05 and m == 1e3`},
		{"a pattern", `m{code=~"[45].."}`, `m{code=~"[45].."}`},
		{"prose", `stalled for 15m`, `stalled for 15m`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Expr(test.text, 1.0/60); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestYAMLScalesFieldsAndExpressions(t *testing.T) {
	const text = `
groups:
  - name: g # for: 5m
    interval: 30s
    rules:
      - alert: A
        expr: |
          m[5m] offset 1h > 3
        for: 5m
        keep_firing_for: "1h"
        annotations:
          summary: It stood still for 15m, or for: 15m.
          description: '{{ printf "m[10m]" | query }}'
route:
  group_wait: 0s
  group_interval: 5m
  repeat_interval: 12h
`
	const want = `
groups:
  - name: g # for: 5m
    interval: 500ms
    rules:
      - alert: A
        expr: |
          m[5000ms] offset 60000ms > 3
        for: 5000ms
        keep_firing_for: "60000ms"
        annotations:
          summary: It stood still for 15m, or for: 15m.
          description: '{{ printf "m[10000ms]" | query }}'
route:
  group_wait: 0ms
  group_interval: 5000ms
  repeat_interval: 720000ms
`
	if got := YAML(text, 1.0/60); got != want {
		t.Errorf("got %s", got)
	}
}

func TestAFactorOfOneKeepsEveryDuration(t *testing.T) {
	for unit, d := range units {
		if got := parse("1" + unit); got != d {
			t.Errorf("1%s is read as %s", unit, got)
		}
		if got := Duration(d, 1); got != d {
			t.Errorf("%s becomes %s", d, got)
		}
	}
}

func TestDurationRoundsToMilliseconds(t *testing.T) {
	for _, test := range []struct {
		d, want time.Duration
		factor  float64
	}{
		{time.Minute, time.Second, 1.0 / 60},
		{time.Second, 333 * time.Millisecond, 1.0 / 3},
		{time.Second, time.Millisecond, 1e-9},
		{0, 0, 5},
		{time.Second, 2 * time.Second, 2},
	} {
		if got := Duration(test.d, test.factor); got != test.want {
			t.Errorf("%s times %v is %s, want %s", test.d, test.factor, got, test.want)
		}
	}
}
