package rocketchatsim

import (
	"fmt"
	"slices"
	"time"
)

// Content is what an uploaded file holds.
type Content struct {
	Users int
	// Channels are the channels and private groups, Direct the direct
	// conversations. The selection has one entry for all of the latter.
	Channels, Direct int
	// Messages are counted; Skipped is how many of them are not staged, as the
	// Slack importer does with what it cannot import.
	Messages, Skipped int
	Contacts          int
}

func (c Content) selection() Selection {
	direct := min(1, c.Direct)
	return Selection{
		Users: c.Users, UsersDeleted: c.Users * 8 / 100, UsersBot: c.Users * 12 / 1000, UsersEmailTaken: c.Users * 6 / 1000,
		Channels: c.Channels + direct, ChannelsArchived: c.Channels * 15 / 100,
		ChannelsPrivate: c.Channels*22/100 + direct, ChannelsDirect: direct,
		Messages: c.Messages - c.Skipped, Contacts: c.Contacts,
	}
}

// Slack is an import of 3,000 users, 400 channels and 150,000 messages that goes well. It takes
// 178 s. It ends with 153,000 of 153,400 records completed: the total is not reached, since some
// messages are skipped, and so the last partial batch is not saved.
func Slack() Script {
	return SlackImport(Content{Users: 3_000, Channels: 399, Direct: 1, Messages: 150_000, Skipped: 261})
}

// Stall is Slack, but half-way through the messages nothing moves for standstill.
func Stall(standstill time.Duration) Script { return halfway(Phase{Duration: standstill}) }

// Restart is Slack, but half-way through the messages the only instance restarts,
// which is the end of the import.
func Restart() Script {
	return endsHalfway(Phase{server: (*Server).restart, saves: []save{func(o *operation) { o.Valid = false }}})
}

// SecondInstance is Slack, but half-way through the messages another instance of
// the workspace starts. The import ends in importer_done, not valid.
func SecondInstance() Script {
	return halfway(Phase{server: (*Server).startInstance, saves: []save{(*operation).abort}})
}

// Failure is Slack, but half-way through the messages the import fails.
func Failure() Script { return endsHalfway(Phase{Step: StepImportFailed}) }

// halfway is Slack with something between the two halves of its messages.
func halfway(between Phase) Script {
	script := Slack()
	at := len(script.Phases) - 3 // the messages, before finishing and done
	first := script.Phases[at]
	first.Imported /= 2
	first.Duration /= 2
	second := first
	second.Step = ""
	script.Phases = slices.Concat(script.Phases[:at], []Phase{first, between, second}, script.Phases[at+1:])
	return script
}

// endsHalfway is Slack as far as the first half of its messages, and then end.
func endsHalfway(end Phase) Script {
	script := halfway(end)
	script.Phases = script.Phases[:len(script.Phases)-3]
	return script
}

// SlackImport is an import of a Slack export that goes well. It takes 178 s. It
// counts channels, then users, then messages, and then contacts if there are any.
func SlackImport(c Content) Script {
	channels := c.Channels + c.Direct
	var messages []save
	for read := 0; read < c.Messages; read += 500 { // in each folder
		messages = append(messages, reading(fmt.Sprintf("channel-%d/2024-01-01", read/500)), total(min(500, c.Messages-read)))
	}
	preparation := []Phase{
		phase(StepPreparingChannels, 4, total(channels), own(Channels, channels)),
		phase(StepPreparingUsers, 6, own(Users, c.Users), total(c.Users)),
		phase(StepPreparingMessages, 20, append(messages, allRead(c.Messages))...),
	}
	if c.Contacts > 0 {
		preparation[2].Duration -= 5 * time.Second
		preparation = append(preparation, phase(StepPreparingContacts, 5, own(Contacts, c.Contacts), total(c.Contacts)))
	}
	return fileImport("slack", "Slack", "application/zip", c, preparation...)
}

// SlackFromURL is SlackImport of a file that Rocket.Chat downloads.
func SlackFromURL(c Content) Script {
	script := SlackImport(c)
	script.Operation.Step, script.Operation.File = StepDownloadingFile, "simulatedAdmin001_slack.zip"
	script.Phases = append([]Phase{phase(StepDownloadingFile, 8)}, script.Phases[2:]...)
	return script
}

// CSVImport is an import of a CSV archive that goes well. It takes 178 s. It counts channels, then
// messages, then users, and their total at the end. Its count.channels and its total leave the
// direct conversations out, so that count.completed ends above count.total.
func CSVImport(c Content) Script {
	return fileImport("csv", "CSV", "application/zip", c,
		phase(StepPreparingChannels, 4, own(Channels, c.Channels)),
		phase(StepPreparingMessages, 20,
			reading("directmessages/messages"), allRead(c.Messages/3), reading("room-0/messages"), allRead(c.Messages)),
		phase(StepPreparingUsers, 6, own(Users, c.Users), total(c.Channels+c.Messages+c.Users)),
	)
}

