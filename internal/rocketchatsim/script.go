package rocketchatsim

import (
	"fmt"
	"time"
)

// Kind is a kind of record.
type Kind string

// The kinds of record that an import has.
const (
	Users    Kind = "users"
	Channels Kind = "channels"
	Messages Kind = "messages"
	Contacts Kind = "contacts"
)

// Script is an import that plays by itself.
type Script struct {
	// Operation is the record to begin with; Start sets its two times, and its
	// id if that is "".
	Operation Operation
	// Selection is what getImportFileData shows once preparing is over.
	Selection Selection
	// Phases follow one another.
	Phases []Phase
}

// Phase is one stretch of an import. Records are saved evenly over it, every 50
// of them (500 messages) and at its end.
type Phase struct {
	// Step is entered at the beginning; "" stays in the step before.
	Step string
	// Duration is at speed 1.
	Duration time.Duration
	// Kind is that of the records staged or imported.
	Kind Kind
	// Staged is how many records are staged; they count in count.total as they
	// come and in the kind's own count at the end.
	Staged int
	// Imported is how many records are imported; they count in count.completed.
	Imported int
	// Failed is how many of Imported count in count.error instead.
	Failed int
	// Restart restarts the server at the beginning: the step stays, and the
	// operation is invalid and moves no more.
	Restart bool
}

// Duration returns how long the script takes at speed 1.
func (s Script) Duration() time.Duration {
	var total time.Duration
	for _, phase := range s.Phases {
		total += phase.Duration
	}
	return total
}

// Slack is an import of 3,000 users (12 of whom fail), 400 channels and 150,000
// messages that goes well. It takes 178 s.
func Slack() Script {
	return slack(
		messages(slackMessages/2),
		messages(slackMessages-slackMessages/2),
		[]Phase{{Step: StepFinishing, Duration: 4 * time.Second}, {Step: StepDone}},
	)
}

// Stall is Slack, but half-way through the messages nothing moves for so long.
func Stall(standstill time.Duration) Script {
	return slack(
		messages(slackMessages/2),
		[]Phase{{Duration: standstill}},
		messages(slackMessages-slackMessages/2),
		[]Phase{{Step: StepFinishing, Duration: 4 * time.Second}, {Step: StepDone}},
	)
}

// Restart is Slack, but half-way through the messages the server restarts, which
// ends the import without a word.
func Restart() Script {
	return slack(messages(slackMessages/2), []Phase{{Restart: true}})
}

// Failure is Slack, but half-way through the messages the import fails.
func Failure() Script {
	return slack(messages(slackMessages/2), []Phase{{Step: StepImportFailed}})
}

const (
	slackUsers       = 3_000
	slackUsersFailed = 12
	slackChannels    = 400
	slackMessages    = 150_000
)

// slack goes as far as the channels and then through rest. One of its channels
// stands for one direct conversation, so the selection has as many as are counted.
func slack(rest ...[]Phase) Script {
	content := fileContent{users: slackUsers, channels: slackChannels, messages: slackMessages}
	phases := []Phase{
		{Step: StepNew, Duration: 2 * time.Second},
		{Step: StepUploading, Duration: 6 * time.Second},
		{Step: StepFileLoaded, Duration: 4 * time.Second},
	}
	phases = append(phases, preparing(content, 30*time.Second)...)
	phases = append(phases,
		Phase{Step: StepUserSelection, Duration: 20 * time.Second},
		Phase{Step: StepImportingStarted, Duration: 2 * time.Second},
		Phase{Step: StepImportingUsers, Duration: 30 * time.Second, Kind: Users, Imported: slackUsers, Failed: slackUsersFailed},
		Phase{Step: StepImportingChannels, Duration: 10 * time.Second, Kind: Channels, Imported: slackChannels},
		Phase{Step: StepImportingMessages},
	)
	for _, part := range rest {
		phases = append(phases, part...)
	}
	return Script{
		Operation: SlackOperation(StepNew, time.Time{}),
		Selection: Selection{
			Users: slackUsers, UsersDeleted: 240, UsersBot: 35, UsersEmailTaken: 18, UsersExcluded: 0,
			Channels: slackChannels, ChannelsArchived: 60, ChannelsPrivate: 90, ChannelsDirect: 1,
			Messages: slackMessages,
		},
		Phases: phases,
	}
}

// messages imports n messages in the step that is on, at the pace at which all of
// a Slack import take 70 s.
func messages(n int) []Phase {
	return []Phase{{Duration: 70 * time.Second * time.Duration(n) / slackMessages, Kind: Messages, Imported: n}}
}

// fileContent is how many records an uploaded file holds.
type fileContent struct{ users, channels, messages, contacts int }

// preparing stages the content in the order of the Slack importer.
func preparing(content fileContent, d time.Duration) []Phase {
	forContacts := time.Duration(0)
	if content.contacts > 0 {
		forContacts = d / 6
	}
	phases := []Phase{
		{Step: StepPreparingStarted, Duration: d / 30},
		{Step: StepPreparingChannels, Duration: d / 10, Kind: Channels, Staged: content.channels},
		{Step: StepPreparingUsers, Duration: d / 5, Kind: Users, Staged: content.users},
		{Step: StepPreparingMessages, Duration: d*2/3 - forContacts, Kind: Messages, Staged: content.messages},
	}
	if content.contacts > 0 {
		phases = append(phases, Phase{Step: StepPreparingContacts, Duration: forContacts, Kind: Contacts, Staged: content.contacts})
	}
	return phases
}

// save is a change of the record, so long after its phase began.
type save struct {
	after time.Duration
	apply func(*operation)
}

// saves lists what the phase does to an operation, in order.
func (p Phase) saves() []save {
	var saves []save
	if p.Step != "" {
		saves = append(saves, save{0, func(o *operation) { o.enter(p.Step) }})
	}
	if p.Restart {
		saves = append(saves, save{0, func(o *operation) { o.Valid = false }})
	}
	saves = append(saves, p.batches(p.Staged, p.stage)...)
	return append(saves, p.batches(p.Imported, p.complete)...)
}

// batches cuts n records into saves; each calls apply with the numbers of records
// saved before and after it.
func (p Phase) batches(n int, apply func(o *operation, before, after int)) []save {
	size := 50
	if p.Kind == Messages {
		size = 500
	}
	count := (n + size - 1) / size
	var saves []save
	for i := range count {
		before, after := i*size, min((i+1)*size, n)
		at := p.Duration * time.Duration(i+1) / time.Duration(count)
		saves = append(saves, save{at, func(o *operation) { apply(o, before, after) }})
	}
	return saves
}

func (p Phase) stage(o *operation, before, after int) {
	o.staged += after - before
	add(&o.count().Total, after-before)
	if p.Kind == Messages {
		o.messagesStatus = fmt.Sprintf("%s-%d/2024-01-01", topics(before/500), before/500)
	}
	if after < p.Staged {
		return
	}
	o.messagesStatus = ""
	*o.count().of(p.Kind) = new(p.Staged)
}

func (p Phase) complete(o *operation, before, after int) {
	failed := p.Failed*after/p.Imported - p.Failed*before/p.Imported
	add(&o.count().Completed, after-before-failed)
	add(&o.count().Error, failed)
}

// of returns the kind's own field.
func (c *Count) of(kind Kind) **int {
	switch kind {
	case Users:
		return &c.Users
	case Channels:
		return &c.Channels
	case Messages:
		return &c.Messages
	case Contacts:
		return &c.Contacts
	}
	panic(fmt.Sprintf("rocketchatsim: no kind %q", kind))
}
