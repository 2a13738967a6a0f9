package collector

import "github.com/prometheus/client_golang/prometheus"

// The metrics of a snapshot. Those of the exporter's own calls are in api.go.
var (
	upDesc = desc("up",
		"1 if Rocket.Chat gave a usable answer, including \"no import yet\"; 0 otherwise.")
	authFailureDesc = desc("auth_failure",
		"1 if Rocket.Chat refused the last call for the operation or its selection: unauthorized (user id or token) or forbidden (permission run-import).", "reason")
	failuresDesc = desc("scrape_failures_total",
		"Scrapes that could not show the import, by reason. It grows exactly where up is 0.", "reason")
	durationDesc = desc("scrape_duration_seconds",
		"Time that this snapshot of the import took, including the wait for a selection.")
	serverTimeDesc = desc("server_time_seconds",
		"Rocket.Chat's clock when it returned the operation, from the Date header; absent without that header.")
	incidentsDesc = desc("incidents_total",
		"Times that a running or finished import was set_back to an earlier step, or that a running import was aborted but called done.", "kind")
	readsDesc = desc("selection_reads_total",
		"Calls of getImportFileData by result: success, waiting (Rocket.Chat is still preparing the file), failed, not_sent (nothing was asked, since somebody could have pressed start).", "result")

	instancesDesc = desc("server_instances",
		"Instances of Rocket.Chat that answered within the last 10 minutes; absent if answers do not name their instance.")
	instancesSeenDesc = desc("server_instances_seen_total",
		"Instances of Rocket.Chat that answered for the first time, without the first of all. One more was started, or Rocket.Chat was restarted.")

	usersDesc = desc("users",
		"Users in the selection of the newest import; 0 if there never was an import.")
	channelsDesc = desc("channels",
		"Channels in the selection of the newest import; all direct conversations count as one; 0 if there never was an import.")
	messagesDesc = desc("messages",
		"Messages in the selection of the newest import; 0 if there never was an import.")
	contactsDesc = desc("contacts",
		"Contacts in the selection of the newest import; absent on servers that do not import contacts.")
	usersFlaggedDesc = desc("users_flagged",
		"Users in the selection by flag: deleted, bot, email_taken (address already in use), excluded. The last two are always 0 from Rocket.Chat 3.14 on.", "flag")
	channelsFlaggedDesc = desc("channels_flagged",
		"Channels in the selection by flag: archived, private, direct, excluded. The last is always 0 from Rocket.Chat 3.14 on.", "flag")

	waitingDesc = desc("waiting",
		"1 while Rocket.Chat fetches or prepares the file; 0 otherwise.")
	stateDesc = desc("state",
		"1 for the state of the newest import, 0 for the others; all are 0 if the exporter does not know the step.", "state")
	stepDesc = desc("step",
		"1 for the step of the newest import, 0 for the others.", "step")

	operationInfoDesc = desc("operation_info",
		"A metric with a constant '1' value labeled by operation_id, importer (its key) and importer_name (its display name) of the newest import.", "operation_id", "importer", "importer_name")
	operationValidDesc = desc("operation_valid",
		"0 if Rocket.Chat marked the operation as invalid, as a restart does to a running and to a finished import; 1 otherwise.")
	operationFinishedDesc = desc("operation_finished",
		"1 if the newest import is done and all of it was imported, as far as the exporter saw; 0 otherwise.")
	operationIncidentDesc = desc("operation_incident",
		"1 if the newest import was set_back or aborted; absent otherwise. A set_back may show in the record at the first look.", "kind", "operation_id")
	operationStartedDesc = desc("operation_started_timestamp_seconds",
		"Time at which the operation was first seen running, by Rocket.Chat's clock; absent unless it was seen before that.")
	operationCreatedDesc = desc("operation_created_timestamp_seconds",
		"Time at which the operation was created, by Rocket.Chat's clock.")
	operationUpdatedDesc = desc("operation_updated_timestamp_seconds",
		"Time at which the operation was last saved, by Rocket.Chat's clock.")
	operationRecordsDesc = desc("operation_records",
		"Records that the file held, as the operation counts them by type. Slack imports count each direct conversation as a channel.", "type")
	recordsExpectedDesc = desc("records_expected",
		"Records that the import handles in total.")
	recordsCompletedDesc = desc("records_completed",
		"Records imported so far, as last saved. Where the total is never reached, Rocket.Chat does not save the last partial batch. In imports started from the page, failed records count here.")
	recordsFailedDesc = desc("records_failed",
		"Records that failed, as last saved. Only the api importer and, in the newest servers, pending-files count them.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("rocketchat_import_"+name, help, labels, nil)
}

// descriptions returns all of the above.
func descriptions() []*prometheus.Desc {
	return []*prometheus.Desc{
		upDesc, authFailureDesc, failuresDesc, durationDesc, serverTimeDesc, incidentsDesc, readsDesc, instancesDesc, instancesSeenDesc,
		usersDesc, channelsDesc, messagesDesc, contactsDesc, usersFlaggedDesc, channelsFlaggedDesc,
		waitingDesc, stateDesc, stepDesc,
		operationInfoDesc, operationValidDesc, operationFinishedDesc, operationIncidentDesc, operationStartedDesc, operationCreatedDesc, operationUpdatedDesc, operationRecordsDesc,
		recordsExpectedDesc, recordsCompletedDesc, recordsFailedDesc,
	}
}
