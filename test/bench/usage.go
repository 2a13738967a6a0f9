package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	peakMemory     = "VmHWM"
	residentMemory = "VmRSS"
)

// memory reads a figure of /proc/pid/status, in bytes.
func memory(pid int, figure string) (int64, error) {
	file := fmt.Sprintf("/proc/%d/status", pid)
	status, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, figure+":"); ok {
			kB, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kB << 10, err
		}
	}
	return 0, fmt.Errorf("%s does not tell %s", file, figure)
}
