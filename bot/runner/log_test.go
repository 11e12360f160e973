package runner

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLog(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name, in, want string
		secrets        []string
	}{
		{name: "plain", in: "a\tb\nc", want: "a\tb\nc\n"},
		{name: "empty lines", in: "\n\n", want: "\n\n"},
		{name: "colours", in: "\x1b[1;31mred\x1b[0m\n", want: "red\n"},
		{name: "cursor", in: "FAILED\x1b[2K\x1b[1Gpassed\n", want: "FAILEDpassed\n"},
		{name: "title", in: "a\x1b]0;title\ab\x1b]8;;http://x\x1b\\c\n", want: "abc\n"},
		{name: "title without an end", in: "a\x1b]0;title\nb\n", want: "a\nb\n"},
		{name: "sequence without an end", in: "a\x1b[12\nb\x1b", want: "a\nb\n"},
		{name: "character set", in: "\x1b(Ba\x1b=b\n", want: "ab\n"},
		{name: "written over", in: "FAILED\rpassed\r\n", want: "FAILED\npassed\n"},
		{name: "progress", in: "1%\r2%\r\r\n", want: "1%\n2%\n\n"},
		{name: "backspace and bell", in: "a\b\ab\x00c\x7f\n", want: "abc\n"},
		{name: "control codes of 8 bits", in: "a\u009b31mb\n", want: "a31mb\n"},
		{name: "text turned around", in: "a\u202egnp.exe\u2028b\ufeff\u200b\n", want: "a�gnp.exe�b��\n"},
		{name: "no UTF-8", in: "a\xff\xc3(b\xe2\x82\n", want: "a��(b��\n"},
		{name: "other scripts", in: "日本 Grüße 🐍\n", want: "日本 Grüße 🐍\n"},
		{name: "cut within a rune", in: "a\xe2\x82", want: "a�\n"},

		{name: "secret", in: "key=hunter2 hunter2\n", want: "key=*** ***\n", secrets: []string{"hunter2"}},
		{name: "secret within another", in: "hunter22\n", want: "***\n", secrets: []string{"hunter2", "hunter22"}},
		{name: "secret of several lines", in: "x\nline one\n  line two\n", want: "x\n***\n  ***\n", secrets: []string{"line one\nline two\n"}},
		{name: "secret with control codes in it", in: "hun\x1b[0mt\ber2\n", want: "***\n", secrets: []string{"hunter2"}},
		{name: "no secret at all", in: "a b\n", want: "a b\n", secrets: []string{"", "a", "\n"}},

		{name: "long line", in: long + "yyy\nz\n", want: long + " [the rest of the line is cut]\nz\n"},
		{name: "long line ends in a secret", in: long[3:] + "hunter2\n", want: long[3:] + "***\n", secrets: []string{"hunter2"}},
		{name: "long line ends within a rune", in: long[1:] + "é\n", want: long[1:] + " [the rest of the line is cut]\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, step := range []int{1, 2, 3, len(test.in)} {
				l := newLog(1<<20, test.secrets, nil)
				for in := []byte(test.in); len(in) > 0; in = in[min(step, len(in)):] {
					l.Write(in[:min(step, len(in))])
				}
				if got := l.close(); got != test.want {
					t.Fatalf("in steps of %d got %.200q, want %.200q", step, got, test.want)
				}
				if want := strings.Contains(test.want, " is cut]"); l.cut != want {
					t.Errorf("cut is %v", l.cut)
				}
			}
		})
	}
}

func TestLogIsBounded(t *testing.T) {
	const size = 4 << 10
	var in strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&in, "line %d\n", i)
	}
	var live bytes.Buffer
	l := newLog(size, nil, &live)
	l.Write([]byte(in.String()))
	if live.String() != in.String() {
		t.Errorf("while it runs %d of %d bytes are seen", live.Len(), in.Len())
	}
	got := l.close()
	if len(got) > size+100 || !l.cut {
		t.Errorf("%d bytes are kept of %d, cut is %v", len(got), size, l.cut)
	}
	head, tail, _ := strings.Cut(got, "[")
	lost := strings.Count(in.String(), "\n") - strings.Count(got, "\n") + 1
	note := fmt.Sprintf("%d lines are cut out here]\n", lost)
	if !strings.HasPrefix(in.String(), head) || !strings.HasPrefix(tail, note) || !strings.HasSuffix(in.String(), tail[len(note):]) {
		t.Errorf("want the first and the last lines, and %q between them, got %q", note, got)
	}
}

// failing is a writer that takes one line.
type failing struct{ lines int }

func (f *failing) Write(p []byte) (int, error) {
	if f.lines++; f.lines > 1 {
		return 0, errors.New("full")
	}
	return len(p), nil
}

// A log is kept whatever becomes of those who watch it.
func TestLogOutlivesItsReader(t *testing.T) {
	to := &failing{}
	l := newLog(1<<20, nil, to)
	l.Write([]byte("a\nb\nc\n"))
	if got := l.close(); got != "a\nb\nc\n" || to.lines != 2 {
		t.Errorf("got %q, and %d lines were offered", got, to.lines)
	}
}

func FuzzLog(f *testing.F) {
	f.Add([]byte("\x1b[31mhun\xfft\x1b]er2\r\n"), 3)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		l := newLog(4<<10, []string{"hunter2"}, nil)
		for data := in; len(data) > 0; {
			n := min(max(step, 1), len(data))
			l.Write(data[:n])
			data = data[n:]
		}
		got := l.close()
		switch {
		case !utf8.ValidString(got):
			t.Errorf("%q is no UTF-8", got)
		case strings.Contains(got, "hunter2"):
			t.Errorf("%q holds the secret", got)
		case len(got) > 4<<10+100:
			t.Errorf("%d bytes", len(got))
		case strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' || hidden(r) }):
			t.Errorf("%q holds control codes", got)
		}
	})
}
