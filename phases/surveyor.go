package phases

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// A MoveFinding is what the tree says to one row of the plan's moves.
type MoveFinding struct {
	From        string   `json:"from"` // a folder has a trailing slash
	To          string   `json:"to"`
	Step        int      `json:"step,omitempty"`
	Files       int      `json:"files"` // 0 if there is nothing of that name
	Done        bool     `json:"done,omitempty"`
	ShadowedBy  string   `json:"shadowed_by,omitempty"` // the package that Python imports instead
	Destination Sameness `json:"destination,omitempty"` // of what exists there already
	Diff        string   `json:"diff,omitempty"`        // from the old file to what exists there, cut short
	Missing     []string `json:"missing,omitempty"`     // expected names that are not there
	ImportedBy  []string `json:"imported_by"`           // files that import it
}

// A Sameness says how alike two files are.
type Sameness string

// How alike files are.
const (
	Identical Sameness = "identical"
	SameCode  Sameness = "same code" // other comments, docstrings and layout
	Different Sameness = "different"
)

// A LayerFinding is what the tree says to a layer that the plan retires.
type LayerFinding struct {
	Path    string     `json:"path"` // as the plan spells it
	Use     string     `json:"use,omitempty"`
	Step    int        `json:"step,omitempty"`
	Files   int        `json:"files"` // 0 if there is nothing of that name
	Own     []string   `json:"own,omitempty"`
	Names   []NameHome `json:"names,omitempty"`   // what it passes on, by name
	Broken  []string   `json:"broken,omitempty"`  // modules that it imports names from and that are not there
	Absent  []string   `json:"absent,omitempty"`  // names that the replacement does not have, but another module has
	Lacking []string   `json:"lacking,omitempty"` // names that nothing has when the layer is gone
	UsedBy  []string   `json:"used_by"`           // files that import it
}

// A NameHome says where a name really lives.
type NameHome struct {
	Name   string `json:"name"`
	Module string `json:"module"`
}

// A DuplicateFinding is what the tree says to a duplicate.
type DuplicateFinding struct {
	Path     string   `json:"path"` // as the plan spells it
	Of       string   `json:"of"`
	Step     int      `json:"step,omitempty"`
	Sameness Sameness `json:"sameness,omitempty"` // "" if one of them is not there
	Diff     string   `json:"diff,omitempty"`     // cut short
}

// A KeptFinding is what the tree says to a path that is out of scope.
type KeptFinding struct {
	Path    string    `json:"path"` // as the plan spells it
	Files   int       `json:"files"`
	Below   string    `json:"below,omitempty"` // what the plan deletes above it
	UsedBy  []string  `json:"used_by"`         // files outside that import it
	Similar []Similar `json:"similar,omitempty"`
}

// A Similar module has names that a kept one has too.
type Similar struct {
	Path  string   `json:"path"`
	As    string   `json:"as"` // the kept file
	Names []string `json:"names"`
}

// A surveyor compares one row of a plan after the other with the tree.
type surveyor struct {
	*job
	now       *model              // what names mean before anything is done
	then      *model              // what they mean when files have moved
	importers map[string][]string // by module: files that import it
}

// newSurveyor returns a surveyor of the tree that a job has looked at; then is
// the job for the tree after the moves.
func newSurveyor(j, then *job) *surveyor {
	s := &surveyor{job: j, now: j.model(j.tree), then: then.newModel(then.tree), importers: map[string][]string{}}
	s.now.fates = map[string]*dest{}
	for _, f := range j.hits {
		if strings.HasSuffix(f, ".py") || strings.HasSuffix(f, ".pyi") {
			s.readImporter(f)
		}
	}
	return s
}

// readImporter notes what a file imports.
func (s *surveyor) readImporter(f string) {
	add := func(module string) {
		module, _ = s.now.canonical(module)
		if files := s.importers[module]; len(files) == 0 || files[len(files)-1] != f {
			s.importers[module] = append(files, f)
		}
	}
	for _, imp := range s.src.syntax(f).Imports {
		if !imp.From {
			for _, in := range imp.Names {
				add(in.Name)
			}
			continue
		}
		base := python.Absolute(s.index.NameOf(f), isInit(f), imp.Level, imp.Name)
		add(base)
		for _, in := range imp.Names {
			if sub := base + "." + in.Name; s.now.isModule(sub) && !s.now.bindsOther(base, in.Name) {
				add(sub)
			}
		}
	}
}

