package collector

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"rocketchat_import_exporter/client"
)

// API counts the exporter's calls of Rocket.Chat's API. It is safe for concurrent use.
type API struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	bytes     *prometheus.CounterVec
	remaining *prometheus.GaugeVec
}

// NewAPI returns counters at zero.
func NewAPI() *API {
	registry := prometheus.NewRegistry()
	with := promauto.With(registry)
	a := &API{
		registry: registry,
		requests: with.NewCounterVec(prometheus.CounterOpts{
			Name: "rocketchat_import_api_requests_total",
			Help: "Calls of Rocket.Chat's API by endpoint and HTTP status; code is \"none\" if no answer came.",
		}, []string{"endpoint", "code"}),
		duration: with.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rocketchat_import_api_request_duration_seconds",
			Help:    "Duration of calls of Rocket.Chat's API, to the end of the body.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"endpoint"}),
		bytes: with.NewCounterVec(prometheus.CounterOpts{
			Name: "rocketchat_import_api_response_bytes_total",
			Help: "Bytes of the bodies of answers of Rocket.Chat's API that were read, before decompression.",
		}, []string{"endpoint"}),
		remaining: with.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rocketchat_import_api_rate_limit_remaining",
			Help: "Calls that the last answer still allows within the window of the rate limit; absent if it does not say.",
		}, []string{"endpoint"}),
	}
	// So that increase() sees the first refusal too.
	a.requests.WithLabelValues(string(client.EndpointCurrentOperation), "429")
	return a
}

// Observe counts one call. It is what client.Config.Observe takes.
func (a *API) Observe(call client.Call) {
	endpoint, code := string(call.Endpoint), "none"
	if call.Status != 0 {
		code = strconv.Itoa(call.Status)
	}
	a.requests.WithLabelValues(endpoint, code).Inc()
	a.duration.WithLabelValues(endpoint).Observe(call.Duration.Seconds())
	a.bytes.WithLabelValues(endpoint).Add(float64(call.Bytes))
	switch {
	case call.RateLimitRemaining.Known:
		a.remaining.WithLabelValues(endpoint).Set(float64(call.RateLimitRemaining.Value))
	case call.Status != 0:
		a.remaining.DeleteLabelValues(endpoint)
	}
}
