package plan

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Each file in testdata/authors is the plan of the demo as another author would
// write it. It holds
//
//	plan.md   what the author wrote
//	lacks     what it says otherwise, or not at all: words of the table below
//	unused    some of what is not used, a line each
func TestAuthors(t *testing.T) {
	files, err := filepath.Glob("testdata/authors/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d test cases: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := mustRead(t, "seed.yaml", readFile(t, "testdata/seed.yaml"))
			var got *Plan
			var unused []string
			for _, f := range archive.Files {
				switch f.Name {
				case "lacks":
					for word := range strings.FieldsFuncSeq(string(f.Data), func(r rune) bool { return r == '\n' }) {
						lack, ok := lacks[word]
						if !ok {
							t.Fatalf("what lacks is %q?", word)
						}
						lack(want)
					}
				case "unused":
					unused = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
				case "plan.md":
					got = mustRead(t, "", f.Data)
				}
			}
			for _, text := range unused {
				if !slices.ContainsFunc(got.Unused, func(u Unused) bool { return u.Text == text }) {
					t.Errorf("not listed as unused: %s", text)
				}
			}
			got.Checks, got.Commands = nil, nil
			sorted(got)
			sorted(want)
			compare(t, got, want)
		})
	}
}

// lacks takes from the plan of the demo what an author does not say.
var lacks = map[string]func(*Plan){
	"checks":   func(p *Plan) { p.Checks = nil },
	"commands": func(p *Plan) { p.Commands = nil },
	"estimate": func(p *Plan) { p.Estimate = "" },
	"title":    func(p *Plan) { p.Title = "" },
	"src": func(p *Plan) {
		for i := range p.Moves {
			p.Moves[i].From, p.Moves[i].To = "src/"+p.Moves[i].From, "src/"+p.Moves[i].To
		}
		p.Delete[0].Path, p.Delete[0].DuplicateOf = "src/"+p.Delete[0].Path, ""
	},
	"deleted import": func(p *Plan) {
		p.Imports = slices.DeleteFunc(p.Imports, func(m Mapping) bool { return m.New == "" })
	},
	"broken layer is deleted": func(p *Plan) {
		last := p.Retire[len(p.Retire)-1]
		p.Retire = p.Retire[:len(p.Retire)-1]
		p.Delete = append(p.Delete, Delete{Path: last.Path, Step: last.Step})
	},
}

// sorted brings the entries of a plan in one order: authors have theirs.
func sorted(p *Plan) {
	slices.SortFunc(p.Moves, func(a, b Move) int { return cmp.Compare(a.From, b.From) })
	slices.SortFunc(p.Imports, func(a, b Mapping) int { return cmp.Compare(a.Old, b.Old) })
	slices.SortFunc(p.Retire, func(a, b Retire) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(p.Delete, func(a, b Delete) int { return cmp.Compare(a.Path, b.Path) })
}
