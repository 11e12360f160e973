package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/tree"
)

// verifyFlags is what "restage verify" can be told.
type verifyFlags struct {
	dir, phase, base string
	decide           []string
	json             bool
}

// errChecks ends a verification in which checks failed.
var errChecks = errors.New("checks failed")

func verifyCommand() *cobra.Command {
	var flags verifyFlags
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a working folder after a phase",
		Long: `Checks that the working folder DIR is what the plan in FILE asks for after a
phase: the files are where they should be, no import is broken that worked
before, no import cycle is new, and nothing names a path that is gone. No code
is run.

"Before" is the commit that --base names, if DIR is a git repository. Without
one there is nothing to compare with: what is wrong and has to do with the plan
counts, and the rest is listed as new or not, nobody knows.

While decisions are open the exit status is 3, unless a check failed.`,
		Example: `  restage verify plan.md
  restage verify plan.md --phase moves --base main`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return verify(cmd, args[0], flags)
		},
	}
	cmd.Flags().StringVar(&flags.dir, "repo", ".", "the working folder `DIR`: the top of the repository")
	cmd.Flags().StringVar(&flags.phase, "phase", "cleanup", "the `PHASE` carried out last: moves, imports or cleanup")
	cmd.Flags().StringVar(&flags.base, "base", "HEAD", "the git revision `REV` before the phase")
	cmd.Flags().StringArrayVar(&flags.decide, "decide", nil, decideHelp)
	cmd.Flags().BoolVar(&flags.json, "json", false, "print the results as JSON")
	return cmd
}

func verify(cmd *cobra.Command, file string, flags verifyFlags) error {
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
	var before tree.Tree // unknown
	r, err := openRepo(cmd.Context(), flags.dir)
	if err == nil {
		before, _, err = r.tree(cmd.Context(), flags.base)
	}
	if err != nil && cmd.Flags().Changed("base") {
		return fmt.Errorf("--base %s: %w", flags.base, err)
	}
	results, err := phases.Verify(cmd.Context(), before, j.base, j.plan, list[len(list)-1], j.opt)
	if err != nil {
		return err
	}
	results = append([]check.Result{}, results...) // "[]" in JSON, not "null"
	var failed []string
	waits := false
	for i, r := range results {
		results[i].Annotations = append([]check.Annotation{}, r.Annotations...)
		if r.Conclusion == check.Failure {
			failed = append(failed, r.Name)
		}
		waits = waits || r.Name == check.Structure && r.Conclusion == check.Neutral
	}
	if flags.json {
		err = printJSON(cmd.OutOrStdout(), map[string]any{"checks": results})
	} else {
		base := "Compared with nothing: the tree before is not known."
		if before != nil {
			base = fmt.Sprintf("Compared with %s: what was wrong there does not count.", flags.base)
		}
		_, err = io.WriteString(cmd.OutOrStdout(), printable(base+"\n"+describeResults(results)))
	}
	switch {
	case err != nil:
	case len(failed) > 0:
		err = fmt.Errorf("%w: %s", errChecks, strings.Join(failed, ", "))
	case waits:
		err = errOpen
	}
	return err
}

func describeResults(results []check.Result) string {
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%-9s %-9s %s\n", r.Conclusion, r.Name, r.Title)
		for _, a := range r.Annotations {
			fmt.Fprintf(&b, "  %s:%d: %s\n", a.Path, a.Line, a.Message)
		}
	}
	return b.String()
}
