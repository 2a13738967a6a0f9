package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

var recordTypes = []string{"users", "channels", "messages", "contacts"}

// stagedPanels show what the import is about to bring in, or brought in.
func stagedPanels() []panel {
	var sums []query
	for _, recordType := range recordTypes {
		sums = append(sums, now("sum("+staged(recordType)+")", recordType))
	}
	rare := thresholds("text", from(1, "orange"))
	return []panel{
		tile("Staged",
			"What the newest import holds, of all selected workspaces together: by its selection or, where that is not known, by the operation's own counts. "+
				"Contacts show only where the server tells.",
			sums...).
			Orientation(common.VizOrientationHorizontal).
			Unit(units.LocaleFormat).TextMode(common.BigValueTextModeValueAndName).Height(6),

		bars("Users by flag",
			"Users of the selection that carry a flag. Servers before 3.14 also say whose e-mail address is taken in the workspace, "+
				"so that the import will update that user or fail on it, and who is excluded from the import.",
			now(flagged("rocketchat_import_users_flagged", "email_taken|excluded"), "{{flag}}")).
			OverrideByName("deleted", settings{thresholds("text", from(0, "blue"), from(1, "orange"))}).
			OverrideByName("email_taken", settings{property("displayName", "e-mail taken"), rare}).
			OverrideByName("excluded", settings{rare}),

		bars("Channels by flag",
			"Channels of the selection that carry a flag. All direct conversations together are one channel here. Servers before 3.14 also say what is excluded from the import.",
			now(flagged("rocketchat_import_channels_flagged", "excluded"), "{{flag}}")).
			OverrideByName("excluded", settings{rare}),

		stagedTable(),
	}
}

// staged counts the records of one type in the selection or, where the
// selection is not known, by what the operation itself says.
func staged(recordType string) string {
	return "(" + held("rocketchat_import_"+recordType+"{}") +
		" or on (workspace) " + held(`rocketchat_import_operation_records{type="`+recordType+`"}`) + ")"
}

// flagged counts by flag. Flags that servers from 3.14 on never set show only where they are set.
func flagged(metric, rareFlags string) string {
	return fmt.Sprintf("sum by (flag) (%s)\nor sum by (flag) (%s) > 0",
		held(metric+`{flag!~"`+rareFlags+`"}`), held(metric+`{flag=~"`+rareFlags+`"}`))
}

func stagedTable() panel {
	operation := func(label string) string {
		return maxBy("workspace, "+label, held("rocketchat_import_operation_info{}"))
	}
	users := func(title, flag, above string, width int) column {
		return column{title: title, width: width, optional: above != "", unit: units.LocaleFormat,
			expr:       maxBy("workspace", held(`rocketchat_import_users_flagged{flag="`+flag+`"}`)) + above,
			properties: settings{coloredText, thresholds("text", from(1, "orange"))}}
	}
	// 1 where the selection is known, 0 where the operation's own counts stand in for it.
	source := maxBy("workspace", held("rocketchat_import_users{}")+" >= bool 0") +
		" or " + maxBy("workspace", held("rocketchat_import_operation_records{}")+" < bool 0")
	columns := []column{
		{title: "Importer", width: 105, label: "importer", expr: operation("importer")},
		{title: "Operation", width: 205, label: "operation_id", expr: operation("operation_id")},
		{title: "Created", width: 190, expr: "1000 * " + maxBy("workspace", held("rocketchat_import_operation_created_timestamp_seconds{}")),
			unit: units.DatetimeLocalNotToday},
		{title: "Counted by", width: 95, expr: source, properties: settings{property("custom.align", "left")},
			mappings: mappings(code{number: 0, text: "operation"}, code{number: 1, text: "selection"})},
	}
	for i, recordType := range recordTypes {
		columns = append(columns, column{title: recordType, width: []int{70, 80, 85, 75}[i], expr: maxBy("workspace", staged(recordType)), unit: units.LocaleFormat})
	}
	columns = append(columns,
		users("users deleted", "deleted", "", 110),
		users("e-mail taken", "email_taken", " > 0", 105),
		users("users excluded", "excluded", " > 0", 120))
	return perWorkspace("Newest import of each workspace",
		"Which import this is and what it holds. Counted by: the selection, or the operation's own counts where the selection is not known. Created is by Rocket.Chat's clock.",
		columns...).
		Height(7)
}
