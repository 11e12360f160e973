package phases

import (
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// patchedNames returns the homes of the names that somebody replaces from
// outside: by a string ("mock.patch"), by an object and a name ("patch.object",
// "setattr"), or by assignment. A function that imports such a name when it
// runs must get it from the module where it is replaced.
func (j *job) patchedNames(m *model) map[string]bool {
	patched := map[string]bool{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, f := range j.hits {
		if _, ok := tree.Find(m.tree, f); !ok || !strings.HasSuffix(f, ".py") {
			continue
		}
		group.Go(func() error {
			r := &rewriter{m: m, f: m.syntax(f), path: f, module: m.index.NameOf(f), origin: m.index.NameOf(f), pkg: strings.HasSuffix(f, "__init__.py")}
			homes := r.patches()
			mu.Lock()
			defer mu.Unlock()
			for _, home := range homes {
				patched[home] = true
			}
			return nil
		})
	}
	group.Wait() // no function fails
	return patched
}

// patches returns the homes of the names that this file replaces.
func (r *rewriter) patches() []string {
	var homes []string
	add := func(mod string, rest []string) {
		if mod != "" && len(rest) == 1 && rest[0] != "" {
			homes = append(homes, r.m.home(mod, rest[0]))
		}
	}
	for _, s := range r.f.Strings {
		text := s.Text(r.f.Src)
		patch := strings.Contains(s.Callee, "patch") || strings.HasSuffix(s.Callee, "setattr") || strings.HasSuffix(s.Callee, "delattr")
		switch {
		case !patch:
		case s.First != nil && s.Arg == 1 && python.IsIdentifier(text):
			if mod, rest := r.moduleOf(*s.First); mod != "" && len(rest) == 1 && rest[0] == "" {
				add(mod, []string{text})
			}
		case dottedString.MatchString(text):
			add(r.m.walk(strings.Split(text, ".")))
		}
	}
	for _, u := range r.f.Uses {
		if u.Store && len(u.Parts) > 1 {
			last := u.Parts[len(u.Parts)-1].Text
			u.Parts = u.Parts[:len(u.Parts)-1]
			if mod, rest := r.moduleOf(u); mod != "" && len(rest) == 1 && rest[0] == "" {
				add(mod, []string{last})
			}
		}
	}
	return homes
}
