package store

import "testing"

// An answer to the absence of a label stands, whatever a look that began before
// it saw.
func TestAbsence(t *testing.T) {
	s := openTest(t)
	m, _ := startMigration(t, s, newMigration("d1"))
	goOn, pause := &Wish{Kind: GoOn}, &Wish{Kind: Pause, Why: "Because."}
	for _, step := range []struct {
		name     string
		before   Absence // SetAbsence, with now
		now      Absence
		request  *Request // or that
		want     Absence
		revision int
	}{
		{name: "taken off", before: Unknown, now: Noticed, want: Noticed, revision: 1},
		{name: "paused, too", request: &Request{ID: "comment 1", Wish: pause}, want: Noticed, revision: 1},
		{name: "resumed", request: &Request{ID: "comment 2", Wish: goOn}, want: Answered, revision: 1},
		{name: "a look of before", before: Unknown, now: Noticed, want: Answered, revision: 1},
		{name: "put on", before: Answered, now: Unknown, want: Unknown, revision: 1},
		{name: "taken off again", before: Unknown, now: Noticed, want: Noticed, revision: 1},
		{name: "resumed, nothing anew", request: &Request{ID: "comment 3", Wish: goOn}, want: Answered, revision: 1},
		{name: "resumed, to try again", request: &Request{ID: "comment 4", Wish: goOn}, want: Answered, revision: 2},
		{name: "put on, another", request: &Request{ID: "delivery 5", Label: "move"}, want: Answered, revision: 2},
	} {
		var err error
		if step.request != nil {
			err = s.Request(t.Context(), m.ID, *step.request)
		} else {
			err = s.SetAbsence(t.Context(), m.ID, step.before, step.now)
		}
		if err != nil {
			t.Fatal(err)
		}
		if m, err = s.Migration(t.Context(), m.ID); err != nil || m.Absence != step.want || m.Revision != step.revision {
			t.Errorf("%s: %q, revision %d, %v", step.name, m.Absence, m.Revision, err)
		}
	}
	if m.Label != "move" {
		t.Errorf("the label is %q", m.Label)
	}
}
