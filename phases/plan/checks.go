package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/input"
)

// A Check is something that a plan says must be so, and that can be seen
// without running anything.
type Check struct {
	Kind  Kind
	Paths []string // files and folders it is about, from the repository root; "." is all of it

	// Of Text and Found: which files below the folders in Paths are looked at,
	// and which of what is found counts. A line that was found is held against
	// Only and Except as grep prints it, "path:text" when folders are searched.
	Text   string   // regular expression; of Text alone
	Files  []string // globs that the names of files match, one of them; empty: all
	Only   []string // regular expressions that all match
	Except []string // regular expressions of which none matches
	Count  int      // how many there must be, or Some

	// Of Import.
	Module string // dotted
	Names  []string

	Step int
	Line int // where the plan says so, from 1; 0 if unknown
}

// A Kind is what a Check is about.
type Kind string

// The kinds of checks.
const (
	File   Kind = "file"   // Paths[0] is a file
	Folder Kind = "folder" // Paths[0] is a folder
	Exists Kind = "exists" // Paths[0] is a file or a folder
	Absent Kind = "absent" // Paths[0] is neither
	Text   Kind = "text"   // Count lines match Text
	Found  Kind = "find"   // there are Count files
	Import Kind = "import" // Names can be imported from Module
	Same   Kind = "same"   // the files Paths[0] and Paths[1] are equal
)

// Some is the Count that means one or more.
const Some = -1

// not returns the check that holds when c does not.
func (c Check) not() (Check, error) {
	switch {
	case c.Kind == File, c.Kind == Folder, c.Kind == Exists:
		c.Kind = Absent
	case c.Kind == Absent:
		c.Kind = Exists
	case (c.Kind == Text || c.Kind == Found) && c.Count == Some:
		c.Count = 0
	case (c.Kind == Text || c.Kind == Found) && c.Count == 0:
		c.Count = Some
	default:
		return c, errors.New("it is not clear what must be instead")
	}
	return c, nil
}

// A Command is one shell command of the plan, read and never run. Its text may
// span lines.
type Command struct {
	Step   int
	Text   string
	Line   int
	Reason string // why it is neither a check nor a program to run; "" if it is one
	Check  string // the name that the repository has for it, if it allows it
}

// Allow notes which of the programs that the plan asks for a repository allows:
// commands by their names, in the order of names.
func (p *Plan) Allow(names, commands []string) {
	for i := range p.Commands {
		if at := p.Commands[i].Match(commands); at >= 0 {
			p.Commands[i].Check = names[at]
		}
	}
}

// Match returns the index of the command among those that a repository allows
// which does what c asks for: one that runs the same program, best with the
// same arguments. It is -1 if none does.
func (c Command) Match(allowed []string) int {
	best, most := -1, 0
	words := program(strings.Fields(c.Text))
	for i, a := range allowed {
		other := program(strings.Fields(a))
		if len(words) == 0 || len(other) == 0 || words[0] != other[0] {
			continue
		}
		shared := 1
		for shared < min(len(words), len(other)) && words[shared] == other[shared] {
			shared++
		}
		if shared > most {
			best, most = i, shared
		}
	}
	return best
}

// program returns the words of a command without what only starts the program:
// variables, "uvx", "uv run", "python -m".
func program(words []string) []string {
	for len(words) > 0 {
		two := words[min(1, len(words)-1)]
		switch first := path.Base(words[0]); {
		case strings.Contains(words[0], "=") || first == "uvx" || first == "pipx" || first == "env" || first == "time":
			words = words[1:]
		case two == "run" && (first == "uv" || first == "poetry" || first == "pdm" || first == "hatch" || first == "pipenv"),
			two == "-m" && strings.HasPrefix(first, "python"):
			words = words[2:]
		default:
			return append([]string{first}, words[1:]...)
		}
	}
	return nil
}

// checkPath returns a path of a Check: one in the repository, or ".".
func checkPath(s string) (string, error) {
	if s == "." || s == "./" {
		return ".", nil
	}
	return CleanPath(s)
}

