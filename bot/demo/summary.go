package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// sum tells what came of it all.
func (s *story) sum(ctx context.Context) error {
	issue, err := s.user.issue(ctx, s.issue.GetNumber())
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "\n%s\n\n", issue.GetTitle())
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	moved, deleted, references, commits, checks := 0, 0, 0, 0, 0
	for _, c := range s.phases {
		fmt.Fprintf(w, "  #%d\t%s\t%d commits\t%d checks green\n",
			c.pull.GetNumber(), phaseTitle(c.pull.GetTitle()), c.pull.GetCommits(), len(c.checks))
		moved += len(c.change.Moved)
		deleted += len(c.change.Deleted)
		commits += c.pull.GetCommits()
		checks += len(c.checks)
		for _, r := range c.change.Rewritten {
			references += r.References
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var tests []string
	for _, t := range s.tests {
		tests = append(tests, fmt.Sprintf("%d %s", t.count, t.stage))
	}
	fmt.Fprintln(s.Out)
	fmt.Fprintf(w, "  pull requests\t%d merged, with %d commits\n", len(s.phases), commits)
	fmt.Fprintf(w, "  files\t%d moved, %d deleted\n", moved, deleted)
	fmt.Fprintf(w, "  references\t%d rewritten\n", references)
	fmt.Fprintf(w, "  checks\t%d, all green\n", checks)
	fmt.Fprintf(w, "  decisions\t%d answered, none open\n", len(answers))
	fmt.Fprintf(w, "  tests passed\t%s\n", strings.Join(tests, ", "))
	fmt.Fprintf(w, "  same as apply\tall %d phases, byte for byte\n", len(s.phases))
	fmt.Fprintf(w, "  time\t%s from issue to end\n", issue.GetClosedAt().Sub(issue.GetCreatedAt().Time).Round(time.Second))
	fmt.Fprintf(w, "  look at\t%s\n", filepath.Join(s.Dir, "result"))
	return w.Flush()
}

// phaseTitle returns the title of a pull request without the title of the plan,
// which all have.
func phaseTitle(title string) string {
	short, _, _ := strings.Cut(title, " (")
	return short
}
