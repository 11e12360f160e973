package plan

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// code reads a code block: shell is never run, Python that belongs into a new
// __init__.py tells what it exports, lines of text are read like items.
func (m *markdown) code(b *block) {
	lang := b.lang
	if lang == "" && shellLike(b.code) {
		lang = "sh"
	}
	switch lang {
	case "sh", "bash", "shell", "console", "zsh", "shell-session":
		m.shell(b)
		b.use()
	case "python", "py", "python3", "":
		switch {
		case m.creates != nil && (b.depth >= m.creates.depth || b.index == m.creates.index+1):
			m.creates.parse(strings.Join(b.code, "\n"))
			m.creates.all = m.names(m.creates.all)
			m.packages = append(m.packages, *m.creates)
			b.use()
			m.creates = nil
		case lang == "" && !pythonLike.MatchString(strings.Join(b.code, "\n")):
			m.lines(b)
		default:
			m.oldNew(b)
		}
	case "text", "txt", "plain", "plaintext":
		m.lines(b)
	}
}

// pythonLike matches code that imports.
var pythonLike = regexp.MustCompile(`(?m)^\s*(from\s+\S+\s+import|import\s+\S+)\b`)

// shellLike reports whether each line of code that starts a command starts one
// that plans have in shell blocks.
func shellLike(lines []string) bool {
	words := 0
	for _, text := range lines {
		text = strings.TrimSpace(text)
		word, _, _ := strings.Cut(strings.TrimLeft(text, "$!( "), " ")
		switch {
		case text == "" || text[0] == '#':
		case slices.Contains(shellWords, word):
			words++
		case words == 0:
			return false
		}
	}
	return words > 0
}

var shellWords = []string{"test", "[", "[[", "grep", "egrep", "find", "diff", "cmp", "python", "python3", "pytest", "mypy", "uvx", "uv", "poetry", "git", "rm", "mv", "mkdir"}

// lines reads each line of a code block that has no language as an item of a
// list.
func (m *markdown) lines(b *block) {
	pos := b.pos
	for _, text := range b.code {
		end := bytes.IndexByte(m.doc.source[pos:], '\n')
		if s := strings.TrimSpace(text); s != "" {
			line := &block{heading: b.heading, depth: b.depth + 1, item: true, pos: pos,
				text: phrase{s, []mark{{0, pos + len(text) - len(strings.TrimLeft(text, " \t"))}}}}
			m.sentence(line)
			b.used = b.used || line.used
			if !line.used {
				b.rest = append(b.rest, line)
			}
		}
		if end < 0 {
			break
		}
		pos += end + 1
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

// shell notes what a shell block says. Names that it looks for in moved files
// are names that the files must define.
func (m *markdown) shell(b *block) {
	line, _ := m.doc.place(b.pos)
	checks, commands, notRun := readShell(b.code, m.after(b))
	for _, c := range checks {
		c.Step, c.Line = b.step(), line+c.Line
		m.check(c)
	}
	for _, c := range commands {
		c.Step, c.Line = b.step(), line+c.Line
		again := func(o Command) bool { return o.Step == c.Step && o.Text == c.Text }
		if !slices.ContainsFunc(m.plan.Commands, again) && !m.full() {
			m.plan.Commands = append(m.plan.Commands, c)
		}
	}
	for _, c := range notRun {
		c.Step, c.Line = b.step(), line+c.Line
		if m.git(b, c) {
			c.Reason = "restage does this itself"
		} else if m.definitions(b, c) {
			c.Reason = "the names it looks for must be defined where they move to"
		}
		if !m.full() {
			m.plan.NotRun = append(m.plan.NotRun, c)
		}
	}
}

var (
	gitMove   = regexp.MustCompile(`^git\s+mv\s+(?:-\w+\s+)*["']?([^\s"']+)["']?\s+["']?([^\s"']+)["']?$`)
	gitRemove = regexp.MustCompile(`^git\s+rm\s+(?:-[\w-]+\s+)*["']?([^\s"']+)["']?$`)
)

// git reads "git mv a b" as a move, and "git rm a" as what goes.
func (m *markdown) git(b *block, c Command) bool {
	said := ""
	if match := gitMove.FindStringSubmatch(c.Text); match != nil {
		said = "`" + match[1] + "` → `" + match[2] + "`"
	} else if match := gitRemove.FindStringSubmatch(c.Text); match != nil {
		said = "`" + match[1] + "` → DELETE"
	}
	line := &block{heading: b.heading, item: true, text: phrase{said, []mark{{0, m.doc.lines[c.Line-1]}}}}
	m.pairs(line)
	return line.used
}

// check notes a check, once for each step.
func (m *markdown) check(c Check) {
	line := c.Line
	c.Line = 0
	if key := fmt.Sprintf("%+v", c); !m.checks[key] && !m.full() {
		m.checks[key] = true
		c.Line = line
		m.plan.Checks = append(m.plan.Checks, c)
	}
}

// definitions reads the names that a grep for definitions looks for.
func (m *markdown) definitions(b *block, c Command) bool {
	match := grepDef.FindStringSubmatch(c.Text)
	if match == nil || c.Step == 0 {
		return false
	}
	names := []string{match[1]}
	if one := grepOne.FindStringSubmatch(c.Text); one != nil {
		names = append(names, strings.FieldsFunc(one[1], func(r rune) bool { return r == '|' || r == '\\' })...)
	}
	if names = m.names(names); len(names) > 0 {
		m.expects = append(m.expects, expect{b, c.Step, pyFile.FindAllString(c.Text, -1), names})
	}
	return len(names) > 0
}

// after returns the text that follows a code block in the same item.
func (m *markdown) after(b *block) string {
	i := b.index + 1
	if i == len(m.doc.blocks) {
		return ""
	}
	if next := m.doc.blocks[i]; !next.item && !next.title && next.depth == b.depth {
		return next.text.s
	}
	return ""
}
