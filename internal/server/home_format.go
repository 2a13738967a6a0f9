package server

import (
	"strconv"
	"time"
)

// grouped writes n with a comma before each three digits.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// number writes a number of things, which a final s makes many.
func number[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(int64(n)) + " " + thing + "s"
}

// span writes a duration in one unit, of which there are at least two unless it is the second.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return number(int64(d/time.Second), "second")
	case d < 2*time.Hour:
		return number(int64(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return number(int64(d/time.Hour), "hour")
	default:
		return number(int64(d/(24*time.Hour)), "day")
	}
}

// perTime writes a speed, of records in each second, in a unit that makes it more than one.
func perTime(speed float64) string {
	switch {
	case speed >= 1:
		return number(int64(speed+0.5), "record") + " a second"
	case speed >= 1./60:
		return number(int64(speed*60+0.5), "record") + " a minute"
	default:
		return number(int64(speed*3600+0.5), "record") + " an hour"
	}
}

// moment is a time that is shown relative to now.
type moment struct {
	// Text is relative.
	Text string
	at   time.Time
}

// past returns the moment at, which was so long ago by the clock that at is of.
func past(at time.Time, ago time.Duration) *moment {
	return &moment{span(max(ago, 0)) + " ago", at}
}

// DateTime is the time for a machine.
func (m moment) DateTime() string { return m.at.UTC().Format(time.RFC3339) }

// Title is the time for a person.
func (m moment) Title() string { return m.at.UTC().Format("2006-01-02 15:04:05 UTC") }
