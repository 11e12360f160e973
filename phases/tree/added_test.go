package tree

import (
	"maps"
	"slices"
	"testing"
)

func TestAdded(t *testing.T) {
	for _, test := range []struct {
		name, old, now string
		want           []int
	}{
		{"nothing", "a\nb\n", "a\nb\n", nil},
		{"new file", "", "a\nb\n", []int{1, 2, 3}},
		{"at the end", "a\n", "a\nb\n", []int{2}},
		{"in between", "a\nb\nc\n", "a\nx\nb\ny\nc\n", []int{2, 4}},
		{"instead", "a\nb\nc\n", "a\nx\nc\n", []int{2}},
		{"taken away", "a\nb\nc\n", "a\nc\n", nil},
		{"far apart", "a\n1\n2\n3\n4\n5\n6\n7\n8\n9\nz\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\n9\nz\nZ\n", []int{1, 12}},
		{"no newline at the end", "a\nb", "a\nb\nc", []int{2, 3}}, // as git says it
		{"lines like a patch's", "--- a\n", "--- a\n+++ now\n@@ -1,1 +7,7 @@\n", []int{2, 3}},
		{"no UTF-8", "\xff\n", "\xff\n\xfe\n", []int{2}},
	} {
		got := slices.Sorted(maps.Keys(Added([]byte(test.old), []byte(test.now))))
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
