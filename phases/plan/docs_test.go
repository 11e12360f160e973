package plan

import (
	"strings"
	"testing"
)

// The two plans that the documentation shows side by side say the same.
func TestDocumentation(t *testing.T) {
	plans := map[string]*Plan{}
	for _, b := range parse(readFile(t, "../../docs/plan.md")).blocks {
		if (b.lang == "markdown" || b.lang == "yaml") && plans[b.lang] == nil {
			plans[b.lang] = mustRead(t, "", []byte(strings.Join(b.code, "\n")))
		}
	}
	compare(t, plans["markdown"], plans["yaml"])
}
