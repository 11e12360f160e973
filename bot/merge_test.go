package bot

import "testing"

func TestMerge(t *testing.T) {
	for _, c := range []struct{ name, base, one, other, want string }{
		{"one side", "a\nb\nc\n", "a\nB\nc\n", "a\nb\nc\n", "a\nB\nc\n"},
		{"far apart", "a\nb\nc\nd\ne\n", "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\nf\n", "A\nb\nc\nd\nE\nf\n"},
		{"added and taken away", "a\nb\nc\nd\n", "x\na\nb\nc\nd\n", "a\nb\nc\n", "x\na\nb\nc\n"},
		{"alike", "a\nb\n", "a\nB\n", "a\nB\n", "a\nB\n"},
		{"the same line", "a\nb\n", "a\nB\n", "a\nC\n", "conflict"},
		{"neighbours", "a\nb\n", "A\nb\n", "a\nB\n", "conflict"},
		{"added at the same place", "a\nb\n", "a\nx\nb\n", "a\ny\nb\n", "conflict"},
		{"a last line without end", "a\nb", "a\nb", "A\nb", "conflict"},
		{"binary", "a\x00\n", "a\x00\n", "b\x00\n", "conflict"},
	} {
		for _, swap := range []bool{false, true} {
			one, other := c.one, c.other
			if swap {
				one, other = other, one
			}
			got, ok := merge([]byte(c.base), []byte(one), []byte(other))
			if !ok {
				got = []byte("conflict")
			}
			if string(got) != c.want {
				t.Errorf("%s (swapped: %v): got %q, want %q", c.name, swap, got, c.want)
			}
		}
	}
}
