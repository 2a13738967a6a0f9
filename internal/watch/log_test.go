package watch

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-kit/log"

	"rocketchat_import_exporter/client"
)

func TestChangeLoggerLogsEachKindOfResultOnce(t *testing.T) {
	refused := &client.Error{Reason: client.Unauthorized, Status: 401, Hint: "check the token"}
	tests := []struct {
		rule  string
		errs  []error // nil for a call that succeeded
		lines int
	}{
		{"calls that succeed", []error{nil, nil}, 1},
		{"failures of the same reason and status", []error{refused, &client.Error{Reason: client.Unauthorized, Status: 401}}, 1},
		{"failures of another status", []error{refused, &client.Error{Reason: client.Unauthorized, Status: 403}}, 2},
		{"calls that were not sent, for whatever cause", []error{
			fmt.Errorf("%w: %w", client.ErrNotSent, errors.New("dial 1")), fmt.Errorf("%w: %w", client.ErrNotSent, errors.New("dial 2"))}, 1},
		{"a failure, a success, the same failure", []error{refused, nil, refused}, 3},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			var text strings.Builder
			l := changeLogger{logger: log.NewLogfmtLogger(&text)}
			for _, err := range test.errs {
				if err == nil {
					l.succeeded("good")
					continue
				}
				l.failed("bad", err)
			}
			if n := strings.Count(text.String(), "\n"); n != test.lines {
				t.Errorf("%d lines, want %d:\n%s", n, test.lines, &text)
			}
			if strings.Contains(test.rule, "status") && !strings.Contains(text.String(), `hint="check the token"`) {
				t.Errorf("no line says what to do:\n%s", &text)
			}
		})
	}
}
