package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/tree"
)

// A command of the configuration, as it is kept with its runs.
type verifyCommand struct {
	config.Verify
	Image string `json:"image,omitempty"`
}

// A verification is a command of the configuration on the head of a stage, beside
// what it gave on the base.
type verification struct {
	verifyCommand
	Attempt int           `json:"attempt"` // number of the request to run it
	Base    int           `json:"base"`    // likewise for the run on the base
	Result  *check.Result `json:"result"`  // nil until it ended on both commits

	head, base store.Run // as they are in this look
}

// setCommands makes the commands of the configuration those of a stage, whose base
// and head are about to be the given commits. What is known of one that ran on
// these already stays.
func (l *look) setCommands(ctx context.Context, s *stage, cfg *config.Config, base, head string) error {
	if s.row.Checked != head {
		if err := l.cancelHead(ctx, s, "A newer commit took the place of this one."); err != nil {
			return err
		}
	}
	before := s.report.Commands
	s.report.Commands = nil
	for _, v := range cfg.Verify {
		next := verification{verifyCommand: verifyCommand{v, cfg.Image}, Attempt: l.attempt(v.Name)}
		if l.greenFirst(s, cfg) {
			next.Base = next.Attempt // that it was found to be green by
		}
		for _, old := range before {
			if s.row.Base != base || old.verifyCommand != next.verifyCommand {
				continue
			}
			next.Base = max(next.Base, old.Base)
			if s.row.Checked == head && old.Attempt == next.Attempt {
				next.Result = old.Result
			}
		}
		s.report.Commands = append(s.report.Commands, next)
	}
	return nil
}

// attempt returns the number of the newest request to do a check again.
func (l *look) attempt(name string) int { return max(l.rechecks[""], l.rechecks[name]) }

// runCommands asks for the runs of the stage's commands on its head and base, and
// compares those that have ended. It reports whether one has since they were
// saved.
func (l *look) runCommands(ctx context.Context, s *stage) (news bool, err error) {
	s.awaited = true
	for i := range s.report.Commands {
		v := &s.report.Commands[i]
		if v.Result != nil && v.Result.Conclusion == cancelled {
			v.Result = nil
		}
		ended := v.Result != nil
		if err := l.runCommand(ctx, s, v); err != nil {
			return false, err
		}
		news = news || !ended && v.Result != nil
	}
	return news, nil
}

func (l *look) runCommand(ctx context.Context, s *stage, v *verification) (err error) {
	if l.runner.Name() == "none" {
		v.Result = &check.Result{Name: v.Name, Conclusion: check.Neutral, Title: runner.ErrNone.Error()}
		return nil
	}
	if v.head, err = l.ask(ctx, v.verifyCommand, s.row.Checked, v.Attempt); err != nil {
		return err
	}
	if v.base, err = l.ask(ctx, v.verifyCommand, s.row.Base, v.Base); err != nil {
		return err
	}
	again, err := v.baseAgain()
	if err != nil {
		return err
	}
	if again {
		v.Base = v.Attempt
		if v.base, err = l.ask(ctx, v.verifyCommand, s.row.Base, v.Base); err != nil {
			return err
		}
	}
	if v.Result == nil && v.head.State == store.Ended && v.base.State == store.Ended {
		v.Result, err = l.compare(ctx, s, v)
	}
	return err
}

// baseAgain reports whether somebody asked to try again since the run on the base,
// and that says nothing: restage failed, or the command did not come to its end.
func (v *verification) baseAgain() (bool, error) {
	if v.Base >= v.Attempt || v.Result != nil || v.base.State != store.Ended {
		return false, nil
	}
	if v.base.Error != "" {
		return true, nil
	}
	found, err := outcome(v.base)
	return err == nil && found.Broken != "", err
}

// outcome returns what a run found that has ended.
func outcome(r store.Run) (*report.Report, error) {
	found := &report.Report{}
	if err := json.Unmarshal([]byte(r.Outcome), found); err != nil {
		return nil, fmt.Errorf("what came of run %d: %w", r.ID, err)
	}
	return found, nil
}

// ask asks for the run of a command on a commit.
func (l *look) ask(ctx context.Context, v verifyCommand, commit string, attempt int) (store.Run, error) {
	command, err := json.Marshal(v)
	if err != nil {
		return store.Run{}, fmt.Errorf("command %s: %w", v.Name, err)
	}
	run, err := l.store.AskRun(ctx, store.Run{Repository: l.m.Repository, Commit: commit, Command: string(command), Attempt: attempt, Migration: l.m.ID})
	l.awaited = append(l.awaited, run.ID)
	return run, err
}

