package rocketchatsim

import "net/http"

// Generation is a range of Rocket.Chat versions that answer alike. The code asks for a trait and never
// for a generation, so a new one is one more literal below. The zero value means Latest.
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
	// contacts counts contacts, has them in the selection, and goes through their step in every import.
	contacts bool
	// saveEvery is after how many records progress is saved. For messages it is always 500.
	saveEvery int
	// unauthorized refuses a wrong token, with status 401.
	unauthorized string
	// forbidden, with forbiddenStatus, refuses a user without the permission run-import.
	// forbiddenFileData is the same for getImportFileData, if it differs.
	forbidden, forbiddenFileData string
	forbiddenStatus              int
	// invalidQuery is the errorType that refuses any query parameter; "" ignores them.
	invalidQuery string
	// detailsObject has the method in an object in an error's details.
	detailsObject bool
	// uuid names instances by UUIDs, and sends the headers that came with them.
	uuid bool
	// hono is the REST layer of 7.x and 8.x: it answers an unknown route with 404, looks at the
	// permission before the limit, and compresses nothing. It runs the GET handler for a HEAD.
	hono bool
}

var (
	// Early3 is 3.0 to 3.13. Its refusals are those of a whole 3.4.0.
	Early3 = Generation{
		name:              "early3",
		selectionInRecord: true,
		numericTS:         true,
		saveEvery:         500,
		unauthorized:      mustLogIn,
		forbidden:         notAuthorized,
		forbiddenFileData: `{"success":false,"error":"Importing is not allowed [error-action-not-allowed]",` +
			`"errorType":"error-action-not-allowed","details":{"method":"getImportFileData"}}`,
		forbiddenStatus: http.StatusBadRequest,
		detailsObject:   true,
	}
	// Middle is 3.14 to 6.2.
	Middle = Generation{
		name:            "middle",
		numericTS:       true,
		saveEvery:       500,
		unauthorized:    mustLogIn,
		forbidden:       notAuthorized,
		forbiddenStatus: http.StatusBadRequest,
	}
	// Classic is 6.3 to 6.14. The recorded replies are of this generation, and its refusals
	// are those of a whole 6.5.3.
	Classic = Generation{
		name:            "classic",
		saveEvery:       50,
		unauthorized:    mustLogIn,
		forbidden:       noPermission,
		forbiddenStatus: http.StatusForbidden,
		invalidQuery:    "invalid-params",
		uuid:            true,
	}
	// Latest is 7 and 8, by their sources. Where they differ it is 8.
	Latest = Generation{
		name:            "latest",
		nullOperation:   true,
		contacts:        true,
		saveEvery:       50,
		unauthorized:    `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`,
		forbidden:       noPermission,
		forbiddenStatus: http.StatusForbidden,
		invalidQuery:    "error-invalid-params",
		uuid:            true,
		hono:            true,
	}
)

const (
	mustLogIn     = `{"status":"error","message":"You must be logged in to do this."}`
	notAuthorized = `{"success":false,"error":"[not_authorized]","errorType":"not_authorized"}`
	noPermission  = `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`
)

// Generations returns every generation, oldest first.
func Generations() []Generation { return []Generation{Early3, Middle, Classic, Latest} }

// String returns a name fit for a subtest.
func (g Generation) String() string { return g.name }
