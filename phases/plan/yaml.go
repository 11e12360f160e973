package plan

import (
	"path"
	"slices"

	"github.com/restage/restage/phases/input"
	md "github.com/restage/restage/phases/markdown"
)

// maxStep is the highest number of a step.
const maxStep = 9999

// phases are the words for the phase of a step.
var phases = []string{"moves", "imports", "cleanup"}

// yaml reads the top value of a YAML plan.
func (r *reader) yaml(v input.Value) {
	p := r.plan
	versioned := false
	v.Fields(input.Fields{
		"restage": func(v input.Value) {
			if versioned = true; v.Text() != "1" {
				v.Errorf("unknown version of the plan format; this restage reads \"restage: 1\"")
			}
		},
		"title":         func(v input.Value) { p.Title = line(v) },
		"source_roots":  func(v input.Value) { v.List(func(v input.Value) { p.SourceRoots = append(p.SourceRoots, root(v)) }) },
		"steps":         func(v input.Value) { v.List(r.yamlStep) },
		"moves":         func(v input.Value) { v.List(r.yamlMove) },
		"imports":       func(v input.Value) { v.Pairs(r.yamlImport) },
		"retire":        func(v input.Value) { v.List(r.yamlRetire) },
		"delete":        func(v input.Value) { v.List(r.yamlDelete) },
		"keep":          func(v input.Value) { v.List(func(v input.Value) { p.Keep = append(p.Keep, file(v)) }) },
		"decide":        func(v input.Value) { v.Pairs(r.yamlDecide) },
		"guide":         func(v input.Value) { p.Guide = guide(v) },
		"preconditions": func(v input.Value) { p.Preconditions = lines(v) },
		"known_issues":  func(v input.Value) { p.KnownIssues = lines(v) },
		"estimate":      func(v input.Value) { p.Estimate = line(v) },
		"checks":        func(v input.Value) { v.List(r.yamlCheck) },
		"commands": func(v input.Value) {
			v.List(func(v input.Value) { p.Commands = append(p.Commands, yamlCommand(v, true)) })
		},
		"not_run": func(v input.Value) {
			v.List(func(v input.Value) { p.NotRun = append(p.NotRun, yamlCommand(v, false)) })
		},
		"not_used": func(v input.Value) { v.List(func(v input.Value) { p.Unused = append(p.Unused, yamlUnused(v)) }) },
	})
	if !versioned && v.IsMap() {
		v.Errorf("the version is missing; start with \"restage: 1\"")
	}
}

func (r *reader) yamlStep(v input.Value) {
	var s Step
	v.Fields(input.Fields{
		"step":  func(v input.Value) { s.Number = v.Int(1, maxStep) },
		"title": func(v input.Value) { s.Title = line(v) },
		"phase": func(v input.Value) {
			if s.Phase = v.Text(); !slices.Contains(phases, s.Phase) {
				v.Errorf("unknown phase %s%s", input.Quote(s.Phase), input.Suggest(s.Phase, phases))
			}
		},
	})
	if s.Number == 0 {
		v.Errorf("the step has no number; add \"step\"")
	}
	if slices.ContainsFunc(r.plan.Steps, func(o Step) bool { return o.Number == s.Number }) {
		v.Errorf("step %d is listed twice; keep one", s.Number)
	}
	r.plan.Steps = append(r.plan.Steps, s)
}

func (r *reader) yamlMove(v input.Value) {
	m := Move{Line: v.Line}
	v.Fields(input.Fields{
		"from":     func(v input.Value) { m.From = file(v) },
		"to":       func(v input.Value) { m.To = file(v) },
		"expect":   func(v input.Value) { m.Expect = names(v) },
		"export":   func(v input.Value) { m.Export = names(v) },
		"metadata": func(v input.Value) { m.Metadata = metadata(v) },
		"step":     func(v input.Value) { m.Step = v.Int(1, maxStep) },
	})
	require(v, "move", map[string]string{"from": m.From, "to": m.To})
	m.From, m.To = pair(m.From, m.To)
	r.plan.Moves = append(r.plan.Moves, m)
}

