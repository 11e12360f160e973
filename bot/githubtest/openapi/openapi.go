// Package openapi checks requests, responses and webhooks against GitHub's own
// OpenAPI description of them, which make testdata downloads. Only tests import
// it.
//
// The description is 13 MB of JSON, of which a test needs little. So it is read
// once as raw JSON, and an operation is loaded, with what it refers to, when it
// is first used.
package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// A Description is GitHub's description of its API. It is safe for use by
// several goroutines.
type Description struct {
	paths      map[string]json.RawMessage
	components map[string]map[string]json.RawMessage
	templates  []template

	mu     sync.Mutex
	pruned map[string]any         // components without examples, by reference
	items  map[string]*openapi3.T // by path template
	hooks  map[string]*openapi3.T // by name of the schema
}

// A template is a path with parameters, such as /repos/{owner}/{repo}.
type template struct {
	path    string
	re      *regexp.Regexp
	names   []string // of the parameters
	literal int      // how much of it is no parameter
}

// Load is Read, once in a process.
func Load() (*Description, error) { return load() }

var load = sync.OnceValues(Read)

// Read reads the description that make testdata has put in the folder
// $RESTAGE_TESTDATA, by default .cache/testdata under the root of the module
// that the working directory is in.
func Read() (*Description, error) {
	file, err := find()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("GitHub's OpenAPI description is missing (%s): run make testdata", file)
	}
	if err != nil {
		return nil, err
	}
	return parse(data)
}

// find returns where the description is.
func find() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			return "", errors.New("no go.mod above the working directory")
		}
		root = filepath.Dir(root)
	}
	dir := os.Getenv("RESTAGE_TESTDATA")
	if dir == "" {
		dir = ".cache/testdata"
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	return filepath.Join(dir, "node_modules/@octokit/openapi/generated/api.github.com.json"), nil
}

func parse(data []byte) (*Description, error) {
	var doc struct {
		Paths      map[string]json.RawMessage
		Components map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("GitHub's OpenAPI description: %w", err)
	}
	d := &Description{paths: doc.Paths, components: doc.Components,
		pruned: map[string]any{}, items: map[string]*openapi3.T{}, hooks: map[string]*openapi3.T{}}
	for path := range doc.Paths {
		d.templates = append(d.templates, newTemplate(path))
	}
	slices.SortFunc(d.templates, func(a, b template) int { return b.literal - a.literal })
	return d, nil
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// manySegments are the parameters that the description marks with
// x-multi-segment: they may hold slashes. The path of the root is empty.
var manySegments = []string{"basehead", "branch", "commit_sha", "path", "ref", "tree_sha"}

func newTemplate(path string) template {
	t := template{path: path, literal: len(parameter.ReplaceAllString(path, ""))}
	var re strings.Builder
	at := 0
	for _, m := range parameter.FindAllStringSubmatchIndex(path, -1) {
		name := path[m[2]:m[3]]
		re.WriteString(regexp.QuoteMeta(path[at:m[0]]))
		if slices.Contains(manySegments, name) {
			re.WriteString("(.*)")
		} else {
			re.WriteString("([^/]+)")
		}
		t.names = append(t.names, name)
		at = m[1]
	}
	t.re = regexp.MustCompile("^" + re.String() + regexp.QuoteMeta(path[at:]) + "$")
	return t
}

// item returns the description of a path: a document with that path alone.
func (d *Description) item(path string) (*openapi3.T, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if doc := d.items[path]; doc != nil {
		return doc, nil
	}
	var item any
	if err := json.Unmarshal(d.paths[path], &item); err != nil {
		return nil, err
	}
	if path == "/app/installations" {
		mendAccount(item)
	}
	doc, err := d.document(map[string]any{path: prune(item)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d.items[path] = doc
	return doc, nil
}

// schema returns a document with one schema, and with what it refers to.
func (d *Description) schema(name string) (*openapi3.T, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if doc := d.hooks[name]; doc != nil {
		return doc, nil
	}
	if d.components["schemas"][name] == nil {
		return nil, fmt.Errorf("GitHub describes no %s", name)
	}
	body := map[string]any{"content": map[string]any{"application/json": map[string]any{
		"schema": map[string]any{"$ref": "#/components/schemas/" + name}}}}
	doc, err := d.document(map[string]any{"/": map[string]any{"post": map[string]any{"requestBody": body,
		"responses": map[string]any{"200": map[string]any{"description": "OK"}}}}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d.hooks[name] = doc
	return doc, nil
}

// document loads a document with the given paths and the components that they
// need.
func (d *Description) document(paths map[string]any) (*openapi3.T, error) {
	components := map[string]map[string]any{}
	if err := d.collect(paths, components); err != nil {
		return nil, err
	}
	data, err := json.Marshal(map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": "GitHub", "version": "1"},
		"paths": paths, "components": components,
	})
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(data)
}

// collect adds to components all that v refers to.
func (d *Description) collect(v any, components map[string]map[string]any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := d.collect(e, components); err != nil {
				return err
			}
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			return d.collectRef(ref, components)
		}
		for _, e := range v {
			if err := d.collect(e, components); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Description) collectRef(ref string, components map[string]map[string]any) error {
	kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	if components[kind][name] != nil {
		return nil
	}
	if d.pruned[ref] == nil {
		var v any
		if err := json.Unmarshal(d.components[kind][name], &v); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
		d.pruned[ref] = prune(v)
	}
	if components[kind] == nil {
		components[kind] = map[string]any{}
	}
	components[kind][name] = d.pruned[ref]
	return d.collect(d.pruned[ref], components)
}

// prune drops the examples, which are half of the description.
func prune(v any) any {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			v[i] = prune(e)
		}
	case map[string]any:
		delete(v, "examples")
		for key, e := range v {
			v[key] = prune(e)
		}
	}
	return v
}