// HipChatImport is an import of a HipChat export that goes well. It takes 178 s. It begins with
// zeros, and counts users, then channels, then messages. Direct conversations are as for CSVImport.
func HipChatImport(c Content) Script {
	return fileImport("hipchatenterprise", "HipChat (tar.gz)", "application/gzip", c,
		phase("", 2, func(o *operation) { o.count().Messages = new(0) }, total(0)),
		phase(StepPreparingUsers, 4, own(Users, c.Users), total(c.Users)),
		phase(StepPreparingChannels, 4, own(Channels, c.Channels), total(c.Channels)),
		phase(StepPreparingMessages, 20, reading("users/100"), own(Messages, c.Messages), total(c.Messages)),
	)
}

// APIImport is an import of users that a program hands over in ten batches and starts with
// import.run, the only way to import that counts failed records as such. It takes 62 s.
func APIImport(users, failed int) Script {
	batches := slices.Repeat([]save{func(o *operation) {
		o.selection.Users += users / 10
		o.staged += users / 10
		add(&o.count().Users, users/10)
		add(&o.Count.Total, users/10)
	}}, 10)
	running := importing(Content{Users: users})
	running[1].Failed = failed
	return Script{
		Operation: APIOperation(StepNew, time.Time{}),
		Phases:    append([]Phase{phase(StepNew, 2, batches[0]), phase(StepUserSelection, 20, batches[1:]...)}, running...),
	}
}

// PendingFiles downloads files that messages of an earlier import refer to. It takes
// 60 s. The last ten downloads end after importer_done.
func PendingFiles(files int) Script {
	late := min(files, 10)
	return Script{Operation: newOperation("pending-files", "Pending Files", StepNew, time.Time{}), Phases: []Phase{
		phase(StepNew, 2),
		phase(StepPreparingStarted, 4, allRead(files), total(files), func(o *operation) { o.stored = true }),
		{Step: StepImportingFiles, Duration: 50 * time.Second, Kind: Files, Imported: files - late},
		{Step: StepDone, Duration: 4 * time.Second, Kind: Files, Imported: late},
	}}
}

// fileImport uploads a file, prepares it in 30 s, and imports its content.
func fileImport(key, name, contentType string, c Content, preparation ...Phase) Script {
	uploaded := func(o *operation) { o.File, o.ContentType = "simulatedAdmin001_"+key, contentType }
	return Script{
		Operation: newOperation(key, name, StepNew, time.Time{}),
		Selection: c.selection(),
		Phases: slices.Concat(
			[]Phase{phase(StepNew, 2), phase(StepUploading, 6, uploaded), phase(StepFileLoaded, 4)},
			preparation,
			[]Phase{phase(StepUserSelection, 20)},
			importing(c),
		),
		preparation: append(preparation, Phase{Step: StepUserSelection}),
	}
}

// phase is a phase in which no record is imported.
func phase(step string, seconds int, saves ...save) Phase {
	return Phase{Step: step, Duration: time.Duration(seconds) * time.Second, saves: saves}
}

// importing imports what is staged of the content. It takes 116 s if there are
// messages, and 40 s otherwise.
func importing(c Content) []Phase {
	forContacts, forChannels, forMessages := time.Second, time.Second, 2*time.Second
	if c.Messages > 0 {
		forContacts, forChannels, forMessages = 2*time.Second, 8*time.Second, 70*time.Second
	}
	return []Phase{
		phase(StepImportingStarted, 2),
		{Step: StepImportingUsers, Duration: 30 * time.Second, Kind: Users, Imported: c.Users},
		{Step: StepImportingContacts, Duration: forContacts, Kind: Contacts, Imported: c.Contacts}, // skipped before 7.0
		{Step: StepImportingChannels, Duration: forChannels, Kind: Channels, Imported: c.Channels + c.Direct},
		{Step: StepImportingMessages, Duration: forMessages, Kind: Messages, Imported: c.Messages - c.Skipped},
		phase(StepFinishing, 4),
		phase(StepDone, 0),
	}
}

// save is a change of a record.
type save func(*operation)

// total counts n more records.
func total(n int) save { return func(o *operation) { add(&o.count().Total, n) } }

// own sets the kind's own count, except to 0.
func own(kind Kind, n int) save {
	return func(o *operation) {
		count := o.count()
		field := map[Kind]**int{Users: &count.Users, Channels: &count.Channels, Messages: &count.Messages, Contacts: &count.Contacts}[kind]
		if n > 0 {
			*field = new(n)
		}
	}
}

// reading says which folder is read.
func reading(folder string) save { return func(o *operation) { o.messagesStatus = folder } }

// allRead says that no folder is read any more, and sets the messages' own count.
func allRead(messages int) save {
	return func(o *operation) {
		own(Messages, messages)(o)
		o.messagesStatus = null
	}
}
