package watch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/client"
)

func TestBackoff(t *testing.T) {
	for rule, test := range map[string]struct {
		reset time.Time
		want  time.Duration
	}{
		"lasts until the reset":                         {epoch.Add(30 * time.Second), 30 * time.Second},
		"lasts for two minutes at most":                 {epoch.Add(time.Hour), 2 * time.Minute},
		"lasts for a minute if the reset is now":        {epoch, time.Minute},
		"lasts for a minute if the server does not say": {time.Time{}, time.Minute},
	} {
		t.Run(rule, func(t *testing.T) {
			b := backoff{}
			b.until(client.EndpointCurrentOperation, test.reset, epoch)
			assert.True(t, b.active(client.EndpointCurrentOperation, epoch.Add(test.want-1)), "ends too early")
			assert.False(t, b.active(client.EndpointCurrentOperation, epoch.Add(test.want)), "ends too late")
			assert.False(t, b.active(client.EndpointFileData, epoch), "holds for another endpoint")
		})
	}
}
