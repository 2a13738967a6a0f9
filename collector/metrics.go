package collector

import "github.com/prometheus/client_golang/prometheus"

// The descriptions of the metrics that a snapshot is shown as. What our own
// calls cost is described in calls.go.
var (
	upDesc = desc("up",
		"1 if this scrape got a usable answer from Rocket.Chat, of which that there never was an import is one.")
	authFailureDesc = desc("auth_failure",
		"1 if Rocket.Chat refused the call for the operation or the last read of its selection: unauthorized (user id or token) or forbidden (permission run-import).", "reason")
	failuresDesc = desc("scrape_failures_total",
		"Failures to get an answer from Rocket.Chat by reason.", "reason")
	durationDesc = desc("scrape_duration_seconds",
		"How long this snapshot of the import took, the wait for a selection included.")

	usersDesc = desc("users",
		"Users in the selection of the newest import; 0 if there never was one.")
	channelsDesc = desc("channels",
		"Channels in the selection of the newest import, all direct conversations together being one; 0 if there never was one.")
	messagesDesc = desc("messages",
		"Messages in the selection of the newest import; 0 if there never was one.")
	contactsDesc = desc("contacts",
		"Contacts in the selection of the newest import, where the server tells.")
	usersByFlagDesc = desc("users_by_flag",
		"Users in the selection that are deleted, are a bot, have an email_taken in the workspace, or are excluded from the import.", "flag")
	channelsByFlagDesc = desc("channels_by_flag",
		"Channels in the selection that are archived, private, direct, or excluded from the import.", "flag")

	waitingDesc = desc("waiting",
		"1 while Rocket.Chat is fetching or preparing the file.")
	stateDesc = desc("state",
		"1 for the state of the newest import, 0 for the others; all are 0 if its step is not known.", "state")
	stepDesc = desc("step",
		"1 for the step of the newest import, 0 for the others.", "step")

	operationInfoDesc = desc("operation_info",
		"1, with what names the newest import.", "operation_id", "importer", "type")
	operationValidDesc = desc("operation_valid",
		"0 once Rocket.Chat has given the operation up, as a restart during an import makes it.")
	operationCreatedDesc = desc("operation_created_timestamp_seconds",
		"When the operation was created, by Rocket.Chat's clock.")
	operationUpdatedDesc = desc("operation_updated_timestamp_seconds",
		"When the operation was last saved, by Rocket.Chat's clock.")
	operationRecordsDesc = desc("operation_records",
		"Records that the operation itself counts by type, each direct conversation being a channel.", "type")
	recordsExpectedDesc = desc("records_expected",
		"Records that the import has to handle in all.")
	recordsCompletedDesc = desc("records_completed",
		"Records that the import has handled, but for users that failed.")
	recordsFailedDesc = desc("records_failed",
		"Users that the import failed to create, where the server tells.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("rocketchat_import_"+name, help, labels, nil)
}

// descriptions returns all of the above.
func descriptions() []*prometheus.Desc {
	return []*prometheus.Desc{
		upDesc, authFailureDesc, failuresDesc, durationDesc,
		usersDesc, channelsDesc, messagesDesc, contactsDesc, usersByFlagDesc, channelsByFlagDesc,
		waitingDesc, stateDesc, stepDesc,
		operationInfoDesc, operationValidDesc, operationCreatedDesc, operationUpdatedDesc, operationRecordsDesc,
		recordsExpectedDesc, recordsCompletedDesc, recordsFailedDesc,
	}
}
