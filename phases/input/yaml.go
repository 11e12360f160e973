package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// maxDepth bounds how deep lists and mappings nest.
const maxDepth = 32

// maxItems bounds the length of one list or mapping.
const maxItems = 5000

// maxRepeated bounds how many values aliases repeat.
const maxRepeated = 10000

// A Source is YAML text and where it stands.
type Source struct {
	File   string // for messages; "" if it has none
	Data   []byte
	Line   int // lines before Data in the file that holds it
	Column int // columns before each line of Data
}

// A Value is one value of a YAML document. Its methods return what it holds,
// or record a mistake and return the zero value.
type Value struct {
	Line, Column int
	node         *yaml.Node
	errs         *Errors
}

// Fields says what to do with the value of each known key.
type Fields map[string]func(Value)

// YAML parses the one document of src and hands its top value to read. An alias
// (*x) is read as the value that its anchor (&x) marks. What is dangerous or
// ambiguous is refused: merge keys, tags, a key given twice, several documents,
// more than MaxSize bytes, aliases that repeat too much. The error holds every
// mistake found, see Errors.Err.
func YAML(src Source, read func(Value)) error {
	errs := &Errors{File: src.File}
	if len(src.Data) > MaxSize {
		errs.Add(0, 0, "too large: %d bytes; at most %d are read", len(src.Data), MaxSize)
		return errs.Err()
	}
	root, err := parse(src.Data)
	if err != nil {
		line, column, message := describe(err)
		if line > 0 {
			line, column = line+src.Line, column+src.Column
		}
		errs.Add(line, column, "%s", message)
		return errs.Err()
	}
	shift(root, src.Line, src.Column)
	top := Value{root.Line, root.Column, root, errs}
	if (&refusal{}).refuse(top, nil, 0); errs.Empty() {
		read(top)
	}
	return errs.Err()
}

// parse returns the top node of the one document in data. An empty document is
// an empty mapping.
func parse(data []byte) (*yaml.Node, error) {
	limits := loaderlimits.New(loaderlimits.DepthFunc(func(depth int, _ *yaml.DepthContext) error {
		if depth > maxDepth {
			return fmt.Errorf("nested deeper than %d levels", maxDepth)
		}
		return nil
	}))
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(limits))
	if err != nil {
		return nil, err
	}
	var doc, more yaml.Node
	if err := loader.Load(&doc); err == io.EOF {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}, nil
	} else if err != nil {
		return nil, err
	}
	if err := loader.Load(&more); err == nil {
		return nil, &Error{Line: more.Line, Column: more.Column, Message: "a second document starts here; keep one"}
	} else if err != io.EOF {
		return nil, err
	}
	if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}, nil
	}
	return doc.Content[0], nil
}

// describe returns where parse stopped and why.
func describe(err error) (line, column int, message string) {
	var mistake *Error
	var load *yaml.LoadError
	if errors.As(err, &mistake) {
		return mistake.Line, mistake.Column, mistake.Message
	}
	if !errors.As(err, &load) {
		return 0, 0, "not valid YAML: " + err.Error()
	}
	message = "not valid YAML: " + load.Message
	if strings.HasPrefix(load.Message, "unknown anchor") {
		message += "; mark a value above with &, or quote what begins with *"
	}
	if load.ContextMsg != "" {
		message = "not valid YAML: " + load.ContextMsg + ": " + load.Message
	}
	return load.Mark.Line, load.Mark.Column, message
}

// shift moves the positions in n and below to where they are in the file.
func shift(n *yaml.Node, line, column int) {
	n.Line += line
	n.Column += column
	for _, c := range n.Content {
		shift(c, line, column)
	}
}

// A refusal walks over a document and records what a file must not use. It
// follows aliases, as those who read the values do.
type refusal struct {
	repeated int // values that aliases repeat
}

// refuse records what is wrong in v, at that depth, and below. Alias is the
// outermost alias around it, nil if there is none.
func (r *refusal) refuse(v Value, alias *Value, depth int) {
	if alias != nil {
		r.repeated++
	}
	switch {
	case r.repeated > maxRepeated:
		if r.repeated == maxRepeated+1 {
			alias.Errorf("aliases (*x) repeat more than %d values up to here; write fewer", maxRepeated)
		}
		return
	case alias != nil && depth > maxDepth:
		alias.Errorf("with its aliases (*x) this nests deeper than %d levels; no value can be part of itself", maxDepth)
		return
	case v.node.Style&yaml.TaggedStyle != 0:
		v.Errorf("tags such as %s are not supported; leave it out", v.node.Tag)
	case len(v.node.Content) > 2*maxItems:
		v.Errorf("too long: at most %d entries are read", maxItems)
		return
	}
	if v.node.Kind == yaml.MappingNode {
		v.refuseKeys()
	}
	for _, c := range v.node.Content {
		below, outer := v.at(c), alias
		if c.Kind == yaml.AliasNode && outer == nil {
			outer = &below
		}
		r.refuse(below, outer, depth+1)
	}
}

