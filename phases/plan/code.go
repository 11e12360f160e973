package plan

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// code reads a code block: shell lines are listed and never run, Python that
// belongs into a new __init__.py tells what it exports.
func (m *markdown) code(b *block) {
	switch b.lang {
	case "sh", "bash", "shell", "console", "zsh":
		m.shell(b)
	case "python", "py", "python3", "":
		if m.creates != nil && b.depth >= m.creates.depth {
			m.creates.parse(strings.Join(b.code, "\n"))
			m.creates.all = m.names(m.creates.all)
			m.packages = append(m.packages, *m.creates)
			m.creates = nil
		}
	}
}

var (
	comment    = regexp.MustCompile(`(?m)(^|\s)#.*$`)
	fromImport = regexp.MustCompile(`(?m)^\s*from\s+([.\w]+)\s+import\s+(?:\(([^()]*)\)|([^\n(]*))`)
	allList    = regexp.MustCompile(`(?s)\b__all__\s*(?::[^=\n]*)?\+?=\s*[\[(](.*?)[\])]`)
	quotedName = regexp.MustCompile(`["'](\w+)["']`)
)

// parse reads the code of an __init__.py. Without an __all__ it exports what it
// imports from its own modules.
func (c *create) parse(source string) {
	source = comment.ReplaceAllString(source, "$1")
	own := strings.ReplaceAll(srcRoot.ReplaceAllString(c.dir, ""), "/", ".") + "."
	c.modules = map[string][]string{}
	var imported []string
	for _, match := range fromImport.FindAllStringSubmatch(source, -1) {
		module := match[1][strings.LastIndex(match[1], ".")+1:]
		if !strings.HasPrefix(match[1], ".") && !strings.HasPrefix(match[1], own) {
			continue
		}
		for name := range strings.SplitSeq(match[2]+match[3], ",") {
			words := strings.Fields(strings.ReplaceAll(name, "\\", " "))
			if len(words) == 3 && words[1] == "as" {
				words = words[2:]
			}
			if len(words) == 1 && isIdentifier(words[0]) {
				imported = append(imported, words[0])
				c.modules[module] = append(c.modules[module], words[0])
			}
		}
	}
	for _, list := range allList.FindAllStringSubmatch(source, -1) {
		for _, name := range quotedName.FindAllStringSubmatch(list[1], -1) {
			c.all = append(c.all, name[1])
		}
	}
	if c.all == nil {
		c.all = imported
	}
}

var (
	// grepDef matches grep looking for definitions: the pattern holds their names.
	grepDef = regexp.MustCompile(`\bgrep\b[^|]*["']\^\s*(?:async )?(?:def|class)\b\s*([\w]*)`)
	// grepOne matches the "(a|b|c)" of a grep -E that filters definitions.
	grepOne = regexp.MustCompile(`\bgrep\s+-\w*E\w*\s+["']\(?(\w+(?:\\?\|\w+)*)\)?["']`)
	// pyFile matches the Python files that a line names.
	pyFile = regexp.MustCompile(`[\w./-]+\.py\b`)
)

// shell lists the commands of a shell block. Names that they look for in moved
// files are names that the files must define.
func (m *markdown) shell(b *block) {
	line, _ := m.doc.place(b.pos)
	for _, c := range commands(b.code) {
		if m.full() {
			return
		}
		m.plan.Commands = append(m.plan.Commands, Command{b.step(), c.Text, line + c.Line})
		match := grepDef.FindStringSubmatch(c.Text)
		if match == nil || b.step() == 0 {
			continue
		}
		names := []string{match[1]}
		if one := grepOne.FindStringSubmatch(c.Text); one != nil {
			names = append(names, strings.FieldsFunc(one[1], func(r rune) bool { return r == '|' || r == '\\' })...)
		}
		if names = m.names(names); len(names) > 0 {
			m.expects = append(m.expects, expect{b.step(), pyFile.FindAllString(c.Text, -1), names})
		}
	}
}

// maxShell bounds the shell text that is parsed, in bytes: the parser recurses.
const maxShell = 8 << 10

// commands splits shell text into commands, their Line counted from 0. Text
// that is no shell is split into lines.
func commands(lines []string) []Command {
	source := strings.Join(lines, "\n")
	var all []Command
	if len(source) <= maxShell {
		if file, err := syntax.NewParser().Parse(strings.NewReader(source), ""); err == nil {
			for _, s := range file.Stmts {
				text := source[s.Pos().Offset():s.End().Offset()]
				all = append(all, Command{Text: strings.TrimSpace(text), Line: int(s.Pos().Line()) - 1})
			}
			return all
		}
	}
	for i, text := range lines {
		if text = strings.TrimSpace(text); text != "" && !strings.HasPrefix(text, "#") {
			all = append(all, Command{Text: text, Line: i})
		}
	}
	return all
}
