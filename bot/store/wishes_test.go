package store

import (
	"fmt"
	"testing"
)

// Each step: a request, then what people want, where the migration stands, and
// its round and revision.
func TestWishes(t *testing.T) {
	s := openTest(t)
	m, _ := startMigration(t, s, newMigration("d1"))
	pause, cancel, resume := &Wish{Kind: Pause, Why: "Wait."}, &Wish{Kind: Cancel, Why: "No."}, &Wish{}
	for i, c := range []struct {
		request Request
		want    string
	}{
		{Request{Wish: pause}, "pause live 1.1 map[] []"},
		{Request{Wish: resume}, " live 1.1 map[] []"}, // nothing changed meanwhile
		{Request{Wish: resume}, " live 1.2 map[] []"}, // to try again
		{Request{Wish: cancel}, "cancel failed 1.2 map[] []"},
		{Request{Wish: pause}, "cancel failed 1.2 map[] []"}, // what has ended is not paused
		{Request{Wish: resume}, " live 1.3 map[] []"},
		{Request{Skips: []Skip{{3, "bob", 5}, {2, "ada", 5}}}, " live 1.3 map[2:{2 ada 5} 3:{3 bob 5}] []"},
		{Request{Skips: []Skip{{2, "", 6}, {3, "", 4}}}, " live 1.4 map[2:{2  6} 3:{3 bob 5}] []"},
		{Request{Skips: []Skip{{2, "eve", 5}, {3, "", 4}}}, " live 1.4 map[2:{2  6} 3:{3 bob 5}] []"}, // of older comments
		{Request{Reverts: []Revert{{Round: 1, Number: 2}, {Round: 1, Number: 1}}}, " live 1.4 map[2:{2  6} 3:{3 bob 5}] [2 wanted 1 wanted]"},
		{Request{Wish: resume}, " live 1.5 map[2:{2  6} 3:{3 bob 5}] [2 dropped 1 dropped]"},
		{Request{Reverts: []Revert{{Round: 1, Number: 2}}}, " live 1.5 map[2:{2  6} 3:{3 bob 5}] [2 merged 1 dropped]"},
		{Request{Wish: pause}, "pause live 1.5 map[2:{2  6} 3:{3 bob 5}] [2 merged 1 dropped]"},
		{Request{Wish: resume}, " live 1.5 map[2:{2  6} 3:{3 bob 5}] [2 merged 1 dropped]"},
		{Request{Wish: resume}, " live 2.6 map[2:{2  6} 3:{3 bob 5}] [2 over 1 dropped]"}, // what was taken back is done again
		{Request{Wish: resume}, " live 2.7 map[2:{2  6} 3:{3 bob 5}] [2 over 1 dropped]"},
		{Request{Wish: pause, Said: 8}, "pause live 2.7 map[2:{2  6} 3:{3 bob 5}] [2 over 1 dropped]"},
		{Request{Wish: resume, Said: 7}, "pause live 2.7 map[2:{2  6} 3:{3 bob 5}] [2 over 1 dropped]"}, // of an older comment
		{Request{Said: 9}, "pause live 2.7 map[2:{2  6} 3:{3 bob 5}] [2 over 1 dropped]"},
		{Request{Wish: cancel, Said: 8}, "pause live 2.7 map[2:{2  6} 3:{3 bob 5}] [2 over 1 dropped]"},
		{Request{Wish: resume, Said: 10}, " live 2.7 map[2:{2  6} 3:{3 bob 5}] [2 over 1 dropped]"},
	} {
		c.request.ID = fmt.Sprint("comment ", i)
		for range 2 { // the second counts for nothing
			if err := s.Request(t.Context(), m.ID, c.request); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Cancelled(t.Context(), m.ID, "No."); err != nil {
			t.Fatal(err)
		}
		if len(c.request.Reverts) == 1 { // its pull request is merged
			r := c.request.Reverts[0]
			r.State = Reverted
			if err := s.SaveRevert(t.Context(), m.ID, r); err != nil {
				t.Fatal(err)
			}
		}
		reverts, err := s.Reverts(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, r := range reverts {
			list = append(list, fmt.Sprint(r.Number, " ", r.State))
		}
		wish, err := s.Wish(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		skips, err := s.Skips(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		now, err := s.Migration(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%s %s %d.%d %v %v", wish.Kind, now.State, now.Round, now.Revision, skips, list)
		if got != c.want {
			t.Errorf("step %d: got %q, want %q", i, got, c.want)
		}
	}
}

// Whoever asks first is told, however often that is handled, and nobody is told
// twice, wherever they ask.
func TestRefuse(t *testing.T) {
	s := openTest(t)
	for i, c := range []struct {
		issue          int
		login, request string
		want           bool
	}{
		{1, "eve", "comment 7", true},
		{1, "eve", "comment 6", false},
		{1, "eve", "comment 7", true},
		{1, "mallory", "comment 6", true},
		{4, "eve", "comment 6", true},
		{4, "eve", "delivery x", false},
	} {
		if got, err := s.Refuse(t.Context(), 1, c.issue, c.login, c.request); err != nil || got != c.want {
			t.Errorf("step %d: got %v, %v", i, got, err)
		}
	}
}
