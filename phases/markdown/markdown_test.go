package markdown

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// \u200b is the character of no width.
func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain words, file_name.py (1.5 kB)!", "plain words, file_name.py (1.5 kB)!"},
		{"_emphasis_ *too* ~~gone~~", `\_emphasis\_ \*too\* \~\~gone\~\~`},
		{"__init__.py", `\_\_init\_\_.py`},
		{"the file `a_b.py` is there", "the file `a_b.py` is there"},
		{"`a` and `` and `@b`", "`a` and \\`\\` and `@b`"},
		{"one ` alone, `code`", "one \\` alone, \\`code\\`"},
		{"`a|b`", "`a\\|b`"},
		{"a\n| b |\n\n# c\x1b[0m", "a \\| b \\| #\u200b c"},
		{"- `a`", "\\- `a`"},
		{"", ""},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"the `code`", "the \\`code\\`"},
		{"![x](https://example.com/x.png)", "!\\[x\\](https:\u200b//example.com/x.png)"},
		{"see WWW.example.com", "see W\u200bWW.example.com"},
		{"<img src=x onerror=y> & co", "&lt;img src=x onerror=y&gt; &amp; co"},
		{"fixes #12, gh-13 and o/r#14, thanks @ada", "fixes #\u200b12, g\u200bh-13 and o/r#\u200b14, thanks @\u200bada"},
		{"$x$ a\\b", `\$x\$ a\\b`},
		{"- a", `\- a`},
		{"1. a", `1\. a`},
		{"1.5 a", "1.5 a"},
		{"===", `\===`},
		{"a - b = c: 2) d", "a - b = c: 2) d"},
		{"\x00 \r\n", ""},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a.py", "`a.py`"},
		{"a`b", "``a`b``"},
		{"`a`", "`` `a` ``"},
		{"a\n</details><b>", "`a </details><b>`"},
		{" \t", ""},
		{"", ""},
	} {
		if got := Code(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"  a\t b\r\nc\u2028d\u0085e\u00a0f ", "a b c d e f"},
		{"a\x1b[0m\x00b", "ab"},
		{"\u202egnp.exe\u2066", "gnp.exe"},
		{"a\xffb", "a b"},
		{strings.Repeat("ä", 2000), strings.Repeat("ä", 2000)},
		{strings.Repeat("ä", 2001), strings.Repeat("ä", 1999) + "…"},
	} {
		got := OneLine(c.in)
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
		if again := OneLine(got); again != got {
			t.Errorf("%q: once more, it is %q", got, again)
		}
	}
}

