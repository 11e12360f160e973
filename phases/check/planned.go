package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// A Promise is what a plan says of its own result, in its shell blocks.
type Promise struct {
	Checks []plan.Check // those that are due
	Later  int          // how many are due after a later phase
	Steps  []plan.Step

	Stays     []string     // files and folders that stay, because the plan or a decision says so
	Leftovers []Annotation // what the check of that name found
}

// Planned is the check "plan": what the shell blocks of a plan say must be so,
// held against the tree by reading alone, and listed under its step. What is
// not so or not known makes it neutral, not red: a grep may find more than its
// author had in mind. See Claims for roots and errors.
func Planned(ctx context.Context, t tree.Tree, roots []string, p Promise) (Result, error) {
	claims, err := Claims(ctx, t, roots, p)
	if err != nil {
		return Result{}, err
	}
	hold, cannot := 0, 0
	for _, c := range claims {
		switch c.State {
		case Holds:
			hold++
		case Cannot:
			cannot++
		}
	}
	r := Result{Name: Plan, Conclusion: Success, Title: fmt.Sprintf("%d of %s of the plan hold", hold, count(len(claims), "check", "checks"))}
	if cannot > 0 {
		r.Title += fmt.Sprintf("; %d cannot because of what stays", cannot)
	}
	if hold < len(claims) {
		r.Conclusion = Neutral
	}
	r.Summary = markdown.Escape(r.Title) + ".\n\nThe plan's shell blocks were read, not run.\n"
	if p.Later > 0 {
		r.Summary += fmt.Sprintf("What %s of it say must be so after a later phase.\n", count(p.Later, "more check", "more checks"))
	}
	r.Summary += listed(claims, p.Steps)
	return r, nil
}

// maxHeld bounds the text about checks that hold, in bytes.
const maxHeld = 30_000

// listed lists claims under their steps, with a tick or a cross each. Steps of
// which all holds are folded away below the others.
func listed(claims []Claim, steps []plan.Step) string {
	by := map[int][]Claim{}
	var order []int
	for _, c := range claims {
		if by[c.Step] == nil {
			order = append(order, c.Step)
		}
		by[c.Step] = append(by[c.Step], c)
	}
	open, held := strings.Builder{}, strings.Builder{}
	rows, left := 0, 0
	for _, number := range order {
		all := by[number]
		slices.SortStableFunc(all, func(a, b Claim) int { return min(1, len(b.Message)) - min(1, len(a.Message)) })
		n := len(all)
		for n > 0 && all[n-1].State == Holds {
			n--
		}
		to := &held
		if n > 0 {
			to = &open
		}
		fmt.Fprintf(to, "\n#### %s: %d of %d\n\n", stepTitle(number, steps), len(all)-n, len(all))
		for i, c := range all {
			if i < n && rows == maxRows || i >= n && open.Len()+held.Len() > maxHeld {
				left++
				continue
			}
			if i < n {
				rows++
			}
			to.WriteString(c.row())
		}
	}
	text := open.String()
	if held.Len() > 0 {
		text += "\n<details><summary>Steps of which all holds</summary>\n" + held.String() + "\n</details>\n"
	}
	if left > 0 {
		text += fmt.Sprintf("\nand %d more.\n", left)
	}
	return text
}

func stepTitle(number int, steps []plan.Step) string {
	if number == 0 {
		return "Outside of the steps"
	}
	title := fmt.Sprintf("Step %d", number)
	if i := slices.IndexFunc(steps, func(s plan.Step) bool { return s.Number == number }); i >= 0 && steps[i].Title != "" {
		title += ": " + markdown.Escape(markdown.Shorten(steps[i].Title, maxName))
	}
	return title
}

// row is one item of the list.
func (c *Claim) row() string {
	mark := map[State]string{Holds: "✅", Fails: "❌", Cannot: "❌", Unknown: "➖"}[c.State]
	text := mark + " " + markdown.Text(says(c.Check))
	if c.Line > 0 {
		text += fmt.Sprintf(" (line %d of the plan)", c.Line)
	}
	if c.State == Cannot {
		text += ": cannot hold here: " + markdown.Text(c.Message)
	} else if c.Message != "" {
		text += ": " + markdown.Text(c.Message)
	}
	return "- " + text + "\n"
}

// says puts a check of a plan into words.
func says(c plan.Check) string {
	var names []string
	for _, n := range c.Names {
		names = append(names, quoted(n))
	}
	places := quoted(strings.Join(c.Paths, ", "))
	switch c.Kind {
	case plan.File:
		return places + " is a file"
	case plan.Folder:
		return places + " is a folder"
	case plan.Exists:
		return places + " is there"
	case plan.Absent:
		return places + " is gone"
	case plan.Same:
		return places + " are the same"
	case plan.Import:
		if len(names) == 0 {
			return quoted(c.Module) + " can be imported"
		}
		return strings.Join(names, ", ") + " can be imported from " + quoted(c.Module)
	}
	many := fmt.Sprint(c.Count)
	switch c.Count {
	case plan.Some:
		many = "there are"
	case 0:
		many = "no"
	}
	if c.Kind == plan.Found {
		return many + " files in " + places
	}
	return many + " lines with " + quoted(c.Text) + " in " + places
}