// compare says what a pull request changed in what a command finds.
func (l *look) compare(ctx context.Context, s *stage, v *verification) (*check.Result, error) {
	for _, r := range []store.Run{v.head, v.base} {
		if r.Error != "" {
			return &check.Result{Name: v.Name, Conclusion: check.Neutral, Title: "Could not be run",
				Summary: fmt.Sprintf("restage could not run this on %s: %s\n\nComment %s to try again.", l.where(s, r), markdown.Text(l.public(r.Error)), markdown.Code("/restage rerun "+v.Name))}, nil
		}
	}
	head, err := outcome(v.head)
	if err != nil {
		return nil, err
	}
	base, err := outcome(v.base)
	if err != nil {
		return nil, err
	}
	before, after, err := l.trees(ctx, s)
	if err != nil {
		return nil, err
	}
	base.Locate(finder(before))
	head.Locate(finder(after))
	moved := map[string]string{}
	for _, mv := range s.report.Moved {
		moved[mv.From] = mv.To
	}
	found := report.Compare(base, head, report.Moves{
		Paths: moved, Renamed: l.renamed(), Deleted: s.report.Deleted, Line: lines(before, after, moved),
	})
	c := comparison{found, base, head, l.m.Base, after}
	return c.result(v.Name), nil
}

// renamed returns the new paths of all files that the migration has moved.
func (l *look) renamed() map[string]string {
	paths := map[string]string{}
	for _, s := range l.stages {
		for _, mv := range s.report.Moved {
			paths[mv.From] = mv.To
		}
	}
	return paths
}

// where says on which of the two commits of a stage a run is.
func (l *look) where(s *stage, r store.Run) string {
	if r.Commit == s.row.Base {
		return markdown.Code(l.m.Base)
	}
	return "the pull request"
}

// trees returns what the base and the head of a stage hold.
func (l *look) trees(ctx context.Context, s *stage) (before, after tree.Tree, err error) {
	if err := l.openClone(ctx); err != nil {
		return nil, nil, err
	}
	if err := l.clone.Fetch(ctx, s.row.Base, s.row.Checked); err != nil {
		return nil, nil, err
	}
	if before, err = l.clone.Tree(s.row.Base); err != nil {
		return nil, nil, err
	}
	after, err = l.clone.Tree(s.row.Checked)
	return before, after, err
}

// finder returns a function that finds the file of a tree that a command means: it
// may have been started in a folder. It returns "" if there is none, or several.
// Commands name as many files as they like, so that a name is found by its end
// among the paths in the order of their ends.
func finder(t tree.Tree) func(path string) string {
	var ends []string
	return func(path string) string {
		if _, ok := tree.Find(t, path); ok {
			return path
		}
		if ends == nil {
			for _, e := range t.Entries() {
				ends = append(ends, reverse(e.Path))
			}
			slices.Sort(ends)
		}
		end := reverse("/" + path)
		i, _ := slices.BinarySearch(ends, end)
		fits := func(i int) bool { return i < len(ends) && strings.HasPrefix(ends[i], end) }
		if !fits(i) || fits(i+1) {
			return ""
		}
		return reverse(ends[i])
	}
}

