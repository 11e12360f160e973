package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// YAML returns what was understood as a YAML plan, version 1. Read makes the
// same Plan of it, but for the lines that entries stand in.
func (p *Plan) YAML() ([]byte, error) {
	data, err := yaml.Dump(p.document(), yaml.WithIndent(2), yaml.WithLineWidth(120))
	if err != nil {
		return nil, fmt.Errorf("write the plan as YAML: %w", err)
	}
	return data, nil
}

// JSON returns the document that YAML returns as JSON, which Read reads too.
func (p *Plan) JSON() ([]byte, error) {
	var compact, indented bytes.Buffer
	if err := writeJSON(&compact, p.document()); err != nil {
		return nil, fmt.Errorf("write the plan as JSON: %w", err)
	}
	if err := json.Indent(&indented, compact.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("write the plan as JSON: %w", err)
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// writeJSON writes a document made by Plan.document, keys in their order.
func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!int" {
			b.WriteString(n.Value)
			return nil
		}
		text, err := json.Marshal(n.Value)
		b.Write(text)
		return err
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, c); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	b.WriteByte('{')
	for i, c := range n.Content {
		if i%2 == 1 {
			b.WriteByte(':')
		} else if i > 0 {
			b.WriteByte(',')
		}
		if err := writeJSON(b, c); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// document returns the plan as YAML nodes. Keys without a value are left out.
func (p *Plan) document() *yaml.Node {
	doc := mapping().number("restage", 1).text("title", p.Title).texts("source_roots", p.SourceRoots)
	doc.put("steps", list(p.Steps, func(s Step) *node {
		return flow().number("step", s.Number).text("title", s.Title).text("phase", s.Phase)
	}))
	doc.put("moves", list(p.Moves, func(m Move) *node {
		n := mapping().text("from", m.From).text("to", m.To).texts("expect", m.Expect).texts("export", m.Export)
		if d := m.Metadata; d != nil {
			tags := flow().texts("add", d.AddTags).texts("remove", d.RemoveTags)
			n.set("metadata", flow().text("domain", d.Domain).text("from_domain", d.FromDomain).put("tags", tags))
		}
		return n.number("step", m.Step)
	}))
	imports := mapping()
	for _, m := range p.Imports {
		to := scalar(m.New)
		if m.Step != 0 {
			to = flow().set("to", to).number("step", m.Step)
		}
		imports.set(m.Old, to)
	}
	doc.put("imports", imports)
	doc.put("retire", list(p.Retire, func(t Retire) *node {
		return flow().text("path", t.Path).text("use", t.Use).number("step", t.Step)
	}))
	doc.put("delete", list(p.Delete, func(d Delete) *node {
		return flow().text("path", d.Path).text("duplicate_of", d.DuplicateOf).number("step", d.Step)
	}))
	doc.put("keep", textList(p.Keep))
	decide := mapping()
	for _, path := range slices.Sorted(maps.Keys(p.Decide)) {
		decide.text(path, p.Decide[path])
	}
	doc.put("decide", decide).text("guide", p.Guide).put("preconditions", textList(p.Preconditions)).put("known_issues", textList(p.KnownIssues)).text("estimate", p.Estimate)
	doc.put("checks", list(p.Checks, Check.node))
	doc.put("commands", list(p.Commands, func(c Command) *node {
		return flow().text("run", c.Text).text("check", c.Check).number("step", c.Step).number("line", c.Line)
	}))
	doc.put("not_run", list(p.NotRun, func(c Command) *node {
		return mapping().text("run", c.Text).text("reason", c.Reason).number("step", c.Step).number("line", c.Line)
	}))
	doc.put("not_used", list(p.Unused, func(u Unused) *node {
		return flow().text("text", u.Text).number("step", u.Step).number("line", u.Line)
	}))
	return (*yaml.Node)(doc)
}

// node returns an entry of "checks".
func (c Check) node() *node {
	n := flow()
	switch c.Kind {
	case Text:
		n.text(string(c.Kind), c.Text).texts("in", c.Paths).texts("files", c.Files)
	case Found:
		files := textList(c.Files)
		files.Style = yaml.FlowStyle
		n.set(string(c.Kind), files).texts("in", c.Paths)
	case Import:
		n.text(string(c.Kind), c.Module).texts("names", c.Names)
	case Same:
		n.texts(string(c.Kind), c.Paths)
	default:
		n.text(string(c.Kind), c.Paths[0])
	}
	n.texts("only", c.Only).texts("except", c.Except)
	if c.Count > 0 || c.Count == 0 && (c.Kind == Text || c.Kind == Found) {
		n.set("count", &node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(c.Count)})
	}
	return n.number("step", c.Step)
}

// A node is a YAML node that is being built. Its methods return the node
// itself; all but set leave out what is empty.
type node yaml.Node

func mapping() *node { return &node{Kind: yaml.MappingNode} }
func flow() *node    { return &node{Kind: yaml.MappingNode, Style: yaml.FlowStyle} }

func scalar(s string) *node {
	return &node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// textList returns a list with one line for each text.
func textList(texts []string) *node { return list(texts, scalar) }

// set adds a key and its value.
func (n *node) set(key string, value *node) *node {
	n.Content = append(n.Content, (*yaml.Node)(scalar(key)), (*yaml.Node)(value))
	return n
}

// put adds a key and its value, a list or mapping, unless that is empty.
func (n *node) put(key string, value *node) *node {
	if len(value.Content) == 0 {
		return n
	}
	return n.set(key, value)
}

func (n *node) text(key, value string) *node {
	if value == "" {
		return n
	}
	return n.set(key, scalar(value))
}

func (n *node) number(key string, value int) *node {
	if value == 0 {
		return n
	}
	return n.set(key, &node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(value)})
}

func (n *node) texts(key string, texts []string) *node {
	value := textList(texts)
	value.Style = yaml.FlowStyle
	return n.put(key, value)
}

// list returns a list with one entry for each element of all.
func list[T any](all []T, entry func(T) *node) *node {
	n := &node{Kind: yaml.SequenceNode}
	for _, e := range all {
		n.Content = append(n.Content, (*yaml.Node)(entry(e)))
	}
	return n
}
