package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// count returns how many places name a module: by its dotted name, by an import
// from its package, or by its path.
func count(files map[string]string, dotted string) int {
	pkg, name := dotted[:strings.LastIndexByte(dotted, '.')], dotted[strings.LastIndexByte(dotted, '.')+1:]
	n := 0
	for _, text := range files {
		for _, form := range []string{dotted, "from " + pkg + " import " + name, strings.ReplaceAll(dotted, ".", "/") + ".py"} {
			n += strings.Count(text, form)
		}
	}
	return n
}

func contents(t *testing.T, from tree.Tree) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, e := range from.Entries() {
		data, err := from.Read(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		files[e.Path] = string(data)
	}
	return files
}

// What is measured is done right: all places follow the modules, and a second
// run has nothing to do.
func TestRepo(t *testing.T) {
	r := makeRepo(180, 10)
	if !maps.Equal(r.files, makeRepo(180, 10).files) {
		t.Error("the same size does not give the same files")
	}
	python := 0
	for name, text := range r.files {
		if strings.HasSuffix(name, ".py") {
			python++
			checkParses(t, name, text)
		}
	}
	if python != 180 || len(r.moves) != 10 {
		t.Errorf("%d files and %d moves, want 180 and 10", python, len(r.moves))
	}
	for _, mod := range r.moves {
		if was, now := count(r.files, mod.name()), count(r.files, mod.moved()); was != places || now != 0 {
			t.Errorf("%s: named in %d places, %s in %d; want %d and 0", mod.name(), was, mod.moved(), now, places)
		}
	}

	p, err := plan.Read("plan.yaml", []byte(r.plan))
	if err != nil {
		t.Fatal(err)
	}
	var after tree.Tree = tree.NewMap(r.files)
	changes, err := phases.RunFrom(t.Context(), after, p, phases.Moves, phases.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if len(c.Decisions) > 0 || len(c.Warnings) > 0 {
			t.Errorf("%s: decisions %v, warnings %v", c.Phase, c.Decisions, c.Warnings)
		}
		if after, err = c.Apply(after); err != nil {
			t.Fatal(err)
		}
	}
	files := contents(t, after)
	for _, mod := range r.moves {
		if was, now := count(files, mod.name()), count(files, mod.moved()); was != 0 || now != places {
			t.Errorf("%s: still named in %d places, %s in %d; want 0 and %d", mod.name(), was, mod.moved(), now, places)
		}
	}
	for name, text := range files {
		if strings.HasSuffix(name, ".py") {
			checkParses(t, name, text)
		}
	}
	again, err := phases.RunFrom(t.Context(), after, p, phases.Moves, phases.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range again {
		if len(c.Commits) > 0 {
			t.Errorf("%s has %d commits when run again", c.Phase, len(c.Commits))
		}
	}
}

func checkParses(t *testing.T, name, text string) {
	t.Helper()
	if line := python.Parse([]byte(text)).ErrorLine; line != 0 {
		t.Errorf("%s does not parse at line %d", name, line)
	}
}
