package diagnosis

import (
	"strconv"
	"time"
)

// Grouped writes n, which is at least 0, with a comma before each three digits.
func Grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Number writes a number of things, which a final s makes many.
func Number(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Grouped(n) + " " + thing + "s"
}

// Span writes a duration in one unit, of which there are at least two unless it is the second.
func Span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return Number(int64(d/time.Second), "second")
	case d < 2*time.Hour:
		return Number(int64(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return Number(int64(d/time.Hour), "hour")
	default:
		return Number(int64(d/(24*time.Hour)), "day")
	}
}

// Speed writes a speed, of records in each second, in a unit that makes it at least one.
func Speed(speed float64) string {
	unit := " a second"
	if speed < 1 {
		speed, unit = speed*60, " a minute"
	}
	if speed < 1 {
		speed, unit = speed*60, " an hour"
	}
	return Number(int64(speed+0.5), "record") + unit
}
