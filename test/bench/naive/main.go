// Command naive is the exporter that somebody would write in an hour: at each scrape it calls
// getImportFileData, decodes the whole reply with encoding/json and counts. With -throw-away it
// drops what it reads, which is the least that a read can cost. It exists to be measured: it
// destroys the import that it watches.
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

	http.HandleFunc("/-/ready", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequest(http.MethodGet, *url+"/api/v1/getImportFileData", nil)
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("X-User-Id", *userID)
		request.Header.Set("X-Auth-Token", os.Getenv("ROCKETCHAT_AUTH_TOKEN"))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close()
		if *throwAway {
			n, _ := io.Copy(io.Discard, response.Body) // the bench knows how many bytes there are
			fmt.Fprintf(w, "read_bytes %d\n", n)
			return
		}
		var data fileData
		if err := json.NewDecoder(response.Body).Decode(&data); err != nil {
			log.Fatal(err)
		}
		fmt.Fprintf(w, "rocketchat_import_users %d\n", len(data.Users))
		fmt.Fprintf(w, "rocketchat_import_channels %d\n", len(data.Channels))
		fmt.Fprintf(w, "rocketchat_import_messages %d\n", data.MessageCount)
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
