package config

import "slices"

// Mode says when the selection is read. Only getImportFileData returns it.
type Mode string

const (
	// OnChange reads the selection when an operation is first seen waiting for
	// its selection, and again when its staged counts have changed and settled.
	OnChange Mode = "on-change"
	// EachScrape reads it at every scrape of an operation that waits for its selection.
	EachScrape Mode = "each-scrape"
	// Never does not read it.
	Never Mode = "never"
	// Unguarded calls getImportFileData at every scrape without knowing the
	// step. THIS WIPES A RUNNING IMPORT. It is for servers that offer no other
	// endpoint.
	Unguarded Mode = "unguarded"
)

// Modes returns all modes.
func Modes() []Mode { return []Mode{OnChange, EachScrape, Never, Unguarded} }

// Valid reports whether m is one of [Modes].
func (m Mode) Valid() bool { return slices.Contains(Modes(), m) }
