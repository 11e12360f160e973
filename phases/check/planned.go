package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// Planned is the check "plan": what the shell blocks of a plan say must be so,
// held against the tree by reading alone. What is not so or not known makes it
// neutral, not red: a grep may find more than its author had in mind. See
// Claims for roots and errors.
func Planned(ctx context.Context, t tree.Tree, roots []string, checks []plan.Check) (Result, error) {
	claims, err := Claims(ctx, t, roots, checks)
	if err != nil {
		return Result{}, err
	}
	r := Result{Name: Plan, Conclusion: Success}
	var rows strings.Builder
	open := 0
	for _, c := range claims {
		if c.State == Holds {
			continue
		}
		r.Conclusion = Neutral
		if open++; open > maxRows {
			continue
		}
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", c.State, place(c.Check), markdown.Text(c.Message))
	}
	r.Title = fmt.Sprintf("%d of %s of the plan hold", len(claims)-open, count(len(claims), "check", "checks"))
	r.Summary = markdown.Escape(r.Title) + ".\n\nThe plan's shell blocks were read, not run.\n"
	if open > 0 {
		r.Summary += "\n| | Where the plan says so | What |\n|---|---|---|\n" + rows.String()
	}
	if open > maxRows {
		r.Summary += fmt.Sprintf("\nand %d more.\n", open-maxRows)
	}
	return r, nil
}

// place says where in the plan a check stands.
func place(c plan.Check) string {
	switch {
	case c.Step > 0 && c.Line > 0:
		return fmt.Sprintf("step %d, line %d", c.Step, c.Line)
	case c.Step > 0:
		return fmt.Sprintf("step %d", c.Step)
	case c.Line > 0:
		return fmt.Sprintf("line %d", c.Line)
	}
	return ""
}
