package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/restage/restage/bot/store"
)

// begin reports whether the migration may open branches: no other one is at work
// on what its plan claims.
func (l *look) begin(ctx context.Context, claims []string) (bool, error) {
	c := store.Claim{Migration: l.m.ID, Revision: l.m.Revision, Paths: claims}
	c.Begun = slices.ContainsFunc(slices.Concat(l.earlier, l.stages), func(s *stage) bool { return s.open() || s.merged() })
	var err error
	l.rivals, err = l.store.Begin(ctx, c)
	return len(l.rivals) == 0, err
}

// rivalsText says which migrations this one waits for, and why; not more of both
// than people can take in.
func rivalsText(rivals []store.Rival) string {
	const most = 3
	var b strings.Builder
	for _, r := range rivals[:min(len(rivals), most)] {
		fmt.Fprintf(&b, "- waits for #%d: it also moves or deletes %s\n", r.Issue, fileList(r.Paths))
	}
	if more := len(rivals) - most; more > 0 {
		fmt.Fprintf(&b, "- and for %d more\n", more)
	}
	return "Another migration is at work on the same files, so this one\n\n" + b.String() +
		"\nrestage goes on by itself when that is done or cancelled."
}
