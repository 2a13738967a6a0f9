package rocketchatsim

import (
	"bufio"
	"fmt"
	"maps"
	"math"
	"net/http"
	"time"
)

// Write is a kind of change that a call of getImportFileData made.
type Write string

const (
	// WriteWiped is staging emptied and the file prepared again, also under an import that runs.
	WriteWiped Write = "wiped"
	// WriteStepBack is an import that had ended set to importer_user_selection.
	WriteStepBack Write = "step_back"
	// WriteSameStep is importer_user_selection written over itself: harmless.
	WriteSameStep Write = "same_step"
)

// Writes returns how often getImportFileData made each kind of change so far.
func (s *Server) Writes() (writes map[Write]int) {
	s.do(func() { writes = maps.Clone(s.writes) })
	return writes
}

// Destructive returns how many calls harmed an import so far: every write except WriteSameStep.
func (s *Server) Destructive() int {
	writes := s.Writes()
	return writes[WriteWiped] + writes[WriteStepBack]
}

// getImportFileData is the endpoint that writes. Whether the operation is valid matters only while it is
// prepared.
func (s *Server) getImportFileData(string, []byte) reply {
	o, generation := s.operation, s.config.Generation
	switch {
	case o == nil:
		return s.apiError("error-operation-not-found", "Import Operation Not Found", GetImportFileData)
	case isWaiting(o.Step) && o.Valid:
		return text(http.StatusOK, `{"waiting":true,"success":true}`)
	case isWaiting(o.Step):
		return s.apiError("error-import-operation-invalid", "Invalid Import Operation", GetImportFileData)
	case o.Step != StepUserSelection && !isOver(o.Step), generation.selectionInRecord && s.storedFileData(o) == nil:
		s.prepareAgain(o)
	case generation.selectionInRecord:
		// It is only read.
	case o.Step == StepUserSelection:
		s.writes[WriteSameStep]++
		o.Updated = s.now()
	default:
		s.writes[WriteStepBack]++
		o.enter(StepUserSelection)
		o.Updated = s.now()
	}
	fields := s.storedFileData(o)
	if fields == nil || !generation.selectionInRecord {
		fields = o.selection.fields(o.Type, generation)
	}
	answer := text(http.StatusOK, "{")
	answer.rest = func(w *bufio.Writer) {
		fields(w)
		w.WriteString(`,"success":true}`)
	}
	return answer
}

// prepareAgain stages the uploaded file once more, on top of what was counted. An import that runs goes on.
func (s *Server) prepareAgain(o *operation) {
	s.writes[WriteWiped]++
	o.staged = 0
	if o.File == "" {
		o.selection = Selection{}
	}
	preparation := o.preparation
	if preparation == nil {
		preparation = []Phase{
			{Step: StepPreparingStarted, Duration: time.Minute, saves: []save{total(o.selection.records())}},
			{Step: StepUserSelection},
		}
	}
	speed := math.Inf(1)
	if s.config.PrepareTime > 0 {
		speed = float64(Script{Phases: preparation}.Duration()) / float64(s.config.PrepareTime)
	}
	s.schedule(o, preparation, speed)
	s.catchUp()
}

// Selection is how much is staged, and how many entries carry each flag. The entries themselves are
// made up while they are written, the same ones each time. A server from 3.14 on has no
// is_email_taken, and no do_import that is false, whatever the numbers here.
type Selection struct {
	// Users, Channels and Contacts are the numbers of entries. Latest alone has contacts.
	Users, Channels, Contacts int
	// Messages is message_count.
	Messages int
	// How many users have is_deleted, is_bot, is_email_taken, and do_import false. A bot has no email.
	UsersDeleted, UsersBot, UsersEmailTaken, UsersExcluded int
	// How many channels have is_archived, is_private, is_direct, and do_import false. A real server
	// has at most one direct entry, the last.
	ChannelsArchived, ChannelsPrivate, ChannelsDirect, ChannelsExcluded int
}

// records is how many records the selection stands for.
func (s Selection) records() int { return s.Users + s.Channels + s.Messages + s.Contacts }

// fields returns what writes the selection's fields without the braces around them, one entry at a time.
func (s Selection) fields(name string, generation Generation) func(*bufio.Writer) {
	creator := `,"creator":"U00"`
	if !generation.selectionInRecord {
		s.UsersEmailTaken, s.UsersExcluded, s.ChannelsExcluded = 0, 0, 0
		creator = ""
	}
	return func(w *bufio.Writer) {
		if !generation.selectionInRecord {
			fmt.Fprintf(w, `"name":%q,`, name)
		}
		writeArray(w, "users", s.Users, func(i int) {
			bot, email := spread(i, s.UsersBot, s.Users), ""
			if !bot {
				email = fmt.Sprintf(`,"email":"u%d@example.com"`, i)
			}
			fmt.Fprintf(w, `{"user_id":"U%d","username":"zoë.müller%d"%s,"is_deleted":%t,"is_bot":%t,"do_import":%t,"is_email_taken":%t}`,
				i, i, email, spread(i, s.UsersDeleted, s.Users), bot,
				!spread(i, s.UsersExcluded, s.Users), spread(i, s.UsersEmailTaken, s.Users))
		})
		w.WriteByte(',')
		writeArray(w, "channels", s.Channels, func(i int) {
			fromEnd := s.Channels - i
			id, name := fmt.Sprint("C", i), fmt.Sprint("büro-", i)
			if s.ChannelsDirect > 0 && fromEnd == 1 {
				id, name = "__directMessages__", "Direct Messages"
			}
			fmt.Fprintf(w, `{"channel_id":"%s","name":"%s","is_archived":%t,"do_import":%t,"is_private":%t%s,"is_direct":%t}`,
				id, name, i < s.ChannelsArchived, !spread(i, s.ChannelsExcluded, s.Channels),
				fromEnd <= s.ChannelsPrivate, creator, fromEnd <= s.ChannelsDirect)
		})
		fmt.Fprintf(w, `,"message_count":%d`, s.Messages)
		if generation.contacts {
			w.WriteByte(',')
			writeArray(w, "contacts", s.Contacts, func(i int) {
				fmt.Fprintf(w, `{"id":"V%d","name":"Zoë \"%d\"","emails":["v%d@example.com"],"phones":["+4930%d"],"do_import":true}`, i, i, i, 1_000_000+i)
			})
		}
	}
}

func writeArray(w *bufio.Writer, name string, n int, writeEntry func(i int)) {
	fmt.Fprintf(w, `"%s":[`, name)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		writeEntry(i)
	}
	w.WriteByte(']')
}

// spread says whether entry i of total carries a flag that n of them, evenly spread, carry.
func spread(i, n, total int) bool { return (i+1)*n/total > i*n/total }
