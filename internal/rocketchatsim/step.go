package rocketchatsim

import "strings"

// The steps of an import, as operation.status spells them.
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

// Steps returns the 20 steps that Rocket.Chat has, in the order in which an import takes them.
func Steps() []string {
	return []string{
		StepNew, StepUploading, StepDownloadingFile, StepFileLoaded,
		StepPreparingStarted, StepPreparingUsers, StepPreparingContacts, StepPreparingChannels, StepPreparingMessages,
		StepUserSelection,
		StepImportingStarted, StepImportingUsers, StepImportingContacts, StepImportingChannels, StepImportingMessages, StepImportingFiles,
		StepFinishing, StepDone, StepImportFailed, StepImportCancelled,
	}
}

// isWaiting says whether getImportFileData answers {"waiting": true} in this step.
func isWaiting(step string) bool {
	return step == StepDownloadingFile || strings.HasPrefix(step, "importer_preparing_")
}

// isRunning says whether records are imported in this step.
func isRunning(step string) bool {
	return strings.HasPrefix(step, "importer_importing_") || step == StepFinishing
}

// isOver says whether the import has ended, well or badly.
func isOver(step string) bool {
	return step == StepDone || step == StepImportFailed || step == StepImportCancelled
}

// isPrepared says whether the preparation is over in this step.
func isPrepared(step string) bool {
	return step == StepUserSelection || isRunning(step) || isOver(step)
}
