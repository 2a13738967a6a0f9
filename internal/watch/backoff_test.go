package watch

import (
	"testing"
	"time"

	"rocketchat_import_exporter/client"
)

func TestBackoff(t *testing.T) {
	tests := []struct {
		rule  string
		reset time.Time
		want  time.Duration
	}{
		{"lasts until the reset", epoch.Add(30 * time.Second), 30 * time.Second},
		{"lasts for two minutes at most", epoch.Add(time.Hour), 2 * time.Minute},
		{"lasts for a minute if the reset is past", epoch.Add(-time.Second), time.Minute},
		{"lasts for a minute if the reset is now", epoch, time.Minute},
		{"lasts for a minute if the server does not say", time.Time{}, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			b := backoff{}
			b.until(client.EndpointCurrentOperation, test.reset, epoch)
			if !b.active(client.EndpointCurrentOperation, epoch.Add(test.want-1)) {
				t.Error("ends too early")
			}
			if b.active(client.EndpointCurrentOperation, epoch.Add(test.want)) {
				t.Error("ends too late")
			}
			if b.active(client.EndpointFileData, epoch) {
				t.Error("holds for another endpoint")
			}
		})
	}
}
