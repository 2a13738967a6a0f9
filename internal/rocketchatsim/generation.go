package rocketchatsim

// Generation is a range of Rocket.Chat versions that answer alike.
type Generation int

const (
	// Early3 is early 3.x. The operation record carries fileData, the whole
	// selection, once there is one. Timestamps are numbers of milliseconds. A
	// missing permission is a 400. There is no import.status.
	Early3 Generation = iota
	// Classic is 3.18 to 6.x; the recorded replies are of this generation.
	Classic
	// Latest is 8.x. The selection and the counts know contacts, and
	// getImportFileData refuses a failed import.
	Latest
)

// Generations lists every generation, oldest first.
func Generations() []Generation { return []Generation{Early3, Classic, Latest} }

// String returns a name fit for a subtest.
func (g Generation) String() string {
	switch g {
	case Early3:
		return "early3"
	case Classic:
		return "classic"
	case Latest:
		return "latest"
	}
	return "unknown"
}
