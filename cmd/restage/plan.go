package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
)

func planCommand() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "plan FILE [--repo DIR] [--format yaml|json|markdown]",
		Short: "Show what restage understands of a plan",
		Long: `Reads the plan in FILE ("-" for standard input) and prints what was understood.
With --repo it also says what carrying it out will do to the working folder DIR,
what the code says to it, and which decisions are open. Nothing is written.`,
		Example: `  restage plan plan.md
  restage plan plan.md --repo . --format markdown`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch format {
			case "yaml", "json", "markdown":
			default:
				return usageError{fmt.Errorf("there is no format %q; choose yaml, json or markdown", format)}
			}
			if dir == "" {
				p, err := readPlan(cmd, args[0])
				if err != nil {
					return err
				}
				return printPlan(cmd.OutOrStdout(), format, p, nil)
			}
			j, err := openJob(cmd, args[0], dir)
			if err != nil {
				return err
			}
			pre, err := phases.Look(cmd.Context(), j.base, j.plan, j.opt)
			if err != nil {
				return err
			}
			warnUnasked(cmd.ErrOrStderr(), "decide: ", pre.Changes, slices.Sorted(maps.Keys(j.plan.Decide)))
			if err := printPlan(cmd.OutOrStdout(), format, j.plan, pre); err != nil {
				return err
			}
			if len(pre.Decisions) > 0 {
				return errOpen
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "repo", "", "compare the plan with the working folder `DIR`")
	cmd.Flags().StringVar(&format, "format", "yaml", "print as `FORMAT`: yaml, json or markdown")
	return cmd
}

// printPlan prints p and what there is to know before it is carried out, nil if
// nobody asked. YAML keeps that in comments, so that the output is a plan again.
func printPlan(w io.Writer, format string, p *plan.Plan, pre *phases.Preflight) error {
	switch format {
	case "json":
		data, err := p.JSON()
		if err == nil && pre != nil {
			data, err = addPreflight(data, pre)
		}
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	case "markdown":
		text := strings.TrimRight(p.Markdown(), "\n") + "\n"
		if pre != nil {
			text += "\n## Preflight\n\n" + pre.Markdown()
			if len(pre.Decisions) > 0 {
				text += "\n## Decisions\n\n"
			}
			for _, d := range pre.Decisions {
				text += fmt.Sprintf("- `%s`: %s (%s)\n", d.Path, d.Question, d.Answers())
			}
		}
		_, err := io.WriteString(w, printable(text))
		return err
	}
	data, err := p.YAML()
	if err != nil {
		return err
	}
	text := string(data)
	if pre != nil {
		text += "\n# What the code says:\n#\n"
		for line := range strings.Lines(pre.Markdown()) {
			text += strings.TrimRight("# "+line, " \n") + "\n"
		}
		if len(pre.Decisions) > 0 {
			text += "\n# Decisions: answer them under \"decide\", path by path.\n"
		}
		for _, d := range pre.Decisions {
			text += fmt.Sprintf("# %s: %s (%s)\n", d.Path, d.Question, d.Answers())
		}
	}
	_, err = io.WriteString(w, printable(text))
	return err
}

// addPreflight adds decisions and preflight to a plan in JSON.
func addPreflight(data []byte, pre *phases.Preflight) ([]byte, error) {
	decisions, err := json.MarshalIndent(append([]phases.Decision{}, pre.Decisions...), "  ", "  ")
	if err != nil {
		return nil, err
	}
	findings, err := json.MarshalIndent(pre, "  ", "  ")
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(bytes.TrimSuffix(data, []byte("\n}\n")), ",\n  \"decisions\": %s,\n  \"preflight\": %s\n}\n", decisions, findings), nil
}
