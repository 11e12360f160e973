package bot

import (
	"context"
	"fmt"
	"slices"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases/markdown"
)

// noticeTakenBack finds out whether people took merged phases back on the base
// branch, past restage, and says so. Such a phase is as one that restage took back
// for them.
//
// It looks at each commit of the base branch once: the last one looked at is what
// a merged phase was tried on.
func (l *look) noticeTakenBack(ctx context.Context) error {
	var merged []*stage
	for _, s := range slices.Concat(l.earlier, l.stages) {
		known := slices.ContainsFunc(l.reverts, func(r store.Revert) bool { return r.Round == s.row.Round && r.Number == s.number })
		if s.merged() && len(s.report.Touched) > 0 && !known {
			merged = append(merged, s)
		}
	}
	if len(merged) == 0 {
		return nil
	}
	if err := l.findBase(ctx); err != nil {
		return err
	}
	if !slices.ContainsFunc(merged, func(s *stage) bool { return s.row.Tried != l.base }) {
		return nil
	}
	if err := l.fetchBase(ctx); err != nil {
		return err
	}
	now, err := l.clone.IDs(l.base)
	if err != nil {
		return err
	}
	later := map[string]bool{} // what phases after this one touched
	for _, s := range slices.Backward(merged) {
		path, landed := s.report.undone(now, later)
		if path != "" && !s.report.Landed {
			// The base branch may be told as it was before the merge.
			if landed, err = l.repo.Contains(ctx, l.base, s.pull.GetMergeCommitSHA()); err != nil {
				return err
			}
			if !landed {
				return nil
			}
		}
		if path != "" {
			if err := l.takenBack(ctx, s, path); err != nil {
				return err
			}
			continue
		}
		for _, t := range s.report.Touched {
			later[t.Path] = true
		}
		s.report.Landed = s.report.Landed || landed
		s.report.Into = s.pull.GetBase().GetRef()
		s.row.Tried = l.base
		if err := l.save(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// undone looks at what a phase touched in the files that there are now, but for
// what later phases touched. It returns one of the paths if nearly all are as they
// were before the phase, and otherwise whether some are as the phase left them.
// People may have edited some in the meantime, which come back with that.
func (r *record) undone(now map[string]string, later map[string]bool) (path string, landed bool) {
	back, kept, edited := 0, 0, 0
	for _, t := range r.Touched {
		switch id := now[t.Path]; {
		case later[t.Path]:
		case id == t.Before:
			path = t.Path
			back++
		case id == t.After, id == "":
			kept++
		default:
			edited++
		}
	}
	if back > 9*kept && back >= edited {
		return path, false
	}
	return "", kept > 0
}

// takenBack says that people took a phase back, which made the file at path what it
// was, and records it.
func (l *look) takenBack(ctx context.Context, s *stage, path string) error {
	commit, err := l.repo.LastChange(ctx, l.base, path)
	if err != nil {
		return err
	}
	if commit != "" { // older than the phase where a branch was set back
		newer, err := l.repo.Contains(ctx, commit, s.row.Base)
		if err != nil {
			return err
		}
		if !newer || commit == s.row.Base {
			commit = ""
		}
	}
	by := ""
	if commit != "" {
		by = " by " + commit
	}
	err = l.reply(ctx, l.repo, l.m.Issue, fmt.Sprintf("taken back %d.%d.%d", l.m.ID, s.row.Round, s.number), fmt.Sprintf(
		"Phase %d, %s (#%d), was taken back on %s%s. restage pauses. Comment `/restage resume` to have it done again, from the newest %[4]s, "+
			"in a new pull request, or `/restage cancel` to end the migration.",
		s.number, s.phase, s.pull.GetNumber(), markdown.Code(l.m.Base), by))
	if err != nil {
		return err
	}
	r := store.Revert{Round: s.row.Round, Number: s.number, State: store.Reverted, Commit: commit}
	if err := l.store.AddRevert(ctx, l.m.ID, r); err != nil {
		return err
	}
	l.log.Info("phase taken back by people", "migration", l.m.ID, "phase", s.phase, "commit", commit)
	l.reverts, err = l.store.Reverts(ctx, l.m.ID)
	return err
}
