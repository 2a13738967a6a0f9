package alertstack

import (
	"encoding/json"
	"net/http"
	"time"
)

// Notification is what Alertmanager posts to a webhook, version 4, as far as it is
// used here.
type Notification struct {
	// Receiver is the receiver's name in alertmanager.yml.
	Receiver string `json:"receiver"`
	// Status is "firing" while any of the alerts is, and "resolved" after.
	Status      string            `json:"status"`
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []Alert           `json:"alerts"`
}

// Alert is one alert of a notification.
type Alert struct {
	// Status is "firing" or "resolved".
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
}

// Webhook returns a handler that reads Alertmanager's notifications, whatever the
// path, and gives each to receive, which may be called by several goroutines at
// once.
func Webhook(receive func(Notification)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n Notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		receive(n)
	})
}
