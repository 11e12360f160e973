package bot

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/tree"
)

// keepUp keeps an open pull request in step with its base branch. When that
// went on, the phase is computed on its newest commit: the pull request stays as
// it is if merging it would lead to the same, and is brought up to date if not.
func (l *look) keepUp(ctx context.Context, s *stage) (skipped bool, err error) {
	if l.issue.GetState() == "closed" {
		return false, pause(closedText)
	}
	if err := l.findBase(ctx); err != nil {
		return false, err
	}
	if l.base == cmp.Or(s.row.Tried, s.row.Base) || s.row.Head == "" {
		return false, l.keepChecked(ctx, s)
	}
	same, err := l.sameOnBase(ctx, s)
	if err != nil {
		return false, err
	}
	if !same {
		if l.m.Proving == s.row.Base {
			l.m.Proving = "" // what was green says nothing about what came since
		}
		return l.make(ctx, s)
	}
	s.row.Tried = l.base
	if err := l.save(ctx, s); err != nil {
		return false, err
	}
	return false, l.keepChecked(ctx, s)
}

// sameOnBase reports whether a phase does the same from the newest base as it
// did: what it leads to is what merging the pull request would, as restage made
// it. It asks no questions that were not asked before.
func (l *look) sameOnBase(ctx context.Context, s *stage) (bool, error) {
	cfg, err := l.config()
	if isBroken(err) {
		return false, pause(brokenText(err) + " Then comment `/restage rerun`.")
	}
	if err != nil {
		return false, err
	}
	opt, err := l.options(ctx, cfg)
	if err != nil {
		return false, err
	}
	if err := l.clone.Fetch(ctx, l.base, s.row.Base, s.row.Head); err != nil {
		return false, err
	}
	before, err := l.clone.Tree(l.base)
	if err != nil {
		return false, err
	}
	change, err := phases.Run(ctx, before, l.plan, s.phase, opt)
	if err != nil {
		return false, nil // make says why
	}
	if decisionsText(change.Decisions) != decisionsText(s.report.Decisions) {
		return false, nil
	}
	trial := *s
	trial.report = record{Change: *change}
	if err := l.format(ctx, &trial, before, cfg); err != nil {
		return false, err
	}
	head, err := l.commit(ctx, &trial, before)
	if err != nil || head == l.base { // all of it came in some other way
		return false, err
	}
	same, err := l.clone.Merges(s.row.Base, s.row.Head, l.base, head)
	if err != nil || !same {
		return false, err
	}
	s.report.Touched, err = l.clone.Touched(l.base, head)
	return true, err
}

// join brings what came of a phase to a branch that people committed to: as a
// merge on top of what they did. It pauses where the two do not go together.
// Before is what came of the phase when the branch had it last.
func (l *look) join(ctx context.Context, s *stage, before record, tip, head string) (merged string, err error) {
	from := s.row.Head
	if from == "" || head == l.base {
		return "", l.leaveAlone(ctx, s, before, tip, "restage has nothing to do there any more")
	}
	settled := false // who merged the base into the branch settled what was in the way
	if l.base != s.row.Base {
		if settled, err = l.repo.Contains(ctx, tip, l.base); err != nil {
			return "", err
		}
	}
	if settled {
		from = l.base
	}
	if err := l.clone.Fetch(ctx, from, tip); err != nil {
		return "", err
	}
	me, err := l.repo.Identity(ctx)
	if err != nil {
		return "", err
	}
	merged, conflicts, err := l.clone.Merge(from, tip, head, github.Commit{
		Message: fmt.Sprintf("Bring up to date with %s\n\nPhase %d of #%d.\n", title(l.m.Base), s.number, l.m.Issue),
		Name:    me.Login,
		Email:   me.Email,
		When:    l.m.Created,
	})
	if err != nil || len(conflicts) == 0 || settled {
		return merged, err
	}
	return "", l.leaveAlone(ctx, s, before, tip, "what restage has to change now is in the way of these commits in "+fileList(conflicts))
}

// leaveAlone stops before a branch with commits of people, and says what they
// can do. The stage stays as it was.
func (l *look) leaveAlone(ctx context.Context, s *stage, before record, tip, why string) error {
	s.report = before
	s.report.Tip = tip
	return l.stick(ctx, s, fmt.Sprintf("#%d has commits that restage did not make, so it overwrites nothing: %s. You can\n\n"+
		"- merge %s into %s, settle what is in the way, and push: restage goes on from there;\n"+
		"- merge the pull request as it is, or close it;\n"+
		"- comment `/restage rebuild --discard`: restage makes the branch anew, without these commits.",
		s.pull.GetNumber(), why, markdown.Code(l.m.Base), markdown.Code(s.branch)))
}

// sayWhatCame says in a pull request that it was brought up to date, and for
// what. Before is what came of the phase on the commit from.
func (l *look) sayWhatCame(ctx context.Context, s *stage, before *record, from string) error {
	if from == "" || from == l.base {
		return nil
	}
	if err := l.clone.Fetch(ctx, from); err != nil {
		return err
	}
	old, err := l.clone.Tree(from)
	if err != nil {
		return err
	}
	now, err := l.clone.Tree(l.base)
	if err != nil {
		return err
	}
	news := cameIn(before, &s.report, old, now)
	if len(news) == 0 {
		return nil
	}
	const most = 5
	if more := len(news) - most; more > 0 {
		news = append(news[:most], fmt.Sprintf("and %d more", more))
	}
	return l.reply(ctx, l.repo, s.pull.GetNumber(), fmt.Sprintf("base %s", l.base), fmt.Sprintf(
		"%s went on to %s, and this pull request with it: %s.", markdown.Code(l.m.Base), l.base, strings.Join(news, ", ")))
}

// cameIn says what a phase asks now, and which of the files that it touches are not
// as they were.
func cameIn(before, after *record, old, now tree.Tree) []string {
	references := map[string]int{}
	for _, r := range after.Rewritten {
		references[r.Path] += r.References
	}
	for _, r := range before.Rewritten {
		references[r.Path] -= r.References
	}
	touched := map[string]bool{}
	for _, r := range []*record{before, after} {
		for _, c := range r.Commits {
			for _, path := range c.Files {
				touched[path] = true
			}
		}
	}
	var news []string
	for _, d := range after.Decisions {
		if !slices.ContainsFunc(before.Decisions, func(o phases.Decision) bool { return o.Path == d.Path }) {
			news = append(news, markdown.Code(d.Path)+" (a question to you)")
		}
	}
	for _, path := range slices.Sorted(maps.Keys(touched)) {
		was, err := old.Read(path)
		is, err2 := now.Read(path)
		switch n := references[path]; {
		case n > 0:
			news = append(news, fmt.Sprintf("%s (%s more)", markdown.Code(path), plural(n, "reference")))
		case n < 0:
			news = append(news, fmt.Sprintf("%s (%s fewer)", markdown.Code(path), plural(-n, "reference")))
		case err != nil && err2 == nil:
			news = append(news, markdown.Code(path)+" (new)")
		case err == nil && err2 != nil:
			news = append(news, markdown.Code(path)+" (gone)")
		case !bytes.Equal(was, is):
			news = append(news, markdown.Code(path)+" (changed)")
		}
	}
	return news
}
