package bot

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/tree"
)

// pullData is what the template of a pull request's body shows. Strings are
// Markdown.
type pullData struct {
	Number    int
	Phase     phases.Phase
	Issue     int
	Title     string
	Moved     string
	Merged    string // into files that were there
	Rewritten string
	Files     int // with rewritten references
	Count     int // of rewritten references
	Deleted   string
	Warnings  string
	Decisions string
	Checks    string
	Tasks     string // for people, as a checklist
	Guide     string // old and new imports
	Commits   int
	Phases    string
}

// pullTitle returns the title of the pull request of a stage.
func (l *look) pullTitle(s *stage) string {
	verb := map[phases.Phase]string{
		phases.Moves:   "move files",
		phases.Imports: "rewrite references",
		phases.Cleanup: "clean up",
	}[s.phase]
	return fmt.Sprintf("restage %d/%d: %s (%s)", s.number, len(l.stages), verb, title(l.title()))
}

// reference matches what GitHub reads as a reference to an issue in a commit
// message, where no escape exists.
var reference = regexp.MustCompile(`(?i)#(\d)|\bGH-(\d)|://`)

// mention matches what GitHub reads in a commit message as somebody's name, and
// tells that person of each push.
var mention = regexp.MustCompile(`(^|\W)@(\w)`)

// title returns s as the title of a commit or a pull request: one line without
// references, which could close issues, without mentions, and without brackets,
// which could tell a CI to skip the commit.
func title(s string) string {
	s = reference.ReplaceAllStringFunc(markdown.OneLine(s), func(m string) string {
		if m == "://" {
			return ": //"
		}
		return "no. " + m[len(m)-1:]
	})
	s = mention.ReplaceAllString(s, "$1@ $2")
	return markdown.Shorten(strings.NewReplacer("[", "(", "]", ")").Replace(s), 180)
}

// pullBody returns the body of the pull request of a stage.
func (l *look) pullBody(s *stage) string {
	r := s.report
	d := pullData{
		Number:    s.number,
		Phase:     s.phase,
		Issue:     l.m.Issue,
		Title:     markdown.Text(l.title()),
		Moved:     movedTable(r.Moved, false),
		Merged:    movedTable(r.Moved, true),
		Deleted:   deletedList(r.Deleted),
		Rewritten: rewrittenTable(r.Rewritten),
		Files:     len(r.Rewritten),
		Warnings:  l.warningList(s),
		Decisions: decisionsText(unanswered(r.Decisions, l.answers)),
		Checks:    l.checksTable(s),
		Tasks:     l.taskList(s),
		Guide:     guideText(r.Guide),
		Commits:   len(r.Commits),
		Phases:    l.phaseList(s),
	}
	for _, w := range r.Rewritten {
		d.Count += w.References
	}
	return github.Clip(render("pull", d), maxText)
}