func (r *reader) yamlImport(key, v input.Value) {
	m := Mapping{Line: key.Line}
	m.Old = key.Parse(cleanModule)
	to := func(v input.Value) {
		if !v.IsNull() && v.Text() != "" {
			m.New = v.Parse(cleanModule)
		}
	}
	if v.IsMap() {
		v.Fields(input.Fields{
			"to":   to,
			"step": func(v input.Value) { m.Step = v.Int(1, maxStep) },
		})
	} else {
		to(v)
	}
	if m.Old != "" {
		r.plan.Imports = append(r.plan.Imports, m)
	}
}

func (r *reader) yamlRetire(v input.Value) {
	t := Retire{Line: v.Line}
	v.Fields(input.Fields{
		"path": func(v input.Value) { t.Path = file(v) },
		"use": func(v input.Value) {
			if !v.IsNull() && v.Text() != "" {
				t.Use = v.Parse(cleanPackage)
			}
		},
		"step": func(v input.Value) { t.Step = v.Int(1, maxStep) },
	})
	require(v, "entry", map[string]string{"path": t.Path})
	r.plan.Retire = append(r.plan.Retire, t)
}

func (r *reader) yamlDelete(v input.Value) {
	d := Delete{Line: v.Line}
	v.Fields(input.Fields{
		"path":         func(v input.Value) { d.Path = file(v) },
		"duplicate_of": func(v input.Value) { d.DuplicateOf = file(v) },
		"step":         func(v input.Value) { d.Step = v.Int(1, maxStep) },
	})
	require(v, "entry", map[string]string{"path": d.Path})
	r.plan.Delete = append(r.plan.Delete, d)
}

func (r *reader) yamlDecide(key, v input.Value) {
	if r.plan.Decide == nil {
		r.plan.Decide = map[string]string{}
	}
	answer := line(v)
	if answer == "" {
		v.Errorf("the answer is empty; write one of the options of the decision")
	}
	r.plan.Decide[file(key)] = answer
}

// metadata reads the value of the key of that name.
func metadata(v input.Value) *Metadata {
	m := &Metadata{}
	v.Fields(input.Fields{
		"domain":      func(v input.Value) { m.Domain = line(v) },
		"from_domain": func(v input.Value) { m.FromDomain = line(v) },
		"tags": func(v input.Value) {
			v.Fields(input.Fields{
				"add":    func(v input.Value) { m.AddTags = lines(v) },
				"remove": func(v input.Value) { m.RemoveTags = lines(v) },
			})
		},
	})
	return m
}

// require records which of the wanted values of one entry are empty, unless
// something else is already wrong.
func require(v input.Value, what string, wanted map[string]string) {
	if !v.Sound() {
		return
	}
	for _, key := range []string{"from", "to", "path"} {
		if value, ok := wanted[key]; ok && value == "" {
			v.Errorf("the %s has no %q; add it", what, key)
		}
	}
}

// file returns the path that v holds.
func file(v input.Value) string { return v.Parse(CleanPath) }

// guide returns the path of the file for the migration guide.
func guide(v input.Value) string {
	at := file(v)
	if path.Ext(at) == "" {
		v.Errorf("the migration guide is a file, such as \"docs/migration.md\"")
	}
	return at
}

// root returns the source root that v holds. "." is the repository root.
func root(v input.Value) string { return v.Parse(CleanRoot) }

// names returns the Python names that the list v holds.
func names(v input.Value) []string {
	var all []string
	v.List(func(v input.Value) { all = append(all, v.Parse(cleanName)) })
	return all
}

// line returns text for people.
func line(v input.Value) string { return md.OneLine(v.Text()) }

// lines returns a list of such texts.
func lines(v input.Value) []string {
	var all []string
	v.List(func(v input.Value) { all = append(all, line(v)) })
	return all
}
