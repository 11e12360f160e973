package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// newMigration returns a migration of issue 7 that a delivery starts.
func newMigration(delivery string) Migration {
	return Migration{
		Delivery: delivery, Installation: 3, Repository: 4, Owner: "ada", Name: "shop", Issue: 7, StartedBy: "bob",
		Base: "main", PlanFile: "plan.md", Plan: "text", Created: time.UnixMilli(1700000000123), State: Live,
	}
}

func startMigration(t *testing.T, s *Store, m Migration) (Migration, bool) {
	t.Helper()
	got, started, err := s.StartMigration(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return got, started
}

func TestStartMigration(t *testing.T) {
	s := openTest(t)
	first, started := startMigration(t, s, newMigration("d1"))
	want := newMigration("d1")
	want.ID, want.Round, want.Revision = first.ID, 1, 1
	if !started || first != want {
		t.Fatalf("got %+v, %v\nwant %+v", first, started, want)
	}
	if stored, err := s.Migration(t.Context(), first.ID); err != nil || stored != want {
		t.Fatalf("stored is %+v, %v\nwant %+v", stored, err, want)
	}

	// Each step: a state the newest migration is put into, then a label.
	for _, c := range []struct {
		state    State
		delivery string
		started  bool
		newest   string // delivery of the migration that is returned
	}{
		{Live, "d1", true, "d1"}, // the same delivery again
		{Live, "d2", false, "d1"},
		{Paused, "d3", true, "d3"},
		{Failed, "d4", true, "d4"},
		{Done, "d5", false, "d4"},
	} {
		newest, err := s.MigrationOf(t.Context(), 4, 7)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetState(t.Context(), newest.ID, c.state, "because"); err != nil {
			t.Fatal(err)
		}
		got, started := startMigration(t, s, newMigration(c.delivery))
		if started != c.started || got.Delivery != c.newest {
			t.Errorf("%s when %s: got that of %s, started %v", c.delivery, c.state, got.Delivery, started)
		}
	}
	if first, err := s.Migration(t.Context(), first.ID); err != nil || first.State != Failed {
		t.Errorf("the one that gave way is %s, %v", first.State, err)
	}
	if ids, err := s.Unfinished(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("unfinished: %v, %v", ids, err)
	}
	if _, err := s.MigrationOf(t.Context(), 4, 8); !errors.Is(err, ErrNotFound) {
		t.Errorf("migration of another issue: %v", err)
	}
}

func TestRequests(t *testing.T) {
	s := openTest(t)
	m, _ := startMigration(t, s, newMigration("d1"))
	answer := func(path, answer string, comment int64) Answer {
		return Answer{Path: path, Answer: answer, Question: "What?", Options: []string{"keep", "delete"},
			By: "ada", Comment: comment, At: time.UnixMilli(1700000000456)}
	}
	for _, r := range []Request{
		{ID: "comment 10", Answers: []Answer{answer("a.py", "keep", 10), answer("b.py", "keep", 10)}},
		{ID: "comment 12", Answers: []Answer{answer("a.py", "delete", 12)}},
		{ID: "comment 11", Answers: []Answer{answer("a.py", "keep", 11)}},   // comes late
		{ID: "comment 12", Answers: []Answer{answer("b.py", "delete", 12)}}, // comes twice
		{ID: "comment 13", Rerun: true},
		{ID: "comment 13", Rerun: true},
		{ID: "delivery x", Recheck: true},
		{ID: "delivery x", Recheck: true},
		{ID: "comment 14"},
	} {
		if err := s.Request(t.Context(), m.ID, r); err != nil {
			t.Fatal(err)
		}
	}
	m, err := s.Migration(t.Context(), m.ID)
	if err != nil || m.Revision != 5 || m.Rechecks != 1 {
		t.Errorf("revision %d, rechecks %d, %v", m.Revision, m.Rechecks, err)
	}
	answers, err := s.Answers(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	a, b := answer("a.py", "delete", 12), answer("b.py", "keep", 10)
	a.Revision, b.Revision = 3, 2
	if got, want := fmt.Sprintf("%+v", answers), fmt.Sprintf("%+v", []Answer{a, b}); got != want {
		t.Errorf("answers:\n got %s\nwant %s", got, want)
	}
}

func TestRename(t *testing.T) {
	s := openTest(t)
	want, _ := startMigration(t, s, newMigration("d1"))
	if err := s.Rename(t.Context(), want.ID, "bob", "kiosk"); err != nil {
		t.Fatal(err)
	}
	want.Owner, want.Name = "bob", "kiosk"
	if got, err := s.Migration(t.Context(), want.ID); err != nil || got != want {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestPhases(t *testing.T) {
	s := openTest(t)
	m, _ := startMigration(t, s, newMigration("d1"))
	p := Phase{Migration: m.ID, Round: 1, Number: 2, Revision: 1, Rechecks: 2, Pull: 9,
		Base: "b", Head: "h", Checked: "c", Error: "e", Tried: "t", Report: []byte(`{"a":1}`)}
	for range 2 {
		if err := s.SavePhase(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		all, err := s.Phases(t.Context(), m.ID, 1)
		if got, want := fmt.Sprintf("%+v", all), fmt.Sprintf("%+v", map[int]Phase{2: p}); err != nil || got != want {
			t.Errorf("got %s, %v\nwant %s", got, err, want)
		}
		p.Head, p.Skipped, p.Error, p.Tried = "", true, "", ""
	}
	for range 2 { // the second time is not from round 1 any more
		if err := s.NextRound(t.Context(), m.ID, 1); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := s.Migration(t.Context(), m.ID); err != nil || m.Round != 2 {
		t.Errorf("round %d, %v", m.Round, err)
	}
	if all, err := s.Phases(t.Context(), m.ID, 2); err != nil || len(all) != 0 {
		t.Errorf("phases of the next round: %v, %v", all, err)
	}

	// Another plan for the issue gets branches of its own.
	if err := s.SetState(t.Context(), m.ID, Failed, ""); err != nil {
		t.Fatal(err)
	}
	if next, _ := startMigration(t, s, newMigration("d2")); next.Round != 2 {
		t.Errorf("round %d of a migration after one with pull requests", next.Round)
	}
}

func TestPushes(t *testing.T) {
	s := openTest(t)
	for _, commit := range []string{"c1", "c2", "c1"} {
		if err := s.AddPush(t.Context(), 4, "restage/7/1-moves", commit); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Pushes(t.Context(), 4, "restage/7/1-moves")
	if err != nil || len(got) != 2 || !got["c1"] || !got["c2"] {
		t.Errorf("got %v, %v", got, err)
	}
	for _, other := range []struct {
		repository int64
		branch     string
	}{{4, "restage/7/2-imports"}, {5, "restage/7/1-moves"}} {
		if got, err := s.Pushes(t.Context(), other.repository, other.branch); err != nil || len(got) != 0 {
			t.Errorf("%v: %v, %v", other, got, err)
		}
	}
}

func TestUnfinished(t *testing.T) {
	s := openTest(t)
	var want []int64
	for i, state := range []State{Live, Paused, Failed, Done} {
		m := newMigration(string(state))
		m.Issue = i + 1
		m, _ = startMigration(t, s, m)
		if err := s.SetState(t.Context(), m.ID, state, ""); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			want = append(want, m.ID)
		}
	}
	if got, err := s.Unfinished(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
