package plan

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/restage/restage/phases/input"
)

// stages returns the commands of a pipeline, the first one first.
func stages(st *syntax.Stmt) []*syntax.Stmt {
	var all []*syntax.Stmt
	for {
		c, ok := st.Cmd.(*syntax.BinaryCmd)
		if !ok || c.Op != syntax.Pipe {
			break
		}
		all = append([]*syntax.Stmt{c.Y}, all...)
		st = c.X
	}
	return append([]*syntax.Stmt{st}, all...)
}

// pipe reads a pipeline. One that starts with grep or find is a check if it is
// clear how many lines must come out. Of others the first command counts.
func (s *shell) pipe(all []*syntax.Stmt) error {
	const most = 20
	if len(all) > most {
		return errors.New("the pipeline is too long")
	}
	var commands [][]string
	for _, st := range all {
		c, ok := st.Cmd.(*syntax.CallExpr)
		if !ok || st.Negated || len(c.Args) == 0 {
			return errors.New("of a pipeline, simple commands are read")
		}
		for _, r := range st.Redirs {
			if target, err := s.word(r.Word); err != nil || target != "/dev/null" && target != "1" {
				return errors.New("it redirects to or from a file")
			}
		}
		args, err := s.words(c)
		if err != nil {
			return err
		}
		switch args[0] {
		case "egrep":
			args = append([]string{"grep", "-E"}, args[1:]...)
		case "fgrep":
			args = append([]string{"grep", "-F"}, args[1:]...)
		}
		commands = append(commands, args)
	}
	switch first := commands[0]; first[0] {
	case "grep":
		q, err := grep(first[1:])
		if err != nil {
			return err
		}
		return s.count(q, Check{Kind: Text, Text: q.re, Files: q.files, Except: q.except}, commands[1:])
	case "find":
		c, operands, err := find(first[1:])
		if err != nil {
			return err
		}
		return s.count(search{operands: operands, recursive: true}, c, commands[1:])
	}
	for _, args := range commands[1:] {
		switch args[0] {
		case "grep", "head", "tail", "tee", "cat", "sort":
		default:
			return errors.New("what the pipeline does with the output is not known here")
		}
	}
	return s.call(all[0].Cmd.(*syntax.CallExpr))
}

// count reads what is done with the lines that a search finds.
func (s *shell) count(q search, c Check, then [][]string) error {
	if q.inverse {
		return errors.New("grep -v of a whole file says little")
	}
	c.Count = s.want
	if q.quiet || s.status && s.want == unsaid && (len(then) == 0 || then[len(then)-1][0] == "grep") {
		c.Count = Some
	}
	for i, args := range then {
		last := i == len(then)-1
		switch {
		case args[0] == "sort":
		case args[0] == "wc" && len(args) == 2 && args[1] == "-l" && (last || then[i+1][0] == "grep"):
		case args[0] == "grep":
			f, err := grep(args[1:])
			if err != nil {
				return err
			}
			if n := exactly.FindStringSubmatch(f.re); (q.count || i > 0 && then[i-1][0] == "wc") && n != nil && last {
				c.Count, _ = strconv.Atoi(n[1])
				break
			}
			if i > 0 && then[i-1][0] == "wc" || len(f.operands) > 0 || f.recursive || f.count || f.list || q.count || q.list {
				return errors.New("what its second grep does is not known here")
			}
			if f.inverse {
				c.Except = append(c.Except, f.re)
			} else {
				c.Only = append(c.Only, f.re)
			}
			if f.quiet {
				c.Count = Some
			}
		default:
			return fmt.Errorf("what %s does with the lines is not known here", input.Quote(args[0]))
		}
	}
	if c.Count == unsaid {
		return errors.New(`it prints what it finds; write above it what must come out, as in "# must be 0"`)
	}
	if q.list && c.Count > 0 {
		return errors.New("it counts files and not lines")
	}
	return s.search(q, c)
}

// exactly matches the expression for one number alone.
var exactly = regexp.MustCompile(`^\^(\d{1,4})\$$`)

// search notes c for the files and folders that q names.
func (s *shell) search(q search, c Check) error {
	if len(q.operands) == 0 && q.recursive {
		q.operands = []string{"."}
	}
	if len(q.operands) == 0 {
		return errors.New("it reads its input, and nothing else")
	}
	for _, o := range q.operands {
		p, err := checkPath(o)
		if err != nil {
			return err
		}
		c.Paths = append(c.Paths, p)
	}
	s.checks = append(s.checks, c)
	return nil
}

// find reads the arguments of find.
func find(args []string) (c Check, operands []string, err error) {
	c.Kind = Found
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "!" {
		operands, args = append(operands, args[0]), args[1:]
	}
	file := false
	for inverse := false; len(args) > 0; args = args[1:] {
		option := args[0]
		if option == "!" || option == "-not" {
			inverse = true
			continue
		}
		if len(args) == 1 {
			return c, nil, fmt.Errorf("the option %s of find is not known here", input.Quote(option))
		}
		args = args[1:]
		switch {
		case option == "-type" && args[0] == "f" && !inverse:
			file = true
		case option == "-name" && !inverse && c.Files == nil:
			c.Files = []string{args[0]}
		case option == "-name" && inverse:
			c.Except = append(c.Except, "(^|/)"+glob(args[0])+"$")
		case option == "-path" && inverse:
			c.Except = append(c.Except, "^"+strings.ReplaceAll(glob(args[0]), "[^/:]", ".")+"$")
		default:
			return c, nil, fmt.Errorf("the option %s of find is not known here", input.Quote(option))
		}
		inverse = false
	}
	if !file && c.Files == nil {
		return c, nil, errors.New(`find counts folders too; add "-type f"`)
	}
	return c, operands, nil
}
