package rocketchatsim

import (
	"fmt"
	"slices"
	"time"
)

// Script is an import that plays by itself: see Server.Start.
type Script struct {
	// Operation is the record to begin with; Start sets its Updated, its Created
	// if that is zero, and its ID if that is "".
	Operation Operation
	// Selection is what getImportFileData shows once the preparation is over.
	Selection Selection
	// Phases follow one another.
	Phases []Phase

	// preparation is how the uploaded file is prepared; nil without a file.
	preparation []Phase
}

// Phase is one stretch of an import.
type Phase struct {
	// Step is entered at the beginning, which is a save; "" stays in the step before.
	Step string
	// Duration is at speed 1.
	Duration time.Duration
	// Imported is how many records are imported, evenly over the phase. Progress is saved when the
	// number so far, in all phases, is a multiple of what the generation has for the step, and from
	// count.total on. Where the total is not reached, the rest never is.
	Imported int

	// saves are the other saves, evenly over the phase.
	saves []save
	// server happens to the server at the first of them; it may be nil.
	server func(*Server)
}

// Duration returns how long the script takes at speed 1.
func (s Script) Duration() (total time.Duration) {
	for _, phase := range s.Phases {
		total += phase.Duration
	}
	return total
}

// event is one save of the newest operation that is still to come.
type event struct {
	at     time.Time
	isStep bool // which an aborted import still takes
	save   save
}

// Start makes a new newest operation that goes through the script from now on, at
// speed times the script's own speed, and returns at once how long that will take. A
// new Start, SetOperation or RemoveOperations stops it.
func (s *Server) Start(script Script, speed float64) time.Duration {
	s.do(func() {
		op := script.Operation
		op.Updated = s.now()
		if op.Created.IsZero() {
			op.Created = op.Updated
		}
		o := s.place(op)
		o.selection, o.preparation = script.Selection, script.preparation
		s.schedule(o, script.Phases, speed)
	})
	return time.Duration(float64(script.Duration()) / speed)
}

// schedule lets the phases happen to o from now on, beside what is pending.
func (s *Server) schedule(o *operation, phases []Phase, speed float64) {
	start := s.now()
	put := func(after time.Duration, isStep bool, save save) {
		s.pending = append(s.pending, event{start.Add(time.Duration(float64(after) / speed)), isStep, save})
	}
	// The import keeps its progress in memory: it does not read it from the record.
	foreseen := &operation{Operation: o.Operation.clone()}
	imported, elapsed := 0, time.Duration(0)
	for _, phase := range phases {
		if phase.Step == StepImportingContacts && !s.config.Generation.contacts {
			elapsed += phase.Duration
			continue
		}
		if phase.Step != "" {
			foreseen.Step = phase.Step
			put(elapsed, true, func(o *operation) { o.enter(phase.Step) })
		}
		for i, save := range phase.saves {
			save(foreseen)
			put(elapsed+phase.Duration*time.Duration(i+1)/time.Duration(len(phase.saves)+1), false, func(o *operation) {
				if save(o); i == 0 && phase.server != nil {
					phase.server(s)
				}
			})
		}
		saveEvery := s.config.Generation.saveEvery
		if foreseen.Step == StepImportingMessages {
			saveEvery = 500
		}
		for i := 1; i <= phase.Imported; i++ {
			imported++
			total := foreseen.count().Total
			if imported%saveEvery == 0 || total != nil && imported >= *total {
				completed := imported
				put(elapsed+phase.Duration*time.Duration(i)/time.Duration(phase.Imported), false, func(o *operation) {
					o.count().Completed, o.Count.Error = new(completed), new(0)
				})
			}
		}
		elapsed += phase.Duration
	}
	slices.SortStableFunc(s.pending, func(a, b event) int { return a.at.Compare(b.at) })
}

// catchUp applies what was due until now.
func (s *Server) catchUp() {
	now := s.now()
	for len(s.pending) > 0 && !s.pending[0].at.After(now) {
		next := s.pending[0]
		s.pending = s.pending[1:]
		aborts := s.operation.aborting
		next.save(s.operation)
		s.operation.Updated = next.at
		if aborts {
			s.runThrough(next.at)
		}
	}
}

// runThrough leaves an aborted import nothing except the steps that were to come.
func (s *Server) runThrough(last time.Time) {
	s.operation.aborting = false
	s.pending = slices.DeleteFunc(s.pending, func(e event) bool { return !e.isStep })
	for i := range s.pending {
		s.pending[i].at = last.Add(time.Duration(i+1) * 250 * time.Millisecond)
	}
}

// Content is what an uploaded file holds.
type Content struct {
	// Users, Channels (with private groups), Messages and Contacts are counted. Skipped messages
	// are not staged, as the Slack importer does with what it cannot import.
	Users, Channels, Messages, Skipped, Contacts int
	// Direct conversations are counted as channels. The selection has one entry for all of them.
	Direct int
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

// Slack is an import of 3,000 users, 400 channels and 150,000 messages that goes well. It takes 178 s.
// It ends with 153,000 of 153,400 records completed: the last partial batch is not saved, since some
// messages are skipped and the total is not reached.
func Slack() Script {
	return SlackImport(Content{Users: 3_000, Channels: 399, Direct: 1, Messages: 150_000, Skipped: 261})
}

// Stall is Slack, but half-way through the messages nothing moves for standstill.
func Stall(standstill time.Duration) Script { return halfway(Phase{Duration: standstill}) }

// Restart is Slack, but half-way through the messages the only instance restarts, which ends the import.
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
		reading := func(o *operation) { o.messagesStatus = fmt.Sprintf("channel-%d/2024-01-01", read/500) }
		messages = append(messages, reading, total(min(500, c.Messages-read)))
	}
	messages = append(messages, func(o *operation) {
		own("messages", c.Messages)(o)
		o.messagesStatus = null // no folder is read any more
	})
	preparation := []Phase{
		phase(StepPreparingChannels, 4, total(channels), own("channels", channels)),
		phase(StepPreparingUsers, 6, own("users", c.Users), total(c.Users)),
		phase(StepPreparingMessages, 20, messages...),
	}
	if c.Contacts > 0 {
		preparation[2].Duration -= 5 * time.Second
		preparation = append(preparation, phase(StepPreparingContacts, 5, own("contacts", c.Contacts), total(c.Contacts)))
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
				{Step: StepImportingUsers, Duration: 30 * time.Second, Imported: c.Users},
				{Step: StepImportingContacts, Duration: 2 * time.Second, Imported: c.Contacts}, // skipped before 7.0
				{Step: StepImportingChannels, Duration: 8 * time.Second, Imported: channels},
				{Step: StepImportingMessages, Duration: 70 * time.Second, Imported: c.Messages - c.Skipped},
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

// own sets the own count of a kind of record, except to 0.
func own(kind string, n int) save {
	return func(o *operation) {
		if count := o.count(); n > 0 {
			*map[string]**int{
				"users": &count.Users, "channels": &count.Channels, "messages": &count.Messages, "contacts": &count.Contacts,
			}[kind] = new(n)
		}
	}
}
