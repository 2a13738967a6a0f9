package diagnosis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSpanChoosesTheUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 119 * time.Second: "119 seconds", 2 * time.Minute: "2 minutes", 119 * time.Minute: "119 minutes",
		2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days", 1000 * 24 * time.Hour: "1,000 days",
	} {
		assert.Equal(t, want, Span(d))
	}
}