// reverse returns the bytes of s from the last to the first.
func reverse(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// lines returns a function that says where a line of a file of one tree is in
// another, 0 if it is gone.
func lines(before, after tree.Tree, moved map[string]string) func(path string, line int) int {
	known := map[string]func(int) int{}
	return func(path string, line int) int {
		if known[path] == nil {
			known[path] = func(int) int { return 0 }
			old, err := before.Read(path)
			now, err2 := after.Read(cmp.Or(moved[path], path))
			if err == nil && err2 == nil {
				known[path] = report.Lines(old, now)
			}
		}
		return known[path](line)
	}
}

// results returns the results of all checks of a stage. One that has not ended
// has no conclusion.
func (r *record) results() []check.Result {
	all := slices.Clone(r.Results)
	for _, v := range r.Commands {
		if v.Result != nil {
			all = append(all, *v.Result)
		} else {
			all = append(all, v.pending())
		}
	}
	return all
}

// command returns the command whose check has that name, nil if there is none.
func (r *record) command(name string) *verification {
	for i := range r.Commands {
		if r.Commands[i].Name == name {
			return &r.Commands[i]
		}
	}
	return nil
}

// status returns where the check run of a command stands, "" if it has ended.
func (v *verification) status() string {
	switch {
	case v.Result != nil:
		return ""
	case v.head.State == store.Queued && v.base.State == store.Queued, v.head.ID == 0:
		return "queued"
	}
	return "in_progress"
}

// pending reports whether a command has not ended.
func (r *record) pending() bool {
	return slices.ContainsFunc(r.Commands, func(v verification) bool { return v.Result == nil })
}

// pending says where a command stands that has not ended.
func (v *verification) pending() check.Result {
	r := check.Result{Name: v.Name, Title: "waits for its turn"}
	if v.status() == "queued" {
		return r
	}
	r.Title = "runs"
	head := progress(v.head)
	if come := soFar(v.Report, v.head.Log); come != "" && v.head.State == store.Running {
		r.Title += ": " + come
		head += ", " + come
	}
	r.Summary = fmt.Sprintf("On the pull request: %s. On the base: %s.", head, progress(v.base))
	return r
}

// progress says in words where a run stands.
func progress(r store.Run) string {
	switch r.State {
	case store.Running:
		return "runs since " + r.Started.UTC().Format("15:04:05") + " UTC"
	case store.Ended:
		return "ended after " + r.Took.Round(time.Second).String()
	}
	return "waits for its turn"
}

// text shows the command and what it printed on the pull request: the last, and
// while it runs also the first.
func (v *verification) text() string {
	text := markdown.Block("sh", v.Run)
	log := strings.TrimSpace(v.head.Log)
	if v.head.State == store.Ended {
		log = tail(log)
	}
	if log != "" {
		text += "\n" + markdown.Block("", log)
	}
	return text
}

// tail returns the last lines of a log that fit into a check run.
func tail(log string) string {
	if len(log) <= maxTail {
		return log
	}
	return cutMark + lastLines(log, maxTail)
}

// lastLines returns the last lines of s that fit into size bytes, or the end of
// the last one if that alone does not.
func lastLines(s string, size int) string {
	if len(s) <= size {
		return s
	}
	s = s[len(s)-size:]
	if _, rest, _ := strings.Cut(s, "\n"); rest != "" {
		return rest
	}
	for len(s) > 0 && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}

// requireGreen reports whether the base is green, if the configuration wants that
// before anything is done. It pauses if the base is red, and reports false while
// that is being found out. The base may get commits faster than one is tested, so
// the one that was asked for first is the base of this look until it is red.
func (l *look) requireGreen(ctx context.Context, s *stage, cfg *config.Config) (bool, error) {
	if !l.greenFirst(s, cfg) || l.runner.Name() == "none" {
		return true, nil
	}
	newest := l.base
	if err := l.keepBase(ctx, s); err != nil {
		return false, err
	}
	red, ended, err := l.prove(ctx, cfg)
	if err == nil && len(red) > 0 && l.base != newest {
		l.base = newest
		red, ended, err = l.prove(ctx, cfg)
	}
	if err != nil {
		return false, err
	}
	if len(red) > 0 {
		return false, pause(fmt.Sprintf("%s is not green at %s, and the configuration wants that before anything moves:\n\n%s\n\n"+
			"Repair it, then comment `/restage rerun`; or set `baseline: compare`, and restage tells new failures from old ones.",
			markdown.Code(l.m.Base), markdown.Code(l.base[:7]), strings.Join(red, "\n")))
	}
	return ended, nil
}

// keepBase makes the commit that is being proven the base of this look. It does
// not if the branch lost that commit, or the stage was tried from it in vain.
func (l *look) keepBase(ctx context.Context, s *stage) error {
	first := l.m.Proving
	if first == "" || first == l.base || s.row.Error != "" && s.row.Tried == first {
		return nil
	}
	ok, err := l.repo.Contains(ctx, l.base, first)
	if ok {
		l.base = first
	}
	return err
}

// prove runs the commands of the configuration on the base. It says which of them
// failed, and whether all have ended.
func (l *look) prove(ctx context.Context, cfg *config.Config) (red []string, ended bool, err error) {
	if l.m.Proving != l.base {
		if err := l.store.Prove(ctx, l.m.ID, l.base); err != nil {
			return nil, false, err
		}
		l.m.Proving, l.awaited = l.base, nil // nobody awaits what runs on another
	}
	ended = true
	for _, v := range cfg.Verify {
		run, err := l.ask(ctx, verifyCommand{v, cfg.Image}, l.base, l.attempt(v.Name))
		if err != nil {
			return nil, false, err
		}
		if run.State != store.Ended {
			ended = false
			continue
		}
		text, err := l.redText(run)
		if err != nil {
			return nil, false, err
		}
		if text != "" {
			red = append(red, fmt.Sprintf("- %s: %s", markdown.Escape(v.Name), text))
		}
	}
	return red, ended, nil
}

// greenFirst reports whether the base must be green before a stage begins.
func (l *look) greenFirst(s *stage, cfg *config.Config) bool {
	return cfg.Baseline == config.RequireGreen && s.phase == phases.Moves
}

// Bounds of what is said about a red base.
const (
	maxRed    = 10      // failures
	maxRedLog = 2 << 10 // bytes
)

// redText says what a run on the base found, and what the command printed last; ""
// if it is green.
func (l *look) redText(run store.Run) (string, error) {
	if run.Error != "" {
		return "could not be run: " + markdown.Text(l.public(run.Error)), nil
	}
	found, err := outcome(run)
	if err != nil {
		return "", err
	}
	failures := slices.DeleteFunc(found.Findings, func(f report.Finding) bool {
		return f.Outcome != report.Failed || f.ID == "" && found.Broken != ""
	})
	if len(failures) == 0 && found.Broken == "" {
		return "", nil
	}
	text := plural(len(failures), "failure")
	if found.Broken != "" {
		text += "; it did not come to its end: " + markdown.Text(found.Broken)
	}
	for _, f := range failures[:min(len(failures), maxRed)] {
		text += "\n- " + findingText(f)
	}
	if more := len(failures) - maxRed; more > 0 {
		text += fmt.Sprintf("\n- and %d more", more)
	}
	if log := strings.TrimSpace(run.Log); log != "" {
		text += "\n\n" + strings.TrimSpace(markdown.Block("", lastLines(log, maxRedLog)))
	}
	return strings.ReplaceAll(text, "\n", "\n  "), nil // within the item of the command
}
