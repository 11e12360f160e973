// Command restage carries out a module-reorganization plan: on a working
// folder, or as a GitHub App in three pull requests.
//
// This package is flags and wiring. What a plan means is in phases/plan, what
// it does to a tree in phases, the life of a migration in bot.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/restage/restage/phases/input"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // bad usage, or a plan or configuration that cannot be read
	exitOpen   = 3 // done, but decisions are open
)

// errOpen ends a command that is done while decisions are open. It has been
// said already which.
var errOpen = errors.New("decisions are open")

// usageError is a mistake in what the command was told.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// run carries out the command line args and returns the exit status.
func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	started := false // what fails before a command starts is bad usage
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !started {
		err = usageError{fmt.Errorf("%w%s; see restage --help", err, suggestion(root, args))}
	}
	status := exitStatus(err)
	if status == exitFailed || status == exitUsage {
		if wantsJSON(args) && !errors.Is(err, errChecks) {
			printError(root.OutOrStdout(), err)
		}
		fmt.Fprintf(root.ErrOrStderr(), "restage: %s\n", printable(err.Error()))
	}
	return status
}

// suggestion returns "; did you mean X?" if the first of args is no command and
// like one.
func suggestion(root *cobra.Command, args []string) string {
	if len(args) == 0 {
		return ""
	}
	if found, _, err := root.Find(args); err == nil && found != root {
		return ""
	}
	like := root.SuggestionsFor(args[0])
	if len(like) == 0 {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", like[0])
}

// noArgs is for commands that take flags only.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments", cmd.CommandPath())
	}
	return nil
}

// wantsJSON reports whether args ask for JSON. It is asked when they could not
// be understood, too.
func wantsJSON(args []string) bool {
	line := " " + strings.Join(args, " ") + " "
	return slices.ContainsFunc([]string{" --json ", " --format=json ", " --format json "}, func(flag string) bool {
		return strings.Contains(line, flag)
	})
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "restage",
		Short:         "Carry out a module-reorganization plan, step by step",
		SilenceErrors: true,
		// What is said after an error says it in one line.
		DisableSuggestions:         true,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		Example: `  restage demo                    watch the whole story on this machine
  restage plan plan.md            see what restage understood
  restage apply plan.md --diff    see what it would do here
  restage apply plan.md           do it`,
		Long: `Restage moves Python modules to new homes and mends everything that names them.
A plan, in Markdown or YAML, says what goes where. It is carried out in three
phases: moves, imports and cleanup.`,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetUsageTemplate(usageTemplate)
	root.AddCommand(serveCommand(), demoCommand(), planCommand(), applyCommand(), verifyCommand(), versionCommand(), podCommand())
	return root
}

// usageTemplate shows the examples first: most people need no more.
const usageTemplate = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}

Run "{{.CommandPath}} COMMAND --help" for more.{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`

// exitStatus returns the exit status for the error of a command.
func exitStatus(err error) int {
	var mistake *input.Error
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errOpen):
		return exitOpen
	case errors.As(err, &mistake), errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

// printError writes err as {"error": {"message", "path", "line"}}. Of several
// mistakes in one file the place is that of the first, and the message has a
// line for each, with its own place.
func printError(w io.Writer, err error) {
	var out struct {
		Error struct {
			Message string `json:"message"`
			Path    string `json:"path"`
			Line    int    `json:"line"`
		} `json:"error"`
	}
	out.Error.Message = err.Error()
	var mistake *input.Error
	if errors.As(err, &mistake) {
		out.Error.Message, out.Error.Path, out.Error.Line = mistake.Message, mistake.File, mistake.Line
	}
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) && len(several.Unwrap()) > 1 {
		out.Error.Message = err.Error()
	}
	printJSON(w, out)
}

// printJSON writes v as indented JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printable returns s without the control characters that could change what a
// terminal shows: file names and plans come from strangers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, s)
}
