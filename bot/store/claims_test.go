package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// openMigrations starts migrations of issues 1 to n of one repository. Their IDs
// are those of the issues.
func openMigrations(t *testing.T, n int) *Store {
	t.Helper()
	s := openTest(t)
	for i := 1; i <= n; i++ {
		m := newMigration(fmt.Sprint("d", i))
		m.Issue = i
		startMigration(t, s, m)
	}
	return s
}

// Who claims the same works one after the other, and who waits is looked at when
// what it waits for ends or changes.
func TestClaims(t *testing.T) {
	s := openMigrations(t, 4)
	for _, step := range []struct {
		name  string
		id    int64  // the migration
		paths string // that it claims
		end   State  // or its end
		want  string // what Begin returns
		looks string // that are asked for
	}{
		{name: "the first begins", id: 2, paths: "a/x.py a/y.py"},
		{name: "a later one waits", id: 3, paths: "a b", want: "2: a/x.py a/y.py"},
		{name: "an earlier one waits, too", id: 1, paths: "a/x.py", want: "2: a/x.py"},
		{name: "one waits for who waits", id: 4, paths: "b/z.py", want: "3: b/z.py"},
		{name: "who has begun goes on", id: 2, paths: "a/x.py c", looks: "1 3 4"},
		{name: "the same again is no news", id: 2, paths: "a/x.py c"},
		{name: "what is called alike is another", id: 4, paths: "ab b.py", looks: "1 3"},
		{name: "it ends", id: 2, end: Done, looks: "1 3"},
		{name: "it ends again", id: 2, end: Done},
		{name: "who waits lets the earlier one begin first", id: 3, paths: "a b", want: "1: a/x.py"},
		{name: "that begins", id: 1, paths: "a/x.py"},
		{name: "a pause is no end", id: 1, end: Paused},
		{name: "who waits still waits", id: 3, paths: "a b", want: "1: a/x.py"},
		{name: "that is cancelled", id: 1, end: Failed, looks: "3"},
		{name: "at last", id: 3, paths: "a b"},
	} {
		query(t, s, `DELETE FROM river_job RETURNING id`)
		if step.end != "" {
			if err := s.SetState(t.Context(), step.id, step.end, "because"); err != nil {
				t.Fatal(err)
			}
		} else {
			c := Claim{Migration: step.id, Revision: 1, Paths: strings.Fields(step.paths)}
			rivals, err := s.Begin(t.Context(), c)
			again, err2 := s.Rivals(t.Context(), step.id, 1)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			if got, stored := rivalsText(rivals), rivalsText(again); got != step.want || stored != got {
				t.Errorf("%s: waits for %q, by what is stored for %q; want %q", step.name, got, stored, step.want)
			}
		}
		got := query(t, s, `SELECT args ->> 'migration' FROM river_job WHERE kind = 'look' ORDER BY 1`)
		if got != step.looks {
			t.Errorf("%s: looks at %q, want %q", step.name, got, step.looks)
		}
	}
	if rivals, err := s.Rivals(t.Context(), 3, 2); len(rivals) > 0 || err != nil {
		t.Errorf("of a plan that claimed nothing yet: %v, %v", rivals, err)
	}
}

func rivalsText(rivals []Rival) string {
	var parts []string
	for _, r := range rivals {
		parts = append(parts, fmt.Sprintf("%d: %s", r.Issue, strings.Join(r.Paths, " ")))
	}
	return strings.Join(parts, "; ")
}

// Of many that claim the same at once, one begins.
func TestClaimsAtOnce(t *testing.T) {
	const n = 8
	s := openMigrations(t, n)
	begun := make(chan int64, n)
	var work sync.WaitGroup
	for id := int64(1); id <= n; id++ {
		work.Go(func() {
			rivals, err := s.Begin(t.Context(), Claim{Migration: id, Revision: 1, Paths: []string{"a"}})
			if err != nil {
				t.Error(err)
			}
			if len(rivals) == 0 {
				begun <- id
			}
		})
	}
	work.Wait()
	if len(begun) != 1 {
		t.Errorf("%d have begun, want 1", len(begun))
	}
}
