package plan

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/restage/restage/phases/input"
	"github.com/restage/restage/phases/python"
)

// Shell is read and never run. A command whose meaning is known becomes checks,
// a program that the repository may allow stays a command, and of everything
// else it is said why it is not run.

// maxShell bounds the shell text that is parsed, in bytes: the parser recurses.
const maxShell = 8 << 10

// maxDepth bounds how deep commands nest that are looked into.
const maxDepth = 50

// unsaid is the number that must come out when nobody says which.
const unsaid = -2

// readShell reads a shell block. After is the sentence that follows it. Lines
// are counted from 0.
func readShell(lines []string, after string) (checks []Check, commands, notRun []Command) {
	lines = withoutPrompts(lines)
	source := strings.Join(lines, "\n")
	if len(source) > maxShell {
		return nil, nil, []Command{{Text: strings.TrimSpace(lines[0]), Reason: fmt.Sprintf("the block is longer than %d bytes", maxShell)}}
	}
	file, err := syntax.NewParser(syntax.KeepComments(true)).Parse(strings.NewReader(source), "")
	if err != nil {
		for i, text := range lines {
			if text = strings.TrimSpace(text); text != "" && !strings.HasPrefix(text, "#") {
				notRun = append(notRun, Command{Text: text, Line: i, Reason: "the block is not valid shell"})
			}
		}
		return nil, nil, notRun
	}
	for _, st := range file.Stmts {
		s := &shell{source: source, want: said(after)}
		if s.text(st) == "" {
			continue // a form feed: for a shell, the name of a program
		}
		for _, c := range st.Comments {
			if n := said(c.Text); n != unsaid && (c.Pos().Line() < st.Pos().Line() || c.Pos().Line() == st.End().Line()) {
				s.want = n
			}
		}
		at := int(st.Pos().Line()) - 1
		err := s.stmt(st, 0)
		for _, c := range s.checks {
			err = cmp.Or(err, c.patterns())
		}
		if err == nil && len(s.checks)+len(s.commands) == 0 {
			err = errors.New("it only prints")
		}
		if err != nil {
			notRun = append(notRun, Command{Text: s.text(st), Line: at, Reason: err.Error()})
			continue
		}
		for _, c := range s.checks {
			c.Line = at
			checks = append(checks, c)
		}
		for _, text := range s.commands {
			commands = append(commands, Command{Text: text, Line: at})
		}
		if s.rest != "" {
			notRun = append(notRun, Command{Text: s.text(st), Line: at, Reason: s.rest})
		}
	}
	return checks, commands, notRun
}

// withoutPrompts returns the commands of what was copied from a terminal: the
// lines behind a "$", and the comments. All else is what they printed.
func withoutPrompts(lines []string) []string {
	if !slices.ContainsFunc(lines, func(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), "$ ") }) {
		return lines
	}
	commands := make([]string, len(lines))
	goesOn := false
	for i, text := range lines {
		text = strings.TrimSpace(text)
		command, prompted := strings.CutPrefix(text, "$ ")
		if prompted || strings.HasPrefix(text, "#") {
			commands[i] = command
		} else if goesOn {
			commands[i] = strings.TrimPrefix(text, "> ")
		}
		goesOn = strings.HasSuffix(commands[i], "\\")
	}
	return commands
}

// number matches what people write of how much a command must find.
var number = regexp.MustCompile(`(?i)(?:\b(?:must|should|expect\w*|has to|returns?|prints?)\b[^.\n\d]{0,40}?|(?:->|→|=>|=)\s*|^\W*)\b(\d{1,4}|zero|none|nothing|empty|no (?:results?|output|match\w*|hits?|lines?))\b`)

// said returns the number that a comment or sentence says must come out.
func said(text string) int {
	match := number.FindStringSubmatch(text)
	if match == nil {
		return unsaid
	}
	n, _ := strconv.Atoi(match[1])
	return n
}

// shell reads one statement.
type shell struct {
	source   string
	want     int  // the number that must come out, or unsaid
	status   bool // whether it succeeds is what counts, not what it prints
	checks   []Check
	commands []string
	rest     string // what of it is not looked at
}

func (s *shell) text(n syntax.Node) string {
	return strings.TrimSpace(s.source[n.Pos().Offset():n.End().Offset()])
}

// stmt reads a statement that must succeed.
func (s *shell) stmt(st *syntax.Stmt, depth int) error {
	if depth > maxDepth {
		return errors.New("commands nest too deep")
	}
	if st.Background || st.Coprocess || st.Disown {
		return errors.New("it runs in the background")
	}
	for _, r := range st.Redirs {
		if target, err := s.word(r.Word); err != nil || target != "/dev/null" && !(r.Op == syntax.DplOut && target == "1") {
			return errors.New("it redirects to or from a file")
		}
	}
	if st.Negated {
		inner := &shell{source: s.source, want: s.want, status: true}
		plain := *st
		plain.Negated = false
		if err := inner.stmt(&plain, depth+1); err != nil {
			return err
		}
		return s.refuse(inner)
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		return s.call(c)
	case *syntax.TestClause:
		return s.clause(c.X, depth)
	case *syntax.BinaryCmd:
		switch c.Op {
		case syntax.AndStmt:
			s.status = true
			if err := s.stmt(c.X, depth+1); err != nil {
				return err
			}
			return s.stmt(c.Y, depth+1)
		case syntax.OrStmt:
			return s.or(c, depth)
		case syntax.Pipe:
			return s.pipe(stages(st))
		}
	}
	return errors.New("restage reads no loops, functions and blocks of the shell")
}

