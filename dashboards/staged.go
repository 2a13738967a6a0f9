package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

var recordTypes = []string{"users", "channels", "messages", "contacts"}

// stagedPanels show what the import is about to bring in, or brought in.
func stagedPanels() []panel {
	return []panel{stagedTile(), userFlags(), channelFlags(), stagedTable()}
}

// staged counts the records of one type in the selection or, where the
// selection is not known, by what the operation itself says.
func staged(recordType string) string {
	return fmt.Sprintf("(%s or on (instance) %s)",
		held("rocketchat_import_"+recordType),
		held("rocketchat_import_operation_records", fmt.Sprintf(`type="%s"`, recordType)))
}

// stagedSource is 1 where the selection is known and 0 where the operation's
// own counts stand in for it.
func stagedSource() string {
	return fmt.Sprintf("%s or %s",
		maxBy("instance", held("rocketchat_import_users")+" >= bool 0"),
		maxBy("instance", held("rocketchat_import_operation_records")+" < bool 0"))
}

func stagedTile() panel {
	var queries []*prometheus.DataqueryBuilder
	for _, recordType := range recordTypes {
		queries = append(queries, now(sum(staged(recordType)), recordType))
	}
	return tile("Staged",
		"What the newest import holds, of all selected workspaces together: by its selection or, where that is not known, by the operation's own counts. Contacts show only where the server tells.",
		queries...).
		Unit(units.LocaleFormat).
		TextMode(common.BigValueTextModeValueAndName).
		Thresholds(colored("text")).
		NoValue("no import yet").
		Height(6).
		Span(third)
}

func userFlags() panel {
	return bars("Users worth a look",
		"Users of the selection that carry a flag. E-mail taken: the address is in use in the workspace already, so the import will update that user or fail on it. Excluded: an administrator left the user out.",
		now("sum by (flag) ("+held("rocketchat_import_users_by_flag")+")", "{{flag}}")).
		Thresholds(colored("green", threshold{1, "yellow"})).
		OverrideByName("email_taken", []dashboard.DynamicConfigValue{
			property("displayName", "e-mail taken"), thresholds("green", threshold{1, "orange"})}).
		OverrideByName("bot", []dashboard.DynamicConfigValue{thresholds("blue")}).
		NoValue("selection not known")
}

func channelFlags() panel {
	return bars("Channels by flag",
		"Channels of the selection that carry a flag. All direct conversations together are one channel here.",
		now("sum by (flag) ("+held("rocketchat_import_channels_by_flag")+")", "{{flag}}")).
		Thresholds(colored("blue")).
		OverrideByName("excluded", []dashboard.DynamicConfigValue{thresholds("green", threshold{1, "yellow"})}).
		NoValue("selection not known")
}

func stagedTable() panel {
	operation := func(label string) string {
		return maxBy("instance, "+label, held("rocketchat_import_operation_info"))
	}
	flagged := func(title, flag string, width int) column {
		return column{title: title, width: width,
			expr:       maxBy("instance", held("rocketchat_import_users_by_flag", fmt.Sprintf(`flag="%s"`, flag))),
			properties: append(exact(), coloredText(), thresholds("text", threshold{1, "yellow"}))}
	}
	columns := []column{
		{title: "Importer", width: 95, label: "importer", expr: operation("importer")},
		{title: "Operation", width: 150, label: "operation_id", expr: operation("operation_id")},
		{title: "Created", width: 150, expr: "1000 * " + maxBy("instance", held("rocketchat_import_operation_created_timestamp_seconds")),
			properties: []dashboard.DynamicConfigValue{property("unit", units.DatetimeLocalNotToday)}},
		{title: "Counted by", width: 90, expr: stagedSource(), properties: coded(
			code{0, "", "operation", "text"}, code{1, "", "selection", "text"})},
	}
	for _, recordType := range recordTypes {
		columns = append(columns, column{title: recordType, width: 75, expr: maxBy("instance", staged(recordType)), properties: exact()})
	}
	columns = append(columns,
		flagged("e-mail taken", "email_taken", 95),
		flagged("users excluded", "excluded", 105),
		flagged("users deleted", "deleted", 105))
	return workspaceTable("Newest import of each workspace",
		"Which import this is and what it holds. Counted by: the selection, or the operation's own counts where the selection is not known; those count every direct conversation as a channel. Created is by Rocket.Chat's clock.",
		columns...)
}
