package main

import (
	"io"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// newLogger writes lines to w as the settings say.
func newLogger(s *settings, w io.Writer) log.Logger {
	w = log.NewSyncWriter(w)
	logger := log.NewLogfmtLogger(w)
	if s.logFormat == "json" {
		logger = log.NewJSONLogger(w)
	}
	logger = level.NewFilter(logger, level.Allow(level.ParseDefault(s.logLevel, level.InfoValue())))
	return log.With(logger, "ts", log.DefaultTimestampUTC)
}
