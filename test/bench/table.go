package main

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// table is a table in Markdown.
type table struct{ out io.Writer }

func newTable(out io.Writer, columns ...string) table {
	t := table{out}
	t.row(columns...)
	fmt.Fprintln(out, strings.Repeat("|---", len(columns))+"|")
	return t
}

func (t table) row(cells ...string) { fmt.Fprintf(t.out, "| %s |\n", strings.Join(cells, " | ")) }

func printMachine(out io.Writer) {
	fmt.Fprintf(out, "%s, %d cores, %s/%s, %s\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.*f ms", decimals(d.Seconds()*1e3), d.Seconds()*1e3)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// decimals is how many of them a figure needs to have two digits.
func decimals(n float64) int {
	if n < 10 {
		return 1
	}
	return 0
}

// thousands writes a number with a comma at each thousand.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
