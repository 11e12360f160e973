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
With --repo it also lists the decisions that the plan leaves open on the working
folder DIR. Nothing is written.`,
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
			changes, err := j.run(cmd.Context(), phases.All)
			if err != nil {
				return err
			}
			warnUnasked(cmd.ErrOrStderr(), "decide: ", changes, slices.Sorted(maps.Keys(j.plan.Decide)))
			open := decisions(changes)
			if err := printPlan(cmd.OutOrStdout(), format, j.plan, open); err != nil {
				return err
			}
			if len(open) > 0 {
				return errOpen
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "repo", "", "list the decisions open on the working folder `DIR`")
	cmd.Flags().StringVar(&format, "format", "yaml", "print as `FORMAT`: yaml, json or markdown")
	return cmd
}

// printPlan prints p and the decisions that are open, nil if nobody asked.
// YAML keeps them in comments, so that the output is a plan again.
func printPlan(w io.Writer, format string, p *plan.Plan, open []phases.Decision) error {
	switch format {
	case "json":
		data, err := p.JSON()
		if err != nil {
			return err
		}
		if open != nil {
			list, err := json.MarshalIndent(open, "  ", "  ")
			if err != nil {
				return err
			}
			data = fmt.Appendf(bytes.TrimSuffix(data, []byte("\n}\n")), ",\n  \"decisions\": %s\n}\n", list)
		}
		_, err = w.Write(data)
		return err
	case "markdown":
		text := strings.TrimRight(p.Markdown(), "\n") + "\n"
		if len(open) > 0 {
			text += "\n## Decisions\n\n"
		}
		for _, d := range open {
			text += fmt.Sprintf("- `%s`: %s (%s)\n", d.Path, d.Question, strings.Join(d.Options, " or "))
		}
		_, err := io.WriteString(w, printable(text))
		return err
	}
	data, err := p.YAML()
	if err != nil {
		return err
	}
	text := string(data)
	if len(open) > 0 {
		text += "\n# Decisions: answer them under \"decide\", path by path.\n"
	}
	for _, d := range open {
		text += fmt.Sprintf("# %s: %s (%s)\n", d.Path, d.Question, strings.Join(d.Options, " or "))
	}
	_, err = io.WriteString(w, printable(text))
	return err
}
