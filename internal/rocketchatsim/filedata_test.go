package rocketchatsim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

const stepNeverHeardOf = "importer_reticulating_splines"

// What one call of getImportFileData may do.
const (
	waits        = "answers waiting" // an invalid operation is refused instead
	reads        = "answers the selection"
	rewrites     = "writes the same step"
	setsBack     = "sets the step back"
	preparesOver = "wipes and prepares again"
)

// effect is the table of what a call does. From 3.14 on all generations are alike.
func effect(step string, early bool) string {
	switch {
	case step == "importer_downloading_file", strings.HasPrefix(step, "importer_preparing_"):
		return waits
	case step == "importer_done", step == "importer_import_cancelled", step == "importer_import_failed":
		return map[bool]string{true: reads, false: setsBack}[early]
	case step == "importer_user_selection":
		return map[bool]string{true: reads, false: rewrites}[early]
	}
	return preparesOver
}

func TestGetImportFileDataDoesWhatTheTableSaysInEveryStepOfEveryGeneration(t *testing.T) {
	steps := append(sim.Steps(), stepNeverHeardOf)
	require.Len(t, steps, 21)
	require.Len(t, sim.Generations(), 4)
	for _, generation := range sim.Generations() {
		for _, step := range steps {
			for _, valid := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/valid=%v", generation, step, valid), func(t *testing.T) {
					w := newWorkspace(t, sim.Config{Generation: generation})
					w.place(step, func(op *sim.Operation) { op.Valid = valid })
					w.clock.Advance(time.Second)
					checkEffect(t, w, effect(step, generation == sim.Early3), valid)
				})
			}
		}
	}
}

func checkEffect(t *testing.T, w *workspace, effect string, valid bool) {
	want := w.current()
	w.get(sim.GetCurrentImportOperation)
	assert.Equal(t, want, w.current(), "after getCurrentImportOperation")
	assert.Empty(t, w.Writes(), "after getCurrentImportOperation")

	got := w.get(sim.GetImportFileData)
	writes, harm := map[sim.Write]int{}, 0
	switch effect {
	case rewrites:
		writes[sim.WriteSameStep] = 1
		want.Updated = w.clock.Now()
	case setsBack:
		writes[sim.WriteStepBack], harm = 1, 1
		want.Step, want.Updated = "importer_user_selection", w.clock.Now()
	case preparesOver:
		writes[sim.WriteWiped], harm = 1, 1
		want.Step, want.Updated = "importer_user_selection", w.clock.Now()
		want.Count.Total = new(20)
	}
	assert.Equal(t, want, w.current())
	assert.Equal(t, writes, w.Writes())
	assert.Equal(t, harm, w.Destructive())
	assert.Equal(t, 10, w.Staged())
	switch {
	case effect != waits:
		requireSelection(t, got)
	case valid:
		requireBody(t, got, 200, `{"waiting":true,"success":true}`)
	default:
		requireError(t, got, "error-import-operation-invalid")
	}
}

type selectionReply struct {
	Users, Channels, Contacts []map[string]any
	Messages                  int `json:"message_count"`
	Success                   bool
}

// requireSelection requires what workspace.place stages.
func requireSelection(t *testing.T, got answer) {
	t.Helper()
	reply := decode[selectionReply](t, got.body)
	require.Equal(t, []any{200, true, 3, 2, 5}, []any{got.status, reply.Success, len(reply.Users), len(reply.Channels), reply.Messages}, got.body)
}

func TestAnEarlyServerPreparesAgainAtEachCallWhereTheStoredSelectionIsMissing(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Early3})
	w.place(sim.StepUserSelection, func(op *sim.Operation) { op.OmitFileData = true })
	for call := 1; call <= 2; call++ {
		require.NotContains(t, w.record(), "fileData")
		requireSelection(t, w.get(sim.GetImportFileData))
		require.Equal(t, call, w.Writes()[sim.WriteWiped])
	}
}

func TestAnEarlyServerAnswersWhatItStoredWhateverItsShape(t *testing.T) {
	for name, stored := range sim.OddFileData() {
		w := newWorkspace(t, sim.Config{Generation: sim.Early3})
		w.place(sim.StepDone, func(op *sim.Operation) { op.FileData = stored })
		want := decode[map[string]any](t, stored)
		assert.Equal(t, want, w.record()["fileData"], name)
		want["success"] = true
		assert.Equal(t, want, decode[map[string]any](t, w.get(sim.GetImportFileData).body), name)
		assert.Empty(t, w.Writes(), name)
	}
}

