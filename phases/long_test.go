package phases_test

import (
	"strings"
	"testing"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// Long files take time in proportion to their length: with any work for each
// word that grows with what stands before it, this would not end.
func TestLongFiles(t *testing.T) {
	p, err := plan.Read("plan.yaml", []byte("restage: 1\nmoves:\n  - {from: old/mod.py, to: new/mod.py}\n"))
	if err != nil {
		t.Fatal(err)
	}
	const n = 30_000
	words := "See old.mod and `old/mod.py`, not [this](that.md) or other.words.\n"
	at := tree.NewMap(map[string]string{
		"old/mod.py":     "x = 1\n",
		"README.md":      strings.Repeat(words, n),
		"doc/one.md":     strings.Repeat(strings.TrimSpace(words)+" ", n),
		"setup.cfg":      "[tool]\n" + strings.Repeat("a = old.mod\nb = other.py\n", n),
		"long.py":        "import old.mod\n" + strings.Repeat("y = [old.mod.x, 'old.mod.x and so on'] # old.mod\n", n),
		"document.py":    "\"\"\"" + strings.Repeat(words, n) + "\"\"\"\nimport old.mod\n",
		"null.py":        "import old.mod\n" + strings.Repeat("# caf\xe9\n", n),
		"notebook.ipynb": `{"cells": [{"cell_type": "markdown", "source": "` + strings.Repeat("old.mod and other.py ", n) + `"}]}`,
	})
	change, err := phases.Run(t.Context(), at, p, phases.Moves, phases.Options{})
	if err != nil {
		t.Fatal(err)
	}
	next, err := change.Apply(at)
	if err != nil {
		t.Fatal(err)
	}
	settings := change.Rewritten // go with the moves
	if change, err = phases.Run(t.Context(), next, p, phases.Imports, phases.Options{}); err != nil {
		t.Fatal(err)
	}
	rewritten := append(settings, change.Rewritten...)
	for _, r := range rewritten {
		if r.References < n && r.Path != "null.py" && r.Path != "doc/one.md" {
			t.Errorf("%d references in %s", r.References, r.Path)
		}
	}
	if len(rewritten) != 7 {
		t.Errorf("%d files rewritten", len(rewritten))
	}
}