// usersOf returns the files that import any of the modules in the given files,
// but for these files themselves.
func (s *surveyor) usersOf(files []string) []string {
	users := map[string]bool{}
	for _, f := range files {
		for _, user := range s.importers[s.index.NameOf(f)] {
			if !slices.Contains(files, user) {
				users[user] = true
			}
		}
	}
	return sorted(keys(users))
}

func (s *surveyor) move(row *plan.Move) MoveFinding {
	from, _ := s.findMoved(row)
	to := s.destination(from, row.To)
	if strings.HasSuffix(row.To, "/") && !strings.HasSuffix(row.From, "/") {
		to = path.Join(to, path.Base(from))
	}
	f := MoveFinding{From: from, To: to, Step: row.Step, ImportedBy: []string{}}
	if strings.HasSuffix(row.From, "/") {
		f.From, f.To = from+"/", to+"/"
	}
	var old []string
	done := 0
	for _, mv := range s.filesOf(row, from, to) {
		if !exists(s.tree, mv.from) || s.isShim(mv.from) {
			done++
		}
		f.Files++
		old = append(old, mv.from)
		s.compare(&f, mv)
	}
	f.Done = f.Files > 0 && done == f.Files
	if mod, _ := s.index.Lookup(s.index.NameOf(from)); mod != nil && mod.Shadowed == from {
		f.ShadowedBy = mod.Dir + "/"
	}
	f.Missing = s.notDefined(row, old)
	f.ImportedBy = append(f.ImportedBy, s.usersOf(old)...)
	return f
}

// compare notes how alike a file is to what exists at its destination: of a
// folder, what is least alike counts.
func (s *surveyor) compare(f *MoveFinding, mv *fileMove) {
	same, diff := s.sameness(mv.from, mv.to)
	if same == "" || s.isShim(mv.from) || f.Destination == Different {
		return
	}
	if f.Destination != SameCode || same == Different {
		f.Destination, f.Diff = same, diff
	}
}

// sameness compares two files. It returns "" if one of them is not there, and a
// short diff if their code differs.
func (s *surveyor) sameness(a, b string) (Sameness, string) {
	old, err := s.tree.Read(a)
	if err != nil {
		return "", ""
	}
	now, err := s.tree.Read(b)
	switch {
	case err != nil:
		return "", ""
	case bytes.Equal(old, now):
		return Identical, ""
	case s.sameCode(a, b):
		return SameCode, ""
	}
	return Different, tree.Compare(a, old, b, now, maxDiff)
}

// maxDiff is how many lines of a diff are shown.
const maxDiff = 20

// notDefined returns the names that a row expects and none of the files has.
func (s *surveyor) notDefined(row *plan.Move, files []string) []string {
	var missing []string
	for _, name := range row.Expect {
		if !slices.ContainsFunc(files, func(f string) bool { return s.src.defines(f, name) }) {
			missing = append(missing, name)
		}
	}
	if len(files) == 0 {
		return nil
	}
	return missing
}

func (s *surveyor) layer(r plan.Retire) LayerFinding {
	g := s.goner(r.Path, r.Step)
	f := LayerFinding{Path: r.Path, Use: r.Use, Step: r.Step, Files: len(g.files), UsedBy: []string{}}
	if len(g.files) == 0 {
		return f
	}
	f.Own = s.ownNames(g)
	s.eachModule(g, func(module, _ string) {
		mod, _ := s.index.Lookup(module)
		t := s.now.table(mod)
		if t == nil {
			return
		}
		for _, name := range s.now.binds(t) {
			sym, _ := s.now.symbol(t, name)
			switch from, _ := s.now.canonical(sym.Module); {
			case strings.HasPrefix(name, "_") || slices.Contains(f.Own, name):
			case s.now.misses(from):
				if !slices.Contains(f.Broken, from) {
					f.Broken = append(f.Broken, from)
				}
			case sym.Defined() || sym.Name != "" && s.now.isModule(from):
				s.passes(&f, module, name)
			}
		}
	})
	f.UsedBy = append(f.UsedBy, s.usersOf(g.files)...)
	return f
}

// passes notes a name that a layer passes on: where it lives, and whether that is
// in the replacement.
func (s *surveyor) passes(f *LayerFinding, module, name string) {
	to, found := s.then.find(module, name)
	home, _, _ := strings.Cut(s.now.home(module, name), ":")
	if home == module && found { // a function that forwards
		home, _, _ = strings.Cut(s.then.home(to.concrete, to.name), ":")
	}
	if slices.Contains(f.Names, NameHome{name, home}) {
		return
	}
	if home != module {
		f.Names = append(f.Names, NameHome{name, home})
	}
	switch {
	case !found:
		f.Lacking = append(f.Lacking, name)
	case s.then.isModule(f.Use) && !s.then.exports(f.Use, to.name):
		f.Absent = append(f.Absent, name)
	}
}

