package rocketchatsim

import "net/http"

// Generation is a range of Rocket.Chat versions that answer alike. It is nothing
// but traits: a new generation is one more literal below. The code asks for a
// trait and never for a generation. The zero value means Latest.
type Generation struct {
	name string

	// selectionInRecord keeps the selection in the record's fileData. It has no name, its channels
	// have a creator, and its flags is_email_taken and do_import vary. Otherwise the selection is
	// staged: no read of getImportFileData leaves the record alone, and these two flags never vary.
	selectionInRecord bool
	// numericTS sends ts as a number of milliseconds and not as an ISO string.
	numericTS bool
	// nullOperation sends a null where there is no import. Otherwise the field is missing.
	nullOperation bool
	// contacts counts contacts and has them in the selection.
	contacts bool
	// saveEvery is after how many users, channels or contacts progress is saved.
	// For messages it is always 500.
	saveEvery int
	// saveFilesEvery is the same for pending files and avatars.
	saveFilesEvery int
	// unauthorized refuses a wrong token, with status 401.
	unauthorized string
	// forbidden, with forbiddenStatus, refuses a user without the permission run-import.
	forbidden       string
	forbiddenStatus int
}

var (
	// Early3 is 3.0 to 3.13.
	Early3 = Generation{
		name:              "early3",
		selectionInRecord: true,
		numericTS:         true,
		saveEvery:         500,
		saveFilesEvery:    500,
		unauthorized:      `{"status":"error","message":"You must be logged in to do this."}`,
		forbidden: `{"success":false,"error":"Importing is not allowed [error-action-not-allowed]",` +
			`"errorType":"error-action-not-allowed","details":{"action":"Importing"}}`,
		forbiddenStatus: http.StatusBadRequest,
	}
	// Middle is 3.14 to 6.2.
	Middle = Generation{
		name:            "middle",
		numericTS:       true,
		saveEvery:       500,
		saveFilesEvery:  500,
		unauthorized:    `{"status":"error","message":"You must be logged in to do this."}`,
		forbidden:       `{"success":false,"error":"not_authorized","errorType":"not_authorized"}`,
		forbiddenStatus: http.StatusBadRequest,
	}
	// Classic is 6.3 to 7. The recorded replies are of this generation.
	Classic = Generation{
		name:            "classic",
		saveEvery:       50,
		saveFilesEvery:  500,
		unauthorized:    `{"success":false,"error":"unauthorized"}`,
		forbidden:       noPermission,
		forbiddenStatus: http.StatusForbidden,
	}
	// Latest is 8.
	Latest = Generation{
		name:            "latest",
		nullOperation:   true,
		contacts:        true,
		saveEvery:       50,
		saveFilesEvery:  50,
		unauthorized:    `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`,
		forbidden:       noPermission,
		forbiddenStatus: http.StatusForbidden,
	}
)

const noPermission = `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`

// Generations returns every generation, oldest first.
func Generations() []Generation { return []Generation{Early3, Middle, Classic, Latest} }

// String returns a name fit for a subtest.
func (g Generation) String() string { return g.name }

// saveRange is after how many records of the kind progress is saved.
func (g Generation) saveRange(kind Kind) int {
	switch kind {
	case Messages:
		return 500
	case Files:
		return g.saveFilesEvery
	}
	return g.saveEvery
}
