package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// printTable begins a section and its table in Markdown.
func printTable(title, intro string, columns ...string) {
	fmt.Printf("\n### %s\n\n%s\n\n", title, intro)
	printRow(columns...)
	fmt.Println(strings.Repeat("|---", len(columns)) + "|")
}

func printRow(cells ...string) { fmt.Printf("| %s |\n", strings.Join(cells, " | ")) }

// latencies are how long scrapes took.
type latencies []time.Duration

// at is the latency that the given part of the scrapes does not exceed.
func (l latencies) at(part float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(l))[int(part*float64(len(l)-1))]
}

// milliseconds has two digits at least.
func milliseconds(d time.Duration) string {
	ms := d.Seconds() * 1e3
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func mebibytes[T int | int64 | float64](n T) string {
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// thousands writes a number with a comma at each thousand.
func thousands(n any) string { return message.NewPrinter(language.English).Sprint(n) }