func (s *surveyor) duplicate(d plan.Delete) DuplicateFinding {
	at, _ := s.find(d.Path)
	of, _ := s.find(d.DuplicateOf)
	f := DuplicateFinding{Path: d.Path, Of: d.DuplicateOf, Step: d.Step}
	f.Sameness, f.Diff = s.sameness(at, of)
	return f
}

func (s *surveyor) keep(spelt string) KeptFinding {
	at, _ := s.find(spelt)
	f := KeptFinding{Path: spelt, UsedBy: []string{}}
	var files []string
	if _, ok := tree.Find(s.tree, at); ok {
		files = []string{at}
	}
	for _, e := range tree.Under(s.tree, at) {
		files = append(files, e.Path)
	}
	f.Files = len(files)
	for _, d := range s.plan.Delete {
		if above, _ := s.find(d.Path); within(at, above) {
			f.Below = d.Path
		}
	}
	f.UsedBy = append(f.UsedBy, s.usersOf(files)...)
	for _, file := range files {
		if f.Below != "" && strings.HasSuffix(file, ".py") && !isInit(file) {
			f.Similar = append(f.Similar, s.similar(file)...)
		}
	}
	return f
}

// similar finds modules elsewhere, of the same file name or in a folder of that
// name, that define most of what a file defines.
func (s *surveyor) similar(file string) []Similar {
	names := s.public(file)
	if len(names) == 0 {
		return nil
	}
	var found []Similar
	stem := strings.TrimSuffix(path.Base(file), ".py")
	for _, other := range s.src.paths {
		if !strings.HasSuffix(other, ".py") || other == file || path.Base(other) != path.Base(file) && path.Base(path.Dir(other)) != stem {
			continue
		}
		has := s.public(other)
		common := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !slices.Contains(has, n) })
		if 2*len(common) > len(names) {
			found = append(found, Similar{Path: other, As: file, Names: common})
		}
	}
	return found
}

// public returns the public names that a file defines itself, sorted.
func (s *surveyor) public(file string) []string {
	var names []string
	for name, sym := range s.src.syntax(file).Symbols("", false).Names {
		if sym.Defined() && !strings.HasPrefix(name, "_") {
			names = append(names, name)
		}
	}
	return sorted(names)
}

// order returns the rows' old paths so that what a row imports of the others
// comes before it, or nil if the plan has them so.
func (s *surveyor) order() []string {
	rowOf := map[string]int{}
	for i := range s.plan.Moves {
		for _, mv := range s.moves {
			if mv.row == &s.plan.Moves[i] && mv.old != "" && !mv.done {
				rowOf[mv.old] = i
			}
		}
	}
	needs := make([]map[int]bool, len(s.plan.Moves))
	for old, i := range rowOf {
		for _, imported := range s.now.imports(old) {
			if k, ok := rowOf[imported]; ok && k != i {
				if needs[i] == nil {
					needs[i] = map[int]bool{}
				}
				needs[i][k] = true
			}
		}
	}
	var order []int
	placed := map[int]bool{}
	var place func(i int, above []int)
	place = func(i int, above []int) {
		if placed[i] || slices.Contains(above, i) {
			return // there already, or a cycle: no order is right
		}
		for k := range needs {
			if needs[i][k] {
				place(k, append(above, i))
			}
		}
		if !placed[i] {
			placed[i] = true
			order = append(order, i)
		}
	}
	for i := range needs {
		place(i, nil)
	}
	if slices.IsSorted(order) {
		return nil
	}
	var paths []string
	for _, i := range order {
		paths = append(paths, s.plan.Moves[i].From)
	}
	return paths
}

// cycles returns the import cycles that modules to be moved are in, each
// sorted.
func (s *surveyor) cycles() [][]string {
	var found [][]string
	seen := map[string]bool{}
	for _, mv := range s.moves {
		if mv.old == "" || mv.done || seen[mv.old] {
			continue
		}
		s.now.reaches(mv.old, mv.old)
		var cycle []string
		for _, other := range sorted(keys(s.now.reach[mv.old])) {
			if s.now.reaches(other, mv.old) {
				cycle = append(cycle, other)
				seen[other] = true
			}
		}
		if len(cycle) > 1 {
			found = append(found, cycle)
		}
	}
	return found
}
