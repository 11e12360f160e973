package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/plan"
)

// maxText is how long the text of a comment or a pull request may be, in
// characters, with room for a marker.
const maxText = github.MaxBody - 200

// maxPlan bounds the plan as it is shown in the status, in characters.
const maxPlan = 30000

var statusMarker = marker("status")

// showStatus brings the one status comment on the issue up to date. Working says
// that the next phase is being computed.
func (l *look) showStatus(ctx context.Context, working bool) error {
	changed, err := l.putComment(ctx, statusMarker, l.statusText(working))
	if changed {
		l.log.Info("status shown", "migration", l.m.ID, "state", l.m.State)
	}
	return err
}

// putComment brings the comment on the issue that has a marker up to date, and
// adds it if there is none. It reports whether anything had to be done.
func (l *look) putComment(ctx context.Context, mark, text string) (changed bool, err error) {
	body := mark + "\n" + github.Clip(text, maxText)
	if l.comments == nil {
		if l.comments, err = l.repo.Comments(ctx, l.m.Issue); err != nil {
			return false, err
		}
	}
	c := find(l.comments, mark)
	if c == nil {
		c, err = l.repo.AddComment(ctx, l.m.Issue, body)
		l.comments = append(l.comments, c)
		return err == nil, err
	}
	if github.SameText(c.GetBody(), body) {
		return false, nil
	}
	err = l.repo.EditComment(ctx, c.GetID(), body)
	c.Body = &body
	return err == nil, err
}

// currentStatus returns the text of the status comment, for a reply.
func (b *Bot) currentStatus(ctx context.Context, repo *github.Repo, m store.Migration) (string, error) {
	comments, err := repo.Comments(ctx, m.Issue)
	if err != nil {
		return "", err
	}
	c := find(comments, statusMarker)
	if c == nil {
		return "restage is reading the plan. Its status will be a comment on the issue.", nil
	}
	return strings.TrimPrefix(c.GetBody(), statusMarker), nil
}

// statusData is what the template of the status comment shows. Strings are
// Markdown.
type statusData struct {
	Title     string
	Next      string
	Stages    []stageLine
	Steps     string
	Decisions string
	Answers   []store.Answer
	Warnings  int
	Plan      string
}

// A stageLine is a phase in the table of the status comment.
type stageLine struct {
	Number int
	Name   string
	Pull   string
	State  string
	Checks string
}

func (l *look) statusText(working bool) string {
	d := statusData{
		Title:     markdown.Text(l.title()),
		Next:      l.nextText(working),
		Answers:   l.answers,
		Decisions: decisionsText(l.openDecisions()),
	}
	for _, s := range slices.Concat(l.earlier, l.stages) {
		if l.plan == nil && s.pull == nil {
			continue // nothing can be done with a plan that cannot be read
		}
		d.Stages = append(d.Stages, l.stageLine(s))
		if s.known && s.open() {
			d.Warnings += len(s.report.eyes())
		}
	}
	d.Steps = l.stepsText()
	if l.plan != nil {
		if d.Plan = l.plan.Markdown(); utf8.RuneCountInString(d.Plan) > maxPlan {
			d.Plan = "It is too long to be shown here; `restage plan` shows it."
		}
	}
	return render("status", d)
}

// stepsText lists the steps of the plan with where each was carried out, or
// returns "" if the plan has none.
func (l *look) stepsText() string {
	if l.plan == nil || len(l.plan.Steps) == 0 {
		return ""
	}
	var lines []string
	done := 0
	for _, step := range l.plan.Steps {
		mark, where, checks := l.stepState(step)
		if mark == "✅" {
			done++
		}
		lines = append(lines, fmt.Sprintf("| %s | %d | %s | %s | %s | %s |", mark, step.Number, markdown.Escape(step.Title), step.Phase, where, checks))
	}
	return rows("| | Step | | Phase | Commits | Checks |\n|---|--:|---|---|---|---|\n", fmt.Sprintf("%d of %s done", done, plural(len(lines), "step")), lines)
}

// stepState says whether a step is done, by which commits, and whether they are
// green. A step is done when its phase and every phase that has commits of it
// are merged, or had nothing to do.
func (l *look) stepState(step plan.Step) (state, commits, checks string) {
	state = "✅"
	var where []string
	for _, s := range slices.Concat(l.earlier, l.stages) {
		ids := s.report.commitsOf(step.Number)
		mine := l.plan.PhaseOf(step.Number) == string(s.phase)
		if over := s.merged() || s.known && s.row.Skipped; !over && (mine || len(ids) > 0) {
			state = "⏳"
		}
		for _, id := range ids {
			line := markdown.Code(id[:7])
			if s.pull != nil {
				line += fmt.Sprintf(" (#%d)", s.pull.GetNumber())
			}
			where = append(where, line)
		}
		if len(ids) > 0 {
			checks += conclusion(s.report.results())
		}
	}
	return state, strings.Join(where, ", "), checks
}

