package store

import (
	"fmt"
	"testing"
)

// The sources of a migration are those of its plan: another plan has others.
func TestSources(t *testing.T) {
	s := openTest(t)
	m, _ := startMigration(t, s, newMigration("d1"))
	want := func(files []string) {
		t.Helper()
		got, err := s.Sources(t.Context(), m.ID)
		if err != nil || fmt.Sprintf("%q %t", got, got == nil) != fmt.Sprintf("%q %t", files, files == nil) {
			t.Errorf("sources: %q, %v; want %q", got, err, files)
		}
	}
	set := func(revision int, files ...string) {
		t.Helper()
		if err := s.SetSources(t.Context(), m.ID, revision, append([]string{}, files...)); err != nil {
			t.Fatal(err)
		}
	}
	want(nil)
	set(1)
	want([]string{})
	set(1, "a.py")
	want([]string{})
	if err := s.Request(t.Context(), m.ID, Request{ID: "comment 1", Plan: &Plan{Text: "another"}}); err != nil {
		t.Fatal(err)
	}
	want(nil)
	set(1, "old.py")
	want(nil)
	set(2, "b.py", "c.py")
	want([]string{"b.py", "c.py"})
}
