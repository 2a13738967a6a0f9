// Command throwaway reads the selection whenever it is asked, and throws it
// away: the least that reading it can cost in Go without trying hard.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	url := flag.String("url", "", "base URL of the workspace")
	userID := flag.String("user-id", "", "id of the user whose token is in ROCKETCHAT_AUTH_TOKEN")
	listen := flag.String("listen", "", "address to listen on")
	flag.Parse()

	request, err := http.NewRequest(http.MethodGet, *url+"/api/v1/getImportFileData", nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("X-User-Id", *userID)
	request.Header.Set("X-Auth-Token", os.Getenv("ROCKETCHAT_AUTH_TOKEN"))
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		response, err := http.DefaultClient.Do(request.Clone(r.Context()))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		n, err := io.Copy(io.Discard, response.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, "read_bytes %d\n", n)
	})
	http.HandleFunc("/{$}", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