// commitsOf returns the commits that carried out a step.
func (r *record) commitsOf(step int) []string {
	var ids []string
	for i, c := range r.Commits {
		if c.Step == step && i < len(r.IDs) {
			ids = append(ids, r.IDs[i])
		}
	}
	return ids
}

// conclusion returns one mark for all checks of a phase.
func conclusion(results []check.Result) string {
	switch {
	case len(results) == 0:
		return ""
	case slices.ContainsFunc(results, func(r check.Result) bool { return r.Conclusion == "" }):
		return mark("")
	case slices.ContainsFunc(results, func(r check.Result) bool { return r.Conclusion == check.Failure }):
		return mark(check.Failure)
	case slices.ContainsFunc(results, func(r check.Result) bool { return r.Conclusion == cancelled }):
		return mark(cancelled)
	}
	return mark(check.Success)
}

// title returns the title of the plan, or that of the issue.
func (l *look) title() string {
	if l.plan != nil && l.plan.Title != "" {
		return l.plan.Title
	}
	return l.issue.GetTitle()
}

func (l *look) stageLine(s *stage) stageLine {
	line := stageLine{Number: s.number, Name: string(s.phase), State: "waits"}
	current := s.known && s.row.Revision == l.m.Revision
	switch {
	case s.merged():
		line.State = "merged"
		if r := l.revertOf(s); r != nil {
			line.State = revertText(*r)
		}
	case s.known && s.row.Skipped && l.skips[s.number].By != "":
		line.State = "skipped by " + markdown.Code(l.skips[s.number].By)
	case current && s.row.Error != "":
		line.State = "stuck"
	case current && s.row.Skipped && len(unanswered(s.report.Decisions, l.answers)) > 0:
		line.State = "nothing to do yet"
	case current && s.row.Skipped:
		line.State = "nothing to do"
	case s.open() && s.known && !s.own[s.row.Checked]:
		line.State = "open, with commits that restage did not make and leaves alone"
	case s.open():
		line.State = "open"
	case s.pull != nil:
		line.State = "closed"
	}
	if s.pull != nil {
		line.Pull = fmt.Sprintf("#%d", s.pull.GetNumber())
	}
	if s.known && !s.row.Skipped {
		line.Checks = checksText(s.report.results())
	}
	return line
}

// nextText says what happens next and what people can do for it.
func (l *look) nextText(working bool) string {
	merged := slices.ContainsFunc(slices.Concat(l.earlier, l.stages), (*stage).merged)
	switch l.m.State {
	case store.Done:
		if !merged {
			return "Nothing had to be done: the repository is as the plan wants it."
		}
		return "Everything is merged. " + l.tasksLeft()
	case store.Failed:
		return l.m.Message
	case store.Paused:
		if !working {
			return "**Paused.** " + l.m.Message
		}
	}
	if working {
		return "restage is at work on the next pull request."
	}
	if len(l.rivals) > 0 {
		return rivalsText(l.rivals)
	}
	if l.testing {
		return fmt.Sprintf("restage runs the repository's own checks on %s first: the configuration wants them to be green before anything moves.", markdown.Code(l.m.Base))
	}
	for _, s := range l.stages {
		if s.open() && conclusion(s.report.results()) == mark("") {
			return fmt.Sprintf("The checks of #%d are being done. When they have ended, review it and merge it.", s.pull.GetNumber())
		}
		if s.open() {
			return fmt.Sprintf("Review #%d and merge it. What comes next happens by itself.", s.pull.GetNumber())
		}
	}
	for _, s := range l.stages {
		if s.merged() && s.report.pending() {
			return fmt.Sprintf("#%d is merged. Its checks are still being done.", s.pull.GetNumber())
		}
	}
	switch open := len(l.openDecisions()) > 0; {
	case open && !merged:
		return "Nothing is done yet: everything that is left to do waits for the decisions below."
	case open:
		return "Everything that was clear is merged. What is left waits for the decisions below."
	}
	return "restage is at work on the next pull request."
}

// tasksLeft says where the plan has tasks for people that are not ticked off.
func (l *look) tasksLeft() string {
	var where []string
	for _, s := range slices.Concat(l.earlier, l.stages) {
		if strings.Contains(s.pull.GetBody(), "\n- [ ] Step ") {
			where = append(where, fmt.Sprintf("#%d", s.pull.GetNumber()))
		}
	}
	if len(where) == 0 {
		return "Nothing is left to do."
	}
	return "What is left is for people: the tasks in " + strings.Join(where, " and ") + "."
}

// checksText returns the results of checks in one line.
func checksText(results []check.Result) string {
	var all []string
	for _, r := range results {
		all = append(all, mark(r.Conclusion)+" "+markdown.Escape(r.Name))
	}
	return strings.Join(all, ", ")
}

func mark(c check.Conclusion) string {
	switch c {
	case check.Success:
		return "✅"
	case check.Failure:
		return "❌"
	case "":
		return "⏳"
	}
	return "➖"
}
