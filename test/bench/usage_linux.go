package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is how much CPU time a process has used: Linux has a clock for each.
func cpuTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED: what the scheduler counts, in nanoseconds
	var ts unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|scheduled), &ts)
	return time.Duration(ts.Nano()), err
}
