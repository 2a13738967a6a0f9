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
	uploaded := func(o *operation) { o.File, o.ContentType = "simulatedAdmin001_slack", "application/zip" }
	return Script{
		Operation: newOperation("slack", "Slack", StepNew, time.Time{}),
		Selection: c.selection(),
		Phases: slices.Concat(
			[]Phase{phase(StepNew, 2), phase(StepUploading, 6, uploaded), phase(StepFileLoaded, 4)},
			preparation,
			[]Phase{
				phase(StepUserSelection, 20),
				phase(StepImportingStarted, 2),
				{Step: StepImportingUsers, Duration: 30 * time.Second, Kind: Users, Imported: c.Users},
				{Step: StepImportingContacts, Duration: 2 * time.Second, Kind: Contacts, Imported: c.Contacts}, // skipped before 7.0
				{Step: StepImportingChannels, Duration: 8 * time.Second, Kind: Channels, Imported: channels},
				{Step: StepImportingMessages, Duration: 70 * time.Second, Kind: Messages, Imported: c.Messages - c.Skipped},
				phase(StepFinishing, 4),
				phase(StepDone, 0),
			},
		),
		preparation: append(preparation, Phase{Step: StepUserSelection}),
	}
}

// phase is a phase in which no record is imported.
func phase(step string, seconds int, saves ...save) Phase {
	return Phase{Step: step, Duration: time.Duration(seconds) * time.Second, saves: saves}
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
