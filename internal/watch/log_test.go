package watch

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/client"
)

func TestChangeLoggerLogsEachKindOfResultOnce(t *testing.T) {
	refused := &client.Error{Reason: client.Unauthorized, Status: 401}
	notSent := func(cause string) error { return fmt.Errorf("%w: %w", client.ErrNotSent, errors.New(cause)) }
	for rule, test := range map[string]struct {
		errs  []error // nil for a call that succeeded
		lines int
	}{
		"calls that succeed":                           {[]error{nil, nil}, 1},
		"failures of the same reason and status":       {[]error{refused, &client.Error{Reason: client.Unauthorized, Status: 401}}, 1},
		"failures of another status":                   {[]error{refused, &client.Error{Reason: client.Unauthorized, Status: 403}}, 2},
		"calls that were not sent, for whatever cause": {[]error{notSent("dial 1"), notSent("dial 2")}, 1},
		"a failure, a success, the same failure":       {[]error{refused, nil, refused}, 3},
	} {
		t.Run(rule, func(t *testing.T) {
			var text strings.Builder
			l := changeLogger{logger: log.NewLogfmtLogger(&text)}
			for _, err := range test.errs {
				if err == nil {
					l.succeeded("good")
				} else {
					l.failed("bad", err)
				}
			}
			assert.Equal(t, test.lines, strings.Count(text.String(), "\n"), text.String())
		})
	}
}
