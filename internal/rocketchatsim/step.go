package rocketchatsim

import "strings"

// The steps of an import, as operation.status and getImportProgress spell them.
const (
	StepNew               = "importer_new"
	StepUploading         = "importer_uploading"
	StepDownloadingFile   = "importer_downloading_file"
	StepFileLoaded        = "importer_file_loaded"
	StepPreparingStarted  = "importer_preparing_started"
	StepPreparingUsers    = "importer_preparing_users"
	StepPreparingChannels = "importer_preparing_channels"
	StepPreparingMessages = "importer_preparing_messages"
	StepPreparingContacts = "importer_preparing_contacts"
	StepUserSelection     = "importer_user_selection"
	StepImportingStarted  = "importer_importing_started"
	StepImportingUsers    = "importer_importing_users"
	StepImportingChannels = "importer_importing_channels"
	StepImportingMessages = "importer_importing_messages"
	StepImportingContacts = "importer_importing_contacts"
	StepImportingFiles    = "importer_importing_files"
	StepFinishing         = "importer_finishing"
	StepDone              = "importer_done"
	StepImportFailed      = "importer_import_failed"
	StepImportCancelled   = "importer_import_cancelled"
)

const (
	preparingPrefix = "importer_preparing_"
	importingPrefix = "importer_importing_"
)

// Steps lists the 20 steps known today, in the order an import takes them.
func Steps() []string {
	return []string{
		StepNew, StepUploading, StepDownloadingFile, StepFileLoaded,
		StepPreparingStarted, StepPreparingUsers, StepPreparingChannels, StepPreparingMessages, StepPreparingContacts,
		StepUserSelection,
		StepImportingStarted, StepImportingUsers, StepImportingChannels, StepImportingMessages, StepImportingContacts, StepImportingFiles,
		StepFinishing, StepDone, StepImportFailed, StepImportCancelled,
	}
}

// isWaiting says whether getImportFileData answers {"waiting": true} in this step.
func isWaiting(step string) bool {
	return step == StepDownloadingFile || strings.HasPrefix(step, preparingPrefix)
}

// isOver says whether the import has come to its end, good or bad.
func isOver(step string) bool {
	return step == StepDone || step == StepImportFailed || step == StepImportCancelled
}

// hasSelection says whether preparing is over in this step. A step never heard
// of counts as one where it is not.
func hasSelection(step string) bool {
	return step == StepUserSelection || strings.HasPrefix(step, importingPrefix) || step == StepFinishing || isOver(step)
}

// state is what import.status makes of an operation. It is "" for a step that
// the server's own mapping has no state for.
func state(step string, valid bool) string {
	switch {
	case !valid && step != StepDone:
		return "error"
	case step == StepNew:
		return "new"
	case step == StepUploading, step == StepFileLoaded, isWaiting(step):
		return "loading"
	case step == StepUserSelection:
		return "ready"
	case step == StepFinishing, strings.HasPrefix(step, importingPrefix):
		return "importing"
	case step == StepDone:
		return "done"
	case step == StepImportFailed:
		return "error"
	case step == StepImportCancelled:
		return "canceled"
	}
	return ""
}
