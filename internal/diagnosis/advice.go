package diagnosis

import (
	"strings"

	"rocketchat_import_exporter/client"
)

// source is where the records of an import come from.
type source int

const (
	file      source = iota // that somebody uploaded
	program                 // that calls the import API: the importer api
	downloads               // of what earlier imports left: pending-files and pending-avatars
)

func sourceOf(op *client.Operation) source {
	switch {
	case op.PendingDownloads():
		return downloads
	case op.Importer == "api":
		return program
	default:
		return file
	}
}

// remedies say how to import once more from each source: when nothing was imported, and when some was.
var remedies = []*strings.Replacer{
	file:      strings.NewReplacer("{start}", "upload the file again", "{repeat}", "import the same file again"),
	program:   strings.NewReplacer("{start}", programAgain, "{repeat}", programAgain),
	downloads: strings.NewReplacer("{start}", downloadAgain, "{repeat}", downloadAgain),
}

const (
	programAgain  = "let the program send its records as a new import"
	downloadAgain = "start the download on the import page again"
)

// advise returns an advice for imports from the source.
func (s source) advise(advice string) string { return remedies[s].Replace(advice) }

const (
	adviceStalled         = "Look at the log of Rocket.Chat, and at the load of Rocket.Chat and MongoDB. Do not restart Rocket.Chat to hurry it: a restart ends the import for good."
	adviceFileLoaded      = "Nobody has opened the import page, or Rocket.Chat could not open the file: look at its log. Nothing has been imported yet."
	adviceLoading         = "Look for an error in the log of Rocket.Chat. Nothing has been imported yet: you can {start}."
	adviceInterrupted     = "Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Find out why, then {repeat}. What was imported before is still there."
	adviceUnprepared      = "Rocket.Chat was restarted, another instance of the workspace was started, or import.clear was called. Nothing has been imported yet: {start}."
	adviceFailed          = "Look for the error in the log of Rocket.Chat. Fix the cause, then {repeat}. What was imported before is still there."
	adviceAborted         = "Another instance of the workspace was started, or import.clear was called, while the import ran. What was not imported by then is missing. Run one instance only, and {repeat}."
	adviceEnded           = "Rocket.Chat does not say which. Compare some of what was imported with where it came from. If something is missing, {repeat}."
	adviceSetBack         = "Another program called getImportFileData. Find it in the access log, and stop it. Do not press start on the import page until the runbook tells you to."
	adviceDownloadSetBack = "Another program called getImportFileData. Find it in the access log, and stop it. The download may still go on: wait until no more files or avatars appear. If some are missing then, start it again."
	adviceCleared         = "Somebody called import.clear. To import after all, {start}."
	adviceNothing         = "Upload the file again, and choose the importer of its kind."
	adviceDownloading     = "Rocket.Chat may save only every 500 files or avatars, so a long time without a save is normal."
)
