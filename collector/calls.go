package collector

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"rocketchat_import_exporter/client"
)

// Calls counts what our own calls of Rocket.Chat's API cost. It is safe for
// concurrent use.
type Calls struct {
	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	bytes     *prometheus.CounterVec
	remaining *prometheus.GaugeVec
}

// NewCalls returns counters at zero.
func NewCalls() *Calls {
	return &Calls{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rocketchat_import_api_requests_total",
			Help: "Calls of Rocket.Chat's API by endpoint and HTTP status; code is none where no answer came.",
		}, []string{"endpoint", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rocketchat_import_api_request_duration_seconds",
			Help:    "How long calls of Rocket.Chat's API took, to the end of the body.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"endpoint"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rocketchat_import_api_response_bytes_total",
			Help: "Bytes of the bodies that Rocket.Chat's API answered, as far as they were read, before decompression.",
		}, []string{"endpoint"}),
		remaining: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rocketchat_import_api_rate_limit_remaining",
			Help: "How many more calls the last answer allows within the rate limit's window; absent where it does not say.",
		}, []string{"endpoint"}),
	}
}

// Observe counts one call. It is what client.Config.Observe takes.
func (c *Calls) Observe(call client.Call) {
	endpoint, code := string(call.Endpoint), "none"
	if call.Status != 0 {
		code = strconv.Itoa(call.Status)
	}
	c.requests.WithLabelValues(endpoint, code).Inc()
	c.duration.WithLabelValues(endpoint).Observe(call.Duration.Seconds())
	c.bytes.WithLabelValues(endpoint).Add(float64(call.Bytes))
	switch {
	case call.RateLimitRemaining.Known:
		c.remaining.WithLabelValues(endpoint).Set(float64(call.RateLimitRemaining.Value))
	case call.Status != 0:
		c.remaining.DeleteLabelValues(endpoint)
	}
}

// Describe implements [prometheus.Collector].
func (c *Calls) Describe(ch chan<- *prometheus.Desc) {
	for _, collector := range c.collectors() {
		collector.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (c *Calls) Collect(ch chan<- prometheus.Metric) {
	for _, collector := range c.collectors() {
		collector.Collect(ch)
	}
}

func (c *Calls) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.requests, c.duration, c.bytes, c.remaining}
}
