package rocketchatsim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"
)

// reply is an answer that is decided under the server's lock and written after.
type reply struct {
	status int
	write  func(*bufio.Writer)
}

func (p reply) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	body := bufio.NewWriterSize(w, 32<<10)
	p.write(body)
	// A client that hung up is no business of the simulation.
	_ = body.Flush()
}

// raw answers text that is JSON already.
func raw(status int, body string) reply {
	return reply{status, func(w *bufio.Writer) { w.WriteString(body) }}
}

// streamed answers 200 with what write writes.
func streamed(write func(*bufio.Writer)) reply {
	return reply{http.StatusOK, write}
}

// apiError answers a Meteor error as Rocket.Chat's API renders it.
func apiError(errorType, message, details string) reply {
	return raw(http.StatusBadRequest, fmt.Sprintf(`{"success":false,"error":%s,"errorType":%s,"details":%s}`,
		quote(message+" ["+errorType+"]"), quote(errorType), quote(details)))
}

func operationNotFound(endpoint string) reply {
	return apiError("error-operation-not-found", "Import Operation Not Found", endpoint)
}

func operationInvalid(endpoint string) reply {
	return apiError("error-import-operation-invalid", "Invalid Import Operation", endpoint)
}

func importerNotDefined(key, endpoint string) reply {
	return apiError("error-importer-not-defined", "The importer "+key+" is not defined", endpoint)
}

// unauthorized refuses a wrong token. Each generation shows one of the three
// bodies that were seen.
func unauthorized(generation Generation) reply {
	switch generation {
	case Early3:
		return raw(http.StatusUnauthorized, `{"status":"error","message":"You must be logged in to do this."}`)
	case Classic:
		return raw(http.StatusUnauthorized, `{"success":false,"error":"unauthorized"}`)
	default:
		return raw(http.StatusUnauthorized, `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`)
	}
}

// forbidden refuses a user without the permission.
func forbidden(generation Generation, endpoint string) reply {
	if generation == Early3 {
		return apiError("error-action-not-allowed", "Importing is not allowed", endpoint)
	}
	return raw(http.StatusForbidden, `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`)
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