// taskList lists what the plan asks of people in the steps of a stage.
func (l *look) taskList(s *stage) string {
	var lines []string
	for _, t := range l.plan.Tasks() {
		if l.plan.PhaseOf(t.Step) == string(s.phase) {
			lines = append(lines, fmt.Sprintf("- [ ] Step %d: %s", t.Step, markdown.Text(t.Text)))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return rows("", plural(len(lines), "task"), lines)
}

// keepTicks returns body with the tasks ticked off that are in old.
func keepTicks(body, old string) string {
	for line := range strings.Lines(old) {
		if task, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "- [x] "); ok {
			body = strings.Replace(body, "- [ ] "+task+"\n", "- [x] "+task+"\n", 1)
		}
	}
	return body
}

// guideText returns the migration guide, cut short if it is very long.
func guideText(list []phases.NewImport) string {
	text := phases.GuideText(list)
	if len(text) <= maxListText {
		return text
	}
	cut := strings.LastIndexByte(text[:maxListText], '\n')
	return text[:cut] + "\n\nThere is more: `restage apply --phase cleanup --json` lists it all.\n"
}

// section puts hidden marks around a part of a body, so that it can be replaced.
func section(name, text string) string {
	return marker(name) + "\n" + text + marker("/"+name)
}

// withSection returns a body with another text for a section, marks included; the
// body itself if somebody took the marks out of it.
func withSection(body, name, text string) string {
	begin := strings.LastIndex(body, marker(name)) // what the bot writes comes last
	if begin < 0 {
		return body
	}
	end := marker("/" + name)
	size := strings.Index(body[begin:], end)
	if size < 0 {
		return body
	}
	return body[:begin] + text + body[begin+size+len(end):]
}

// phaseList says, as a section, what the phases are about and where each is.
func (l *look) phaseList(this *stage) string {
	var b strings.Builder
	for _, s := range l.stages {
		b.WriteString("1. " + phaseLine(s, this) + "\n")
	}
	return section("phases", b.String())
}

// phaseLine says what a phase is about, and where it is.
func phaseLine(s, this *stage) string {
	line := fmt.Sprintf("**%s**: %s", s.phase, map[phases.Phase]string{
		phases.Moves:   "files go to their new homes, and a shim stays at each old path",
		phases.Imports: "every reference to an old path is rewritten",
		phases.Cleanup: "shims, retired layers and duplicates go",
	}[s.phase])
	switch {
	case s == this:
		return line + " (this one)"
	case s.pull != nil:
		return fmt.Sprintf("%s (#%d)", line, s.pull.GetNumber())
	}
	return line
}

// movedTable lists the files that moved or, with merged, those that went into
// files that were there.
func movedTable(moved []phases.Moved, merged bool) string {
	var lines []string
	for _, m := range moved {
		if m.Merged != merged {
			continue
		}
		lines = append(lines, fmt.Sprintf("| %s | %s |", markdown.Code(m.From), markdown.Code(m.To)))
	}
	if len(lines) == 0 {
		return ""
	}
	return rows("| From | To |\n|---|---|\n", plural(len(lines), "file"), lines)
}

func rewrittenTable(rewritten []phases.Rewrite) string {
	var lines []string
	for _, r := range rewritten {
		lines = append(lines, fmt.Sprintf("| %s | %d |", markdown.Code(r.Path), r.References))
	}
	if len(lines) == 0 {
		return ""
	}
	return rows("| File | References |\n|---|---|\n", plural(len(lines), "file"), lines)
}

func deletedList(deleted []string) string {
	var lines []string
	for _, path := range deleted {
		lines = append(lines, "- "+markdown.Code(path))
	}
	if len(lines) == 0 {
		return ""
	}
	return rows("", plural(len(lines), "file"), lines)
}

// eyes returns what a person should look at: what the phase warns of and what
// its checks note. What makes a check fail is told by the check.
func (r *record) eyes() []phases.Warning {
	all := slices.Clone(r.Warnings)
	for _, c := range r.Results {
		for _, a := range c.Annotations {
			if a.Level != "failure" {
				all = append(all, phases.Warning{Path: a.Path, Line: a.Line, Rule: c.Name, Message: a.Message})
			}
		}
	}
	return all
}

// warningList lists what needs eyes in a stage with links to the lines they are
// about: on the branch or, where the file is gone from that, on the base.
func (l *look) warningList(s *stage) string {
	var lines []string
	for _, w := range s.report.eyes() {
		where, commit := w.Path, s.row.Head
		if w.Line > 0 {
			where = fmt.Sprintf("%s:%d", w.Path, w.Line)
		}
		if _, ok := tree.Find(s.after, w.Path); !ok {
			commit = s.row.Base
		}
		lines = append(lines, fmt.Sprintf("- [%s](%s): %s (%s)",
			markdown.Code(where), fileURL(l.repo.URL(), commit, w.Path, w.Line), markdown.Text(w.Message), markdown.Code(w.Rule)))
	}
	if len(lines) == 0 {
		return ""
	}
	return rows("", plural(len(lines), "place"), lines)
}

// fileURL returns the address of a line (0 for none) of a file at a commit.
func fileURL(repo, commit, path string, line int) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	u := repo + "/blob/" + commit + "/" + strings.Join(parts, "/")
	if line > 0 {
		u += fmt.Sprintf("#L%d", line)
	}
	return strings.NewReplacer("(", "%28", ")", "%29").Replace(u)
}

func (l *look) checksTable(s *stage) string {
	var b strings.Builder
	for _, r := range s.report.results() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", mark(r.Conclusion), markdown.Escape(r.Name), markdown.Text(r.Title))
	}
	if b.Len() == 0 {
		return ""
	}
	return section("checks", "| | Check | Result |\n|---|---|---|\n"+b.String())
}

// summaryData is what the template of the closing comment shows.
type summaryData struct {
	Title      string
	Pulls      []string
	Moved      int
	References int
	Deleted    int
	Answers    int
	Guide      string
}

// summaryText returns the comment that ends a migration.
func (l *look) summaryText() string {
	d := summaryData{Title: markdown.Text(l.title()), Answers: len(l.answers)}
	var guide []phases.NewImport
	for _, s := range slices.Concat(l.earlier, l.stages) {
		if !s.merged() && l.m.Round > 1 {
			continue
		}
		line := fmt.Sprintf("**%s**: nothing to do", s.phase)
		if by := l.skips[s.number].By; by != "" {
			line = fmt.Sprintf("**%s**: skipped by %s", s.phase, markdown.Code(by))
		}
		if s.merged() {
			line = fmt.Sprintf("**%s**: #%d, %s", s.phase, s.pull.GetNumber(), plural(len(s.report.Commits), "commit"))
		}
		d.Pulls = append(d.Pulls, line)
		d.Moved += len(s.report.Moved)
		d.Deleted += len(s.report.Deleted)
		guide = append(guide, s.report.Guide...)
		for _, r := range s.report.Rewritten {
			d.References += r.References
		}
	}
	d.Guide = guideText(guide)
	return render("summary", d)
}
