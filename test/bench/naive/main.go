// Command naive is the exporter that one would write in an hour: at each scrape
// it calls getImportFileData, decodes all of the reply with encoding/json and
// counts. It is here to be measured, and harms what it watches.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// fileData is a reply of getImportFileData.
type fileData struct {
	Users        []user    `json:"users"`
	Channels     []channel `json:"channels"`
	MessageCount int       `json:"message_count"`
	Success      bool      `json:"success"`
}

type user struct {
	ID           string `json:"user_id"`
	Username     string `json:"username"`
	Email        string `json:"email"`
	IsDeleted    bool   `json:"is_deleted"`
	IsBot        bool   `json:"is_bot"`
	DoImport     bool   `json:"do_import"`
	IsEmailTaken bool   `json:"is_email_taken"`
}

type channel struct {
	ID         string `json:"channel_id"`
	Name       string `json:"name"`
	IsArchived bool   `json:"is_archived"`
	DoImport   bool   `json:"do_import"`
	IsPrivate  bool   `json:"is_private"`
	IsDirect   bool   `json:"is_direct"`
}

var (
	upDesc       = prometheus.NewDesc("rocketchat_import_up", "1 if the reply could be read.", nil, nil)
	usersDesc    = prometheus.NewDesc("rocketchat_import_users", "Users.", nil, nil)
	channelsDesc = prometheus.NewDesc("rocketchat_import_channels", "Channels.", nil, nil)
	messagesDesc = prometheus.NewDesc("rocketchat_import_messages", "Messages.", nil, nil)
	byFlagDesc   = prometheus.NewDesc("rocketchat_import_users_by_flag", "Users by flag.", []string{"flag"}, nil)
)

type collector struct{ url, userID, token string }

func (c collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	data, err := c.read()
	if err != nil {
		log.Print(err)
		gauge(upDesc, 0)
		return
	}
	gauge(upDesc, 1)
	gauge(usersDesc, len(data.Users))
	gauge(channelsDesc, len(data.Channels))
	gauge(messagesDesc, data.MessageCount)
	var deleted, bot, taken, excluded int
	for _, u := range data.Users {
		count(&deleted, u.IsDeleted)
		count(&bot, u.IsBot)
		count(&taken, u.IsEmailTaken)
		count(&excluded, !u.DoImport)
	}
	gauge(byFlagDesc, deleted, "deleted")
	gauge(byFlagDesc, bot, "bot")
	gauge(byFlagDesc, taken, "email_taken")
	gauge(byFlagDesc, excluded, "excluded")
}

func count(n *int, flag bool) {
	if flag {
		*n++
	}
}

func (c collector) read() (data fileData, err error) {
	request, err := http.NewRequest(http.MethodGet, c.url+"/api/v1/getImportFileData", nil)
	if err != nil {
		return data, err
	}
	request.Header.Set("X-User-Id", c.userID)
	request.Header.Set("X-Auth-Token", c.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return data, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return data, fmt.Errorf("getImportFileData: %s", response.Status)
	}
	return data, json.NewDecoder(response.Body).Decode(&data)
}

func main() {
	url := flag.String("url", "", "base URL of the workspace")
	userID := flag.String("user-id", "", "id of the user whose token is in ROCKETCHAT_AUTH_TOKEN")
	listen := flag.String("listen", "", "address to listen on")
	flag.Parse()

	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{*url, *userID, os.Getenv("ROCKETCHAT_AUTH_TOKEN")})
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	http.HandleFunc("/{$}", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