// refuse notes that the one thing that inner says must not be.
func (s *shell) refuse(inner *shell) error {
	if len(inner.checks) != 1 || len(inner.commands) > 0 {
		return errors.New("it is not clear what must be instead")
	}
	c, err := inner.checks[0].not()
	s.checks = append(s.checks, c)
	return err
}

var (
	goodMark = regexp.MustCompile(`(?i)✓|✔|✅|\b(ok|pass(ed)?|good|success)\b`)
	badMark  = regexp.MustCompile(`(?i)✗|✘|❌|⚠|\b(fail(ed|ure)?|error|missing|wrong|still)\b`)
)

// or reads "a || b". What is printed or done then tells whether a must be so:
// "test -f a && echo ✓ || echo ✗", "test -f a || exit 1".
func (s *shell) or(c *syntax.BinaryCmd, depth int) error {
	left, first := "", c.X
	if and, ok := c.X.Cmd.(*syntax.BinaryCmd); ok && and.Op == syntax.AndStmt && s.prints(and.Y) {
		left, first = s.text(and.Y), and.X
	}
	right := s.text(c.Y)
	bad := badMark.MatchString(right) || failing.MatchString(right) || goodMark.MatchString(left) && !goodMark.MatchString(right)
	good := goodMark.MatchString(right) || badMark.MatchString(left)
	inner := &shell{source: s.source, want: s.want, status: true}
	if err := inner.stmt(first, depth+1); err != nil {
		return err
	}
	switch {
	case bad && !good, bad && goodMark.MatchString(left):
		s.checks, s.commands = append(s.checks, inner.checks...), append(s.commands, inner.commands...)
		return nil
	case good && !bad:
		return s.refuse(inner)
	}
	return errors.New("it asks a question, and does not say what the answer must be")
}

// failing matches what makes a script stop.
var failing = regexp.MustCompile(`\b(exit|return)\s+[1-9]|\bfalse\b`)

// prints reports whether a statement only prints.
func (s *shell) prints(st *syntax.Stmt) bool {
	call, ok := st.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	name := call.Args[0].Lit()
	return name == "echo" || name == "printf"
}

// word returns the text of a word in which the shell would replace nothing.
func (s *shell) word(w *syntax.Word) (string, error) {
	if w == nil {
		return "", errors.New("it reads text from here on")
	}
	parts := w.Parts
	for i := 0; i < len(parts); i++ {
		switch p := parts[i].(type) {
		case *syntax.Lit:
			if i == 0 && strings.HasPrefix(p.Value, "~") {
				return "", errors.New("it names the home folder")
			}
		case *syntax.SglQuoted:
			if p.Dollar {
				return "", errors.New("its text is in $'...'")
			}
		case *syntax.DblQuoted:
			if p.Dollar {
				return "", errors.New("its text is translated")
			}
			for _, inner := range p.Parts {
				if _, ok := inner.(*syntax.Lit); !ok {
					return "", unknown(inner)
				}
			}
		default:
			return "", unknown(p)
		}
	}
	return expand.Literal(&expand.Config{Env: expand.ListEnviron()}, w)
}

// unknown says why a part of a word is only known when it runs.
func unknown(p syntax.WordPart) error {
	switch p.(type) {
	case *syntax.CmdSubst, *syntax.ProcSubst:
		return errors.New("it runs a command inside a command")
	case *syntax.ParamExp:
		return errors.New("it uses a variable of the shell")
	}
	return errors.New("what it says is known only when it runs")
}

// words returns the words of a command.
func (s *shell) words(c *syntax.CallExpr) ([]string, error) {
	all := make([]string, len(c.Args))
	for i, w := range c.Args {
		var err error
		if all[i], err = s.word(w); err != nil {
			return nil, err
		}
	}
	return all, nil
}

var (
	changes = []string{"rm", "mv", "cp", "mkdir", "rmdir", "touch", "ln", "git", "sed", "awk", "tee", "install"}
	shells  = []string{"cd", "export", "source", ".", "eval", "exec", "sudo", "bash", "sh", "zsh", "xargs", "curl", "wget", "set", "unset", "alias", "read", "exit", "return"}
	printer = []string{"echo", "printf", "true", ":", "ls", "cat", "head", "tail", "tree", "wc", "sort", "uniq", "less", "pwd"}
)