func TestPlain(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"lines", "a\tb\r\nc\rd\n\ne\n", "a\tb\nc\nd\n\ne\n"},
		{"line breaks of Unicode", "a\u2028b\u2029c\u0085d", "a\nb\nc\nd"},
		{"C0", "a\x00\x01\x07\x08\x0b\x0c\x1f\x7fb", "ab"},
		{"C1", "a\u0080\u0091\u009ab", "ab"},
		{"colors", "\x1b[31mred\x1b[0m \x1b[38;5;9mmore\x1b[m", "red more"},
		{"colors by C1", "\u009b31mred\u009b0m", "red"},
		{"a title", "\x1b]0;pwned\x07a\x1b]0;pwned\x1b\\b\u009d0;pwned\u009cc", "abc"},
		{"a title without an end", "a\x1b]0;pwned\nb", "a\nb"},
		{"a link", "\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\", "text"},
		{"two bytes", "a\x1b(Bb\x1b=c\x1b7d", "abcd"},
		{"a sequence without an end", "a\x1b[31", "a31"},
		{"an escape within", "a\x1b\x1b[31mb", "ab"},
		{"turned around", "\u202agnp\u202b.\u202c\u202de\u202ex\u2066e\u2067\u2068\u2069\u200e\u200f\u061c", "gnp.exe"},
		{"turned within a sequence", "a\x1b\u202e[31mb", "a[31mb"},
		{"no UTF-8", "a\xffb\x9b31m", "a\ufffdb\ufffd31m"},
		{"other scripts", "ä שלום 日本 👩\u200d💻", "ä שלום 日本 👩\u200d💻"},
	} {
		got := Plain(c.in)
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if again := Plain(got); again != got {
			t.Errorf("%s: once more, it is %q", c.name, again)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"äöü", 3, "äöü"}, {"äöüß", 3, "äö…"}, {"ab", 1, "…"}, {"", 1, ""},
	} {
		if got := Shorten(c.in, c.max); got != c.want {
			t.Errorf("%q to %d: got %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

// hostile is what people write who are up to something.
var hostile = []string{
	"[x](https://example.com)", "![x](https://example.com/x.png)", "[x]: https://example.com", "[^1]", "[ ] task", "[x] task", "[!NOTE]",
	"<b>", "</td></tr></table>", "<!-- x", "-->", "<details>", "<https://example.com>", "<a@b.c>", "&lt;&#35;&copy;", "<?x", "<![CDATA[", "</details>",
	"www.example.com", "wwww.example.com", "WWW.EXAMPLE.COM", "(www.example.com)", "_www.example.com_", "http://example.com", "HTTPS://example.com",
	"ftp://example.com", "a@b.c", "mailto:a@b.c", "xmpp:a@b.c/d", "a.b-c_d@e-f.example",
	"@octocat", "@org/team", "a_@octocat", "#1", "GH-1", "gh-1", "xgh-1", "owner/repo#1", "owner/repo@0123abc", "closes #1", "fixes: https://example.com/o/r/issues/1",
	"# heading", "#", "###### heading ######", "===", "=", "---", "- - -", "***", "* * *", "___", "_ _ _", "-", "+", "*", "- item", "+ item", "* item",
	"1. item", "1) item", "1.", "0)", "123456789. item", "12- x", "> quote", ">", "    code", "\tcode", "```", "```sh", "~~~", "~~~ x", ":--", ":-:", "|---|", "-|-", "--|--",
	"a | b", `a \| b`, `a \\| b`, `a\`, `\`, `\\`, "|", "||", "`a|b`", "`|`", "` | `",
	"*a*", "**a**", "_a_", "__a__", "a_b_c", "a*b*c", "~a~", "~~a~~", "a~~b~~c", `\*a\*`, `\_a_`, "*", "**", "_", "$a$", "$$a$$",
	"`", "``", "```a", "`a", "a`", "`a`", "``a``", "` `", "`a``b`", "`a` `b`", "`a\\`", "a\\`b`", "`a``", "`<b>`", "`@octocat`", "$`a`$",
	"a  \nb", "a\n\nb", "a\n# b", "a\r- b", "a\u2028- b", "a\\\nb", "\u202eb", "a\x00b", "a\xffb", "\u00a0- a", "\u200b- a", "ä_b_ö", "a_ä_",
}

// Where such a text may stand. TEXT is the text, and a word like any other.
const cells = "| a | b |\n|---|---|\n| TEXT | TEXT |\n| TEXT |"

var places = []string{
	"TEXT",
	"words TEXT words",
	"above\nTEXT\nbelow",
	"> TEXT",
	"- TEXT\n- TEXT",
	"- item\n  TEXT",
	"1. TEXT",
	"# TEXT",
	"**TEXT**",
	"<details><summary>above</summary>\n\nTEXT\n\n</details>",
}

// A hostile text shows as the characters it has, and nothing around it changes.
func FuzzShowsAsWhatItIs(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ReplaceAll(OneLine(s), noWidth, "") != "" {
			check(t, s)
		}
	})
}

func check(t *testing.T, s string) {
	want := string(util.EscapeHTML([]byte(strings.ReplaceAll(OneLine(s), noWidth, ""))))
	same := func(got, want string) bool { return got == want }
	shows(t, append(places, cells), Escape(s), want, same)
	shows(t, []string{cells}, Code(s), "<code>"+want+"</code>", same)
	shows(t, places, Code(s), "<code>"+strings.ReplaceAll(want, "|", `\|`)+"</code>", same)
	// In a message, code is marked up by its author.
	bare := strings.NewReplacer("<code>", "", "</code>", "", "`", "", " ", "", `\`, "")
	shows(t, append(places, cells), Text(s), want, func(got, want string) bool { return bare.Replace(got) == bare.Replace(want) })
}

// github reads Markdown as GitHub does.
var github = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))

func render(t *testing.T, source string) string {
	t.Helper()
	var b bytes.Buffer
	if err := github.Convert([]byte(source), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// code matches what GitHub leaves alone, linked what it makes a link, a mention
// or a reference of elsewhere.
var (
	code   = regexp.MustCompile(`<code>.*?</code>`)
	linked = regexp.MustCompile(`(?i)@[a-z0-9]|#[0-9]|gh-[0-9]|://|www\.`)
)

// shows reports an error unless the Markdown gives, wherever it stands, the same
// HTML as a plain word, but for want in place of the word.
func shows(t *testing.T, places []string, markdown, want string, same func(got, want string) bool) {
	t.Helper()
	for _, place := range places {
		source := strings.ReplaceAll(place, "TEXT", markdown)
		got := render(t, source)
		if l := linked.FindString(code.ReplaceAllString(got, "")); l != "" {
			t.Errorf("%q links %q:\n%s", source, l, got)
		}
		got = strings.ReplaceAll(got, noWidth, "")
		if want := strings.ReplaceAll(render(t, place), "TEXT", want); !same(got, want) {
			t.Errorf("%q\nshows as %s\ninstead of %s", source, got, want)
		}
	}
}

// The test above must be able to fail: GitHub reads the texts as something else
// when they are not escaped.
func TestHostileIsHostile(t *testing.T) {
	for _, s := range []string{"<b>", "[x](https://example.com)", "www.example.com", "a@b.c", "- item", "1. item", "~~a~~", "# heading", "===", "&lt;", "`a`"} {
		plain := strings.ReplaceAll(render(t, "above\nTEXT"), "TEXT", string(util.EscapeHTML([]byte(s))))
		if render(t, "above\n"+s) == plain {
			t.Errorf("%s is not", s)
		}
	}
}

// A block shows as its lines, whatever is in it.
func TestBlock(t *testing.T) {
	for _, s := range append(hostile, "a\n```\n# b\n````\n", "\r```\r<b>", "") {
		s = Plain(s)
		want := string(util.EscapeHTML([]byte(strings.TrimRight(s, "\n"))))
		got := render(t, "above\n\n"+Block("sh", s)+"\n\nbelow")
		if want := "<p>above</p>\n<pre><code class=\"language-sh\">" + want + "\n</code></pre>\n<p>below</p>\n"; got != want {
			t.Errorf("%q:\n got %q\nwant %q", s, got, want)
		}
	}
}