// refuseKeys records keys of the mapping v that are given twice, and merge keys.
func (v Value) refuseKeys() {
	lines := map[string]int{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.at(v.node.Content[i])
		if key.node.ShortTag() == "!!merge" {
			key.Errorf("merge keys (<<) are not supported; write the keys out, or repeat a whole value with an alias (*x)")
			continue
		}
		if first, ok := lines[key.node.Value]; ok && key.node.Kind == yaml.ScalarNode {
			key.Errorf("key %s is given twice, first in line %d; keep one", Quote(key.node.Value), first)
			continue
		}
		lines[key.node.Value] = key.Line
	}
}

// at returns the value of a node. That of an alias stands where the alias does.
func (v Value) at(n *yaml.Node) Value {
	at := Value{n.Line, n.Column, n, v.errs}
	if n.Kind == yaml.AliasNode {
		at.node = n.Alias
	}
	return at
}

// Errorf records a mistake at the place of v.
func (v Value) Errorf(format string, args ...any) {
	v.errs.Add(v.Line, v.Column, format, args...)
}

// Sound reports whether no mistake was found so far in the whole file.
func (v Value) Sound() bool { return v.errs.Empty() }

// IsNull reports whether nothing is written where the value should be.
func (v Value) IsNull() bool { return v.node.ShortTag() == "!!null" }

// IsMap reports whether v has keys.
func (v Value) IsMap() bool { return v.node.Kind == yaml.MappingNode }

// Text returns the text of v as it is written. Numbers and booleans are text
// too; nothing at all is not.
func (v Value) Text() string {
	if v.node.Kind != yaml.ScalarNode || v.IsNull() {
		v.Errorf("expected text, found %s", v.kind())
		return ""
	}
	return v.node.Value
}

// Parse returns what f makes of the text of v. An error of f is recorded as a
// mistake.
func (v Value) Parse(f func(string) (string, error)) string {
	if v.node.Kind != yaml.ScalarNode || v.IsNull() {
		return v.Text()
	}
	s, err := f(v.node.Value)
	if err != nil {
		v.Errorf("%s", err)
	}
	return s
}

// Int returns the whole number of v, which must lie between least and most.
func (v Value) Int(least, most int) int {
	n, err := strconv.Atoi(v.node.Value)
	if v.node.Kind != yaml.ScalarNode || err != nil || n < least || n > most {
		v.Errorf("expected a whole number from %d to %d, found %s", least, most, v.kind())
		return 0
	}
	return n
}

// Bool returns true or false. The many words for them that YAML once knew, such
// as "yes" and "off", are no booleans.
func (v Value) Bool() bool {
	if v.node.Kind == yaml.ScalarNode && v.node.Value == "true" {
		return true
	}
	if v.node.Kind != yaml.ScalarNode || v.node.Value != "false" {
		v.Errorf("expected true or false, found %s", v.kind())
	}
	return false
}

// List calls f with each element of the list v. Nothing at all is an empty
// list.
func (v Value) List(f func(Value)) {
	if v.IsNull() {
		return
	}
	if v.node.Kind != yaml.SequenceNode {
		v.Errorf("expected a list, found %s", v.kind())
		return
	}
	for _, n := range v.node.Content {
		f(v.at(n))
	}
}

// Texts returns the elements of a list of text.
func (v Value) Texts() []string {
	var all []string
	v.List(func(e Value) { all = append(all, e.Text()) })
	return all
}

// Pairs calls f with each key and value of the mapping v, in the order of the
// file. Nothing at all is an empty mapping.
func (v Value) Pairs(f func(key, value Value)) {
	if v.IsNull() {
		return
	}
	if !v.IsMap() {
		v.Errorf("expected keys and values, found %s", v.kind())
		return
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		f(v.at(v.node.Content[i]), v.at(v.node.Content[i+1]))
	}
}

// Fields calls for each key of the mapping v the function that known has for
// it. A key that is not known is a mistake.
func (v Value) Fields(known Fields) {
	v.Pairs(func(key, value Value) {
		if f, ok := known[key.node.Value]; ok && key.node.Kind == yaml.ScalarNode {
			f(value)
			return
		}
		key.Errorf("unknown key %s%s", Quote(key.node.Value), Suggest(key.node.Value, slices.Sorted(maps.Keys(known))))
	})
}

// kind says what v is, for messages.
func (v Value) kind() string {
	switch {
	case v.IsNull():
		return "nothing"
	case v.node.Kind == yaml.MappingNode:
		return "keys and values"
	case v.node.Kind == yaml.SequenceNode:
		return "a list"
	}
	return Quote(v.node.Value)
}