// The recorded import had 300 users, 20 channels with one direct conversation more,
// and 5,000 messages. Another program made the call once 50 records were completed.
func TestOneCallDisturbsARunningImportAsTheRecordingShows(t *testing.T) {
	recording := lines(t, "disturbed-import.jsonl")
	w := newWorkspace(t, sim.Config{Generation: sim.Classic, PrepareTime: 4 * time.Second})
	w.Start(sim.SlackImport(sim.Content{Users: 300, Channels: 20, Direct: 1, Messages: 5000}), 1)
	w.clock.Advance(70 * time.Second)
	require.Equal(t, 5321, *w.current().Count.Total)
	require.Equal(t, 50, completed(w.current()))
	w.get(sim.GetImportFileData)
	require.Equal(t, 0, w.Staged())
	require.Equal(t, 1, w.Destructive())
	require.Equal(t, sim.StepPreparingChannels, w.current().Step)
	requireSubsequence(t, w.trace(3*time.Minute, 50*time.Millisecond), recording[2:])
	end := w.current()
	require.Equal(t, sim.StepDone, end.Step)
	require.Equal(t, 2*5321, *end.Count.Total)
	require.Equal(t, 5321, completed(end))
}

func TestTheAPIImporterStagesBatchesAndAWipeLosesThem(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.SetOperation(sim.APIOperation(sim.StepNew, epoch))
	users := func() int { return len(decode[selectionReply](t, w.get(sim.GetImportFileData).body).Users) }
	for batch := 1; batch <= 3; batch++ {
		w.clock.Advance(time.Second)
		require.NoError(t, w.AddUsers(20))
		want := sim.APIOperation(sim.StepUserSelection, epoch)
		want.ID, want.Updated, want.Count = w.current().ID, w.clock.Now(), &sim.Count{Total: new(20 * batch), Users: new(20 * batch)}
		require.Equal(t, want, w.current())
		require.Equal(t, 20*batch, users())
	}
	require.NoError(t, w.Update(func(op *sim.Operation) { op.Step = sim.StepImportingUsers }))
	require.Equal(t, 0, users())
	require.Equal(t, 0, w.Staged())
	require.Equal(t, 1, w.Destructive())
}

func TestASelectionHasTheNumbersItWasGiven(t *testing.T) {
	given := sim.Selection{
		Users: 1009, UsersDeleted: 100, UsersBot: 1, UsersEmailTaken: 1009, UsersExcluded: 7,
		Channels: 53, ChannelsArchived: 5, ChannelsPrivate: 20, ChannelsDirect: 1, ChannelsExcluded: 53,
		Messages: 12345, Contacts: 11, ContactsExcluded: 3,
	}
	for _, generation := range sim.Generations() {
		t.Run(generation.String(), func(t *testing.T) {
			want := given
			if generation != sim.Early3 { // whose flags alone vary
				want.UsersEmailTaken, want.UsersExcluded, want.ChannelsExcluded, want.ContactsExcluded = 0, 0, 0, 0
			}
			if generation != sim.Latest {
				want.Contacts, want.ContactsExcluded = 0, 0
			}
			w := newWorkspace(t, sim.Config{Generation: generation})
			w.place(sim.StepUserSelection, func(op *sim.Operation) { op.Count.Contacts = new(11) })
			require.NoError(t, w.SetSelection(given))
			body := w.get(sim.GetImportFileData).body
			reply := decode[selectionReply](t, body)
			assert.Equal(t, want, sim.Selection{
				Users:            len(reply.Users),
				UsersDeleted:     with(reply.Users, "is_deleted", true),
				UsersBot:         with(reply.Users, "is_bot", true),
				UsersEmailTaken:  with(reply.Users, "is_email_taken", true),
				UsersExcluded:    with(reply.Users, "do_import", false),
				Channels:         len(reply.Channels),
				ChannelsArchived: with(reply.Channels, "is_archived", true),
				ChannelsPrivate:  with(reply.Channels, "is_private", true),
				ChannelsDirect:   with(reply.Channels, "is_direct", true),
				ChannelsExcluded: with(reply.Channels, "do_import", false),
				Messages:         reply.Messages,
				Contacts:         len(reply.Contacts),
				ContactsExcluded: with(reply.Contacts, "do_import", false),
			})
			_, counted := w.record()["count"].(map[string]any)["contacts"]
			assert.Equal(t, generation == sim.Latest, counted, "count.contacts")
			assert.Equal(t, generation != sim.Early3, strings.Contains(body, `"name":"Slack"`), "a name")
			direct := reply.Channels[len(reply.Channels)-1]
			assert.Equal(t, "__directMessages__", direct["channel_id"])
			assert.Equal(t, generation == sim.Early3, direct["creator"] != nil, "a creator")
			assert.Equal(t, 1, with(reply.Users, "email", nil), "the bot alone has no email")
		})
	}
}

// with is how many entries have this value.
func with(entries []map[string]any, field string, value any) (n int) {
	for _, entry := range entries {
		if entry[field] == value {
			n++
		}
	}
	return n
}
