package phases

import (
	"maps"
	"slices"
	"testing"

	"github.com/restage/restage/phases/plan"
)

// What a file must have to be looked into: every other file costs no more than
// reading it.
func TestHit(t *testing.T) {
	p, err := plan.Read("plan.yaml", []byte(`restage: 1
moves:
  - {from: app/core/job.py, to: work/job.py}
  - {from: app/v1/, to: app/v2/}
  - {from: tool.py, to: app/tool.py}
imports:
  app.core.conf:load: app.settings:load
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, text string
		want       bool
	}{
		{"use.py", "from app.core.job import run", true},
		{"use.py", "from app.core import (\n    job,\n)", true},
		{"use.py", "import app.core as c\nc.job.run()", true},
		{"app/core/near.py", "from . import job", true},
		{"app/core/deep/near.py", "from ..job import run", true},
		{"use.py", "patch('app.core.job.run')", true},
		{"use.py", `app\.core\.job`, true},
		{"use.py", "from app.core.conf import load", true},
		{"use.py", "import tool", true},
		{"use.py", `import_module(f"app.core.{name}")`, true},
		{"use.py", `import_module(name, "app.core")`, true},
		{"app/core/near.py", `import_module("." + name, __package__)`, true},
		{"app/v1/any.py", "x = 1", true},
		{"use.ipynb", `"source": ["x\n", "import app\njob = app.core.job"]`, true},
		{"docs/use.md", "see app/core/job.py", true},
		{"log.py", `getLogger("app").setLevel(10)`, true},
		{"log.ini", "qualname = app.core", true},

		{"use.py", "from app.core import other", false},
		{"use.py", "from app.core import jobs, myjob", false},
		{"use.py", "from app.other import job", false},
		{"use.py", "import tools", false},
		{"use.py", `import_module(f"app.other.{name}")`, false},
		{"log.py", "from app.core import other\nlog = getLogger(__name__)", false},
		{"log.py", `getLogger("other")  # not of app`, false},
		{"data.bin", "app.core.job\x00", false},
	} {
		if got := namesOf(p).look(c.path, []byte(c.text)).hit != nil; got != c.want {
			t.Errorf("%s with %q: %v", c.path, c.text, got)
		}
	}
}

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		words []string
		text  string
		want  map[string][]int
	}{
		{[]string{"job", "jobs"}, "a jobs, job", map[string][]int{"job": {2, 8}, "jobs": {2}}},
		{[]string{"a", "ab", "abc"}, "xabcab", map[string][]int{"a": {1, 4}, "ab": {1, 4}, "abc": {1}}},
		{[]string{"aa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "aaaa", map[string][]int{"aa": {0, 1, 2}}},
		{[]string{"é", "end"}, "the é end", map[string][]int{"é": {4}, "end": {7}}},
		{[]string{"long"}, "lon", nil},
		{nil, "text", nil},
	} {
		var words [][]byte
		for _, w := range c.words {
			words = append(words, []byte(w))
		}
		got := map[string][]int{}
		newSearch(words).each([]byte(c.text), func(k, at int) { got[c.words[k]] = append(got[c.words[k]], at) })
		for _, at := range got {
			slices.Sort(at)
		}
		if !maps.EqualFunc(got, c.want, slices.Equal[[]int]) {
			t.Errorf("%q in %q: at %v, want %v", c.words, c.text, got, c.want)
		}
	}
}
