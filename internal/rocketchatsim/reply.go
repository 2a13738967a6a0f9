package rocketchatsim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
)

// reply is an answer that is decided under the server's lock and written after.
type reply struct {
	status      int
	contentType string
	write       func(*bufio.Writer)
}

func (p reply) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.contentType)
	w.WriteHeader(p.status)
	body := bufio.NewWriterSize(w, 32<<10)
	p.write(body)
	_ = body.Flush() // the client may have hung up
}

// raw answers a text.
func raw(status int, body string) reply {
	contentType := "application/json"
	if strings.HasPrefix(body, "<") {
		contentType = "text/html; charset=utf-8"
	}
	return reply{status, contentType, func(w *bufio.Writer) { w.WriteString(body) }}
}

// streamed answers 200 with the JSON that write writes.
func streamed(write func(*bufio.Writer)) reply {
	return reply{http.StatusOK, "application/json", write}
}

// apiError answers a Meteor error as Rocket.Chat's API renders it.
func apiError(errorType, message, details string) reply {
	return raw(http.StatusBadRequest, fmt.Sprintf(`{"success":false,"error":%s,"errorType":%s,"details":%s}`,
		quote(message+" ["+errorType+"]"), quote(errorType), quote(details)))
}

func tooManyRequests(wait time.Duration) reply {
	seconds := int(math.Ceil(wait.Seconds()))
	return raw(http.StatusTooManyRequests, fmt.Sprintf(
		`{"success":false,"error":"Error, too many requests. Wait %d seconds before calling this endpoint again. [error-too-many-requests]"}`, seconds))
}

// noSuchEndpoint answers a path that the server does not have, with 404, and a
// method that the endpoint does not have, with 405.
func noSuchEndpoint(status int) reply {
	return raw(status, `{"status":"error","message":"API endpoint does not exist."}`)
}

// quote returns s as a JSON string.
func quote(s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return quoted
}
