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
	refused := func(status int) error { return &client.Error{Reason: client.Unauthorized, Status: status} }
	notSent := func(cause string) error { return fmt.Errorf("%w: %w", client.ErrNotSent, errors.New(cause)) }
	var text strings.Builder
	l := changeLogger{logger: log.NewLogfmtLogger(&text)}
	for i, test := range []struct {
		err    error // nil for a call that succeeds
		logged bool
	}{
		{nil, true}, {nil, false},
		{refused(401), true}, {refused(401), false},
		{refused(403), true}, // another status
		{nil, true}, {refused(403), true},
		{notSent("dial 1"), true}, {notSent("dial 2"), false}, // for whatever cause
	} {
		before := text.Len()
		if test.err == nil {
			l.succeeded("good")
		} else {
			l.failed("bad", test.err)
		}
		assert.Equal(t, test.logged, text.Len() > before, "result %d", i+1)
	}
}
