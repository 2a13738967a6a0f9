package watch

import (
	"errors"

	"rocketchat_import_exporter/client"
)

// ReadResult says how one call of getImportFileData ended.
type ReadResult string

const (
	// ReadOK means that a selection came.
	ReadOK ReadResult = "success"
	// ReadWaiting means that Rocket.Chat is still preparing the file.
	ReadWaiting ReadResult = "waiting"
	// ReadFailed means that the request was sent and no selection came.
	ReadFailed ReadResult = "failed"
	// ReadNotSent means that nothing was sent, since somebody could have pressed start before the
	// request arrived.
	ReadNotSent ReadResult = "not_sent"
)

// ReadResults returns all results, in a fixed order.
func ReadResults() []ReadResult { return []ReadResult{ReadOK, ReadWaiting, ReadFailed, ReadNotSent} }

// resultOf says how a call that returned data and err ended.
func resultOf(data client.FileData, err error) ReadResult {
	switch {
	case errors.Is(err, client.ErrNotSent):
		return ReadNotSent
	case err != nil:
		return ReadFailed
	case data.Waiting:
		return ReadWaiting
	default:
		return ReadOK
	}
}