// yamlCheck reads an entry of "checks".
func (r *reader) yamlCheck(v input.Value) {
	c := Check{Line: v.Line}
	kinds, counted := 0, false
	one := func(kind Kind) func(input.Value) {
		return func(v input.Value) {
			c.Kind, c.Paths = kind, []string{v.Parse(checkPath)}
			kinds++
		}
	}
	list := func(to *[]string, clean func(string) (string, error)) func(input.Value) {
		return func(v input.Value) { v.List(func(v input.Value) { *to = append(*to, v.Parse(clean)) }) }
	}
	v.Fields(input.Fields{
		"file":   one(File),
		"folder": one(Folder),
		"exists": one(Exists),
		"absent": one(Absent),
		"text":   func(v input.Value) { c.Kind, c.Text = Text, v.Parse(cleanExpression); kinds++ },
		"find":   func(v input.Value) { c.Kind = Found; list(&c.Files, cleanGlob)(v); kinds++ },
		"import": func(v input.Value) { c.Kind, c.Module = Import, v.Parse(cleanDotted); kinds++ },
		"same":   func(v input.Value) { c.Kind = Same; list(&c.Paths, checkPath)(v); kinds++ },
		"in":     list(&c.Paths, checkPath),
		"files":  list(&c.Files, cleanGlob),
		"only":   list(&c.Only, cleanExpression),
		"except": list(&c.Except, cleanExpression),
		"names":  func(v input.Value) { c.Names = names(v) },
		"count":  func(v input.Value) { c.Count, counted = v.Int(0, maxEntries), true },
		"step":   func(v input.Value) { c.Step = v.Int(1, maxStep) },
	})
	switch {
	case !v.Sound():
	case kinds != 1:
		v.Errorf("a check is about one thing; give one of the keys file, folder, exists, absent, text, find, import and same")
	case (c.Kind == Text || c.Kind == Found) && len(c.Paths) == 0:
		v.Errorf("the check has no %q; list the files or folders to look in", "in")
	case c.Kind == Same && len(c.Paths) != 2:
		v.Errorf("%q takes two files", "same")
	}
	if !counted && (c.Kind == Text || c.Kind == Found) {
		c.Count = Some
	}
	r.plan.Checks = append(r.plan.Checks, c)
}

// patterns returns what is wrong with the patterns of a check.
func (c Check) patterns() error {
	for _, s := range c.Files {
		if _, err := cleanGlob(s); err != nil {
			return err
		}
	}
	for _, s := range slices.Concat(c.Only, c.Except) {
		if _, err := cleanExpression(s); err != nil {
			return err
		}
	}
	return nil
}

// cleanGlob returns a glob of one name.
func cleanGlob(s string) (string, error) {
	if _, err := path.Match(s, ""); err != nil || s == "" || strings.Contains(s, "/") || len(s) > maxPath || strings.ContainsFunc(s, invisible) {
		return "", fmt.Errorf("%s is no pattern for the name of a file; write it as in *.py", input.Quote(s))
	}
	return s, nil
}

// cleanDotted returns the module s, without ".*".
func cleanDotted(s string) (string, error) {
	s, err := cleanPackage(s)
	if err == nil && strings.HasSuffix(s, ".*") {
		return "", fmt.Errorf("%s is a whole package; name one module", input.Quote(s))
	}
	return s, err
}

// yamlCommand reads an entry of "commands", or of "not_run", which has a reason.
func yamlCommand(v input.Value, run bool) Command {
	c := Command{Line: v.Line}
	fields := input.Fields{
		"run":  func(v input.Value) { c.Text = v.Text() },
		"step": func(v input.Value) { c.Step = v.Int(1, maxStep) },
		"line": func(v input.Value) { c.Line = v.Int(1, input.MaxSize) },
	}
	if run {
		fields["check"] = func(v input.Value) { c.Check = line(v) }
	} else {
		fields["reason"] = func(v input.Value) { c.Reason = line(v) }
	}
	v.Fields(fields)
	if strings.TrimSpace(c.Text) == "" && v.Sound() {
		v.Errorf("the command has no %q; add it", "run")
	}
	return c
}

// yamlUnused reads an entry of "not_used".
func yamlUnused(v input.Value) Unused {
	u := Unused{Line: v.Line}
	v.Fields(input.Fields{
		"text": func(v input.Value) { u.Text = line(v) },
		"step": func(v input.Value) { u.Step = v.Int(1, maxStep) },
		"line": func(v input.Value) { u.Line = v.Int(1, input.MaxSize) },
	})
	if u.Text == "" && v.Sound() {
		v.Errorf("the entry has no %q; add it", "text")
	}
	return u
}
