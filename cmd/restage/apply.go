package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/tree"
)

// applyFlags is what "restage apply" can be told.
type applyFlags struct {
	dir, phase         string
	commit, diff, json bool
	decide             []string
}

func applyCommand() *cobra.Command {
	var flags applyFlags
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "Carry out a plan on a working folder",
		Long: `Carries out the plan in FILE ("-" for standard input) on the working folder DIR
and reports what was done. What needs a decision stays untouched and is listed;
everything else is carried out. Running it again changes nothing more.

A failure leaves the folder as it was.`,
		Example: `  restage apply plan.md --diff             look, and write nothing
  restage apply plan.md                    all three phases
  restage apply plan.md --phase moves --commit
  restage apply plan.md --decide src/old/v2.py=delete`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error { return apply(cmd, args[0], flags) },
	}
	cmd.Flags().StringVar(&flags.dir, "repo", ".", "the working folder `DIR`: the top of the repository")
	cmd.Flags().StringVar(&flags.phase, "phase", "all", "carry out `PHASE`: moves, imports, cleanup or all")
	cmd.Flags().BoolVar(&flags.commit, "commit", false, "make one git commit per step; needs a clean repository")
	cmd.Flags().BoolVar(&flags.diff, "diff", false, "print a patch and write nothing")
	cmd.Flags().StringArrayVar(&flags.decide, "decide", nil, decideHelp)
	cmd.Flags().BoolVar(&flags.json, "json", false, "print the report as JSON")
	return cmd
}

func apply(cmd *cobra.Command, file string, flags applyFlags) error {
	if flags.commit && flags.diff {
		return usageError{errors.New("--diff writes nothing, --commit does: choose one")}
	}
	list, err := parsePhases(flags.phase)
	if err != nil {
		return err
	}
	j, err := openJob(cmd, file, flags.dir)
	if err != nil {
		return err
	}
	if err := j.decide(flags.decide); err != nil {
		return err
	}
	write := func([]*phases.Change) error { return nil }
	switch {
	case flags.commit:
		if write, err = j.onCommit(cmd.Context(), file); err != nil {
			return fmt.Errorf("--commit: %w", err)
		}
	case !flags.diff:
		write = func(changes []*phases.Change) error { return tree.Write(j.dir, j.base, edits(changes...)) }
	}
	changes, err := j.run(cmd.Context(), list)
	if err != nil {
		return err
	}
	if list[0] == phases.Moves { // later phases have no question for what moves was told
		warnUnasked(cmd.ErrOrStderr(), "--decide ", changes, j.decided)
	}
	reports, err := j.report(changes, flags.diff)
	if err != nil {
		return err
	}
	if err := write(changes); err != nil {
		return err
	}
	switch out := cmd.OutOrStdout(); {
	case flags.json:
		err = printJSON(out, map[string]any{"phases": reports})
	case flags.diff:
		err = j.printDiff(cmd, changes)
	default:
		_, err = io.WriteString(out, printable(describe(changes)))
	}
	if err == nil && len(decisions(changes)) > 0 {
		err = errOpen
	}
	return err
}

// onCommit makes the commit that is checked out the base of the job, and returns
// what commits changes on top of it.
func (j *job) onCommit(ctx context.Context, file string) (func([]*phases.Change) error, error) {
	r, err := openRepo(ctx, j.dir)
	if err != nil {
		return nil, err
	}
	if err := r.checkClean(ctx); err != nil {
		return nil, err
	}
	base, head, err := r.tree(ctx, "HEAD")
	if err != nil {
		return nil, err
	}
	j.base, j.opt = base, phases.Options{}
	return func(changes []*phases.Change) error { return r.commit(ctx, head, changes) }, j.configure(file)
}

// phaseReport is what the JSON report says of one phase.
type phaseReport struct {
	*phases.Change
	Files []tree.Patch `json:"files,omitzero"` // with --diff: what the phase does to each file
}

// report returns the JSON report of changes, with the patch of every phase if
// diff is set.
func (j *job) report(changes []*phases.Change, diff bool) ([]phaseReport, error) {
	var reports []phaseReport
	t := j.base
	for _, c := range changes {
		r := phaseReport{Change: withLists(c)}
		if diff {
			patches, err := tree.Diff(t, edits(c))
			if err != nil {
				return nil, err
			}
			r.Files = append([]tree.Patch{}, patches...)
			if t, err = tree.Apply(t, edits(c)); err != nil {
				return nil, err
			}
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// withLists returns c with empty lists where it has none: in JSON "[]" says so,
// and not "null".
func withLists(c *phases.Change) *phases.Change {
	out := *c
	out.Commits = append([]phases.Commit{}, c.Commits...)
	for i := range out.Commits {
		out.Commits[i].Files = append([]string{}, out.Commits[i].Files...)
	}
	out.Moved = append([]phases.Moved{}, c.Moved...)
	out.Rewritten = append([]phases.Rewrite{}, c.Rewritten...)
	out.Deleted = append([]string{}, c.Deleted...)
	out.Decisions = append([]phases.Decision{}, c.Decisions...)
	for i := range out.Decisions {
		out.Decisions[i].Options = append([]string{}, out.Decisions[i].Options...)
	}
	out.Warnings = append([]phases.Warning{}, c.Warnings...)
	return &out
}

// printDiff prints what changes come to together as one patch, and the
// decisions beside it.
func (j *job) printDiff(cmd *cobra.Command, changes []*phases.Change) error {
	patches, err := tree.Diff(j.base, edits(changes...))
	if err != nil {
		return err
	}
	for _, p := range patches {
		if _, err := io.WriteString(cmd.OutOrStdout(), p.Diff); err != nil {
			return err
		}
	}
	_, err = io.WriteString(cmd.ErrOrStderr(), printable(describeDecisions(decisions(changes))))
	return err
}

// describe says in a few lines what changes do.
func describe(changes []*phases.Change) string {
	var b strings.Builder
	var warnings []phases.Warning
	for _, c := range changes {
		references := 0
		for _, r := range c.Rewritten {
			references += r.References
		}
		fmt.Fprintf(&b, "%s: %s moved, %s rewritten in %s, %s deleted\n", c.Phase, count(len(c.Moved), "file"),
			count(references, "reference"), count(len(c.Rewritten), "file"), count(len(c.Deleted), "file"))
		for _, commit := range c.Commits {
			fmt.Fprintf(&b, "  %s (%s)\n", commit.Title, count(len(commit.Files), "file"))
		}
		for _, w := range c.Warnings {
			if !slices.Contains(warnings, w) {
				warnings = append(warnings, w)
			}
		}
	}
	if len(warnings) > 0 {
		b.WriteString("\nLook at these yourself:\n")
	}
	for _, w := range warnings {
		if w.Line > 0 {
			fmt.Fprintf(&b, "  %s:%d: %s\n", w.Path, w.Line, w.Message)
		} else {
			fmt.Fprintf(&b, "  %s: %s\n", w.Path, w.Message)
		}
	}
	return b.String() + describeDecisions(decisions(changes))
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// describeDecisions lists what is open and says how to answer it.
func describeDecisions(open []phases.Decision) string {
	if len(open) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nDecisions are open:\n")
	for _, d := range open {
		fmt.Fprintf(&b, "  %s: %s (%s)\n", d.Path, d.Question, d.Answers())
	}
	fmt.Fprintf(&b, "Answer with --decide %s=%s and the like, or under \"decide\" in the plan.\n", open[0].Path, strings.Join(open[0].Options[:min(1, len(open[0].Options))], ""))
	return b.String()
}