// call reads a simple command that must succeed.
func (s *shell) call(c *syntax.CallExpr) error {
	args, err := s.words(c)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return errors.New("it sets a variable of the shell")
	}
	if strings.TrimSpace(args[0]) == "" {
		return errors.New("the program has no name")
	}
	switch name := args[0]; {
	case name == "test":
		return s.test(args[1:])
	case name == "[" && args[len(args)-1] == "]":
		return s.test(args[1 : len(args)-1])
	case name == "grep" || name == "egrep" || name == "fgrep" || name == "find":
		return s.pipe([]*syntax.Stmt{{Cmd: c}})
	case name == "diff" || name == "cmp":
		return s.same(args[1:])
	case isPython.MatchString(name) && slices.Contains(args, "-c"):
		return s.python(args)
	case slices.Contains(printer, name):
		return nil
	case slices.Contains(changes, name):
		return errors.New("restage changes only what tables and sentences of the plan say")
	case slices.Contains(shells, name):
		return fmt.Errorf("%s is for a shell, and restage has none", input.Quote(name))
	}
	s.commands = append(s.commands, s.text(c))
	return nil
}

var isPython = regexp.MustCompile(`^python[\d.]*$`)

// test reads the arguments of test.
func (s *shell) test(args []string) error {
	inverse := false
	for len(args) > 0 && args[0] == "!" {
		inverse, args = !inverse, args[1:]
	}
	if len(args) != 2 {
		return errors.New("of test, one condition on one path is read")
	}
	kind, ok := map[string]Kind{"-f": File, "-s": File, "-r": File, "-d": Folder, "-e": Exists}[args[0]]
	if !ok {
		return fmt.Errorf("the condition %s of test is not known here", input.Quote(args[0]))
	}
	return s.path(kind, args[1], inverse)
}

// clause reads what stands between [[ and ]].
func (s *shell) clause(x syntax.TestExpr, depth int) error {
	inverse := false
	for ; depth < maxDepth; depth++ {
		u, ok := x.(*syntax.UnaryTest)
		if !ok {
			break
		}
		if u.Op == syntax.TsNot {
			inverse, x = !inverse, u.X
			continue
		}
		w, ok := u.X.(*syntax.Word)
		if !ok {
			break
		}
		p, err := s.word(w)
		if err != nil {
			return err
		}
		args := []string{u.Op.String(), p}
		if inverse {
			args = append([]string{"!"}, args...)
		}
		return s.test(args)
	}
	return errors.New("of [[, one condition on one path is read")
}

// path notes that a path must be there, or must not.
func (s *shell) path(kind Kind, p string, inverse bool) error {
	p, err := checkPath(p)
	c := Check{Kind: kind, Paths: []string{strings.TrimSuffix(p, "/")}}
	if err == nil && inverse {
		c, err = c.not()
	}
	s.checks = append(s.checks, c)
	return err
}

// same reads the arguments of diff and cmp.
func (s *shell) same(args []string) error {
	c := Check{Kind: Same}
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			if !slices.Contains([]string{"-q", "-s", "-u", "-r", "--brief"}, a) {
				return fmt.Errorf("the option %s of diff is not known here", input.Quote(a))
			}
			continue
		}
		p, err := checkPath(a)
		if err != nil {
			return err
		}
		c.Paths = append(c.Paths, p)
	}
	if len(c.Paths) != 2 {
		return errors.New("diff takes two files")
	}
	s.checks = append(s.checks, c)
	return nil
}

// python reads "python -c CODE": what it imports must be there.
func (s *shell) python(args []string) error {
	at := slices.Index(args, "-c") + 1
	if at >= len(args) {
		return errors.New("python -c has no code")
	}
	code := python.Parse([]byte(args[at]))
	if code.ErrorLine != 0 {
		return errors.New("its code is not valid Python")
	}
	for _, i := range code.Imports {
		switch {
		case i.From && i.Level == 0 && !i.Star:
			c := Check{Kind: Import, Module: i.Name}
			for _, n := range i.Names {
				c.Names = append(c.Names, n.Name)
			}
			s.checks = append(s.checks, c)
		case !i.From:
			for _, n := range i.Names {
				if !slices.Contains(helpers, n.Name) {
					s.checks = append(s.checks, Check{Kind: Import, Module: n.Name})
				}
			}
		default:
			return errors.New("it imports with a dot or a star")
		}
	}
	if len(s.checks) == 0 {
		return errors.New("its Python code is not run")
	}
	rest := []byte(args[at])
	for _, i := range code.Imports {
		for j := i.Start; j < i.End; j++ {
			rest[j] = ' '
		}
	}
	for piece := range strings.FieldsFuncSeq(string(rest), func(r rune) bool { return r == '\n' || r == ';' }) {
		if !tells.MatchString(strings.TrimSpace(piece)) {
			s.rest = "its imports are checked, the rest of its code is not run"
		}
	}
	return nil
}

// tells matches Python that only says how the imports before it went.
var tells = regexp.MustCompile(`^(print\(.*\)|try:|except\b.*:|else:|pass|sys\.(path\.\w+|exit)\(.*\)|#.*|)$`)

// helpers are modules that code imports only to say what it found.
var helpers = []string{"sys", "os", "traceback", "importlib", "warnings", "pathlib"}
