// Package rulescale makes Prometheus rules, PromQL and Alertmanager
// configurations run faster or slower than written, by multiplying every duration
// in their text with one factor. A test or a demo can so watch in a minute what
// takes an hour, and still run the shipped files and no copy of them.
//
// Only durations change. That keeps the meaning of rules whose thresholds are
// counts or ratios; a threshold in seconds would have to change too and does not.
package rulescale

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

const duration = `(?:\d+(?:ms|[smhdwy]))+`

var (
	// A range such as [5m], or a subquery such as [6h:1m] or [6h:].
	ranges  = regexp.MustCompile(`\[\s*` + duration + `\s*(?::\s*(?:` + duration + `)?\s*)?\]`)
	offsets = regexp.MustCompile(`\boffset\s+-?\s*` + duration + `\b`)
	fields  = regexp.MustCompile(`(?m)^\s*(?:-\s+)?(?:for|keep_firing_for|interval|query_offset|group_wait|group_interval|repeat_interval):\s*["']?` + duration + `\b`)
	single  = regexp.MustCompile(`\b` + duration + `\b`)
	parts   = regexp.MustCompile(`(\d+)(ms|[smhdwy])`)
)

// As PromQL has them: a year is 365 days, a week 7, and a day 24 h.
var units = map[string]time.Duration{
	"ms": time.Millisecond,
	"s":  time.Second,
	"m":  time.Minute,
	"h":  time.Hour,
	"d":  24 * time.Hour,
	"w":  7 * 24 * time.Hour,
	"y":  365 * 24 * time.Hour,
}

// Expr multiplies the ranges, subqueries and offsets in PromQL, and leaves all
// other text as it is. The results are whole milliseconds, and at least one of
// them unless the duration is 0.
func Expr(text string, factor float64) string {
	return scaleIn(scaleIn(text, ranges, factor), offsets, factor)
}

// YAML does what Expr does, anywhere in a rule file or an Alertmanager
// configuration (in expressions, and in templates that query), and multiplies the
// fields that hold a duration too.
func YAML(text string, factor float64) string {
	return scaleIn(Expr(text, factor), fields, factor)
}

// Duration multiplies one duration as Expr does.
func Duration(d time.Duration, factor float64) time.Duration {
	if d == 0 {
		return 0
	}
	scaled := time.Duration(math.Round(float64(d)*factor/float64(time.Millisecond))) * time.Millisecond
	return max(scaled, time.Millisecond)
}

// scaleIn multiplies the durations within whatever context matches.
func scaleIn(text string, context *regexp.Regexp, factor float64) string {
	return context.ReplaceAllStringFunc(text, func(match string) string {
		return single.ReplaceAllStringFunc(match, func(literal string) string {
			return Format(Duration(parse(literal), factor))
		})
	})
}

// Format writes a duration of whole milliseconds so that Prometheus and
// Alertmanager can read it.
func Format(d time.Duration) string {
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// parse reads a literal that matched duration.
func parse(literal string) time.Duration {
	var total time.Duration
	for _, part := range parts.FindAllStringSubmatch(literal, -1) {
		n, _ := strconv.Atoi(part[1]) // digits and nothing else
		total += time.Duration(n) * units[part[2]]
	}
	return total
}
