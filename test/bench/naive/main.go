// Command naive is the exporter that somebody would write in an hour: at each
// scrape it calls getImportFileData, decodes the whole reply with encoding/json
// and counts. With -throw-away it drops what it reads, which is the least that
// a read can cost. It exists to be measured: it destroys the import that it
// watches.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

// fileData is a reply of getImportFileData.
type fileData struct {
	Users []struct {
		ID           string `json:"user_id"`
		Username     string `json:"username"`
		Email        string `json:"email"`
		IsDeleted    bool   `json:"is_deleted"`
		IsBot        bool   `json:"is_bot"`
		DoImport     bool   `json:"do_import"`
		IsEmailTaken bool   `json:"is_email_taken"`
	} `json:"users"`
	Channels []struct {
		ID         string `json:"channel_id"`
		Name       string `json:"name"`
		IsArchived bool   `json:"is_archived"`
		DoImport   bool   `json:"do_import"`
		IsPrivate  bool   `json:"is_private"`
		IsDirect   bool   `json:"is_direct"`
	} `json:"channels"`
	MessageCount int `json:"message_count"`
}

func main() {
	url := flag.String("rocketchat.url", "", "base URL of the workspace")
	userID := flag.String("rocketchat.user-id", "", "id of the user whose token is in ROCKETCHAT_AUTH_TOKEN")
	listen := flag.String("web.listen-address", "", "address to listen on")
	throwAway := flag.Bool("throw-away", false, "do not look at the reply")
	flag.Parse()

	show := showCounts
	if *throwAway {
		show = showSize
	}
	http.HandleFunc("/-/ready", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		if err := read(w, *url, *userID, show); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}

func read(w io.Writer, url, userID string, show func(w io.Writer, reply io.Reader) error) error {
	request, err := http.NewRequest(http.MethodGet, url+"/api/v1/getImportFileData", nil)
	if err != nil {
		return err
	}
	request.Header.Set("X-User-Id", userID)
	request.Header.Set("X-Auth-Token", os.Getenv("ROCKETCHAT_AUTH_TOKEN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return show(w, response.Body)
}

func showSize(w io.Writer, reply io.Reader) error {
	n, err := io.Copy(io.Discard, reply)
	fmt.Fprintf(w, "read_bytes %d\n", n)
	return err
}

func showCounts(w io.Writer, reply io.Reader) error {
	var data fileData
	if err := json.NewDecoder(reply).Decode(&data); err != nil {
		return err
	}
	var excluded int
	for _, user := range data.Users {
		if !user.DoImport {
			excluded++
		}
	}
	fmt.Fprintf(w, "rocketchat_import_users %d\n", len(data.Users))
	fmt.Fprintf(w, "rocketchat_import_users_by_flag{flag=\"excluded\"} %d\n", excluded)
	fmt.Fprintf(w, "rocketchat_import_channels %d\n", len(data.Channels))
	fmt.Fprintf(w, "rocketchat_import_messages %d\n", data.MessageCount)
	return nil
}
