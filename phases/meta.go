package phases

import (
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

var (
	metaDomain = regexp.MustCompile(`(?m)^([ \t]*domain[ \t]*:[ \t]*)([^\r\n#]*?)[ \t]*(?:#[^\r\n]*)?\r?$`)
	metaTags   = regexp.MustCompile(`(?m)^([ \t]*)tags[ \t]*:[ \t]*(\[[^\]]*\])?[ \t]*\r?$((?:\r?\n[ \t]*-[ \t]+[^\r\n]*)*)`)
	metaItem   = regexp.MustCompile(`(?m)\r?\n[ \t]*-[ \t]+([^\r\n]*)`)
)

// meta returns the edits that bring the @meta block of a moved file up to
// date. A file without one needs none.
func (j *job) meta(f *python.Syntax, mv *fileMove) []python.Edit {
	if f.Meta == nil {
		return nil
	}
	want := mv.row.Metadata
	text, at := f.Meta.Text(f.Src), f.Meta.Content.Start
	var edits []python.Edit
	if m := metaDomain.FindStringSubmatchIndex(text); m != nil && want.Domain != "" {
		old := text[m[4]:m[5]]
		if want.FromDomain != "" && old != want.FromDomain && old != want.Domain {
			j.warn(mv.to, f.Line(at+m[4]), "meta-domain", "the plan says that the domain was %s; it was %s", want.FromDomain, old)
		}
		if old != want.Domain {
			edits = append(edits, python.Edit{Span: python.Span{Start: at + m[4], End: at + m[5]}, Text: want.Domain, Step: mv.row.Step})
		}
	}
	m := metaTags.FindStringSubmatchIndex(text)
	if m == nil || len(want.AddTags)+len(want.RemoveTags) == 0 {
		return edits
	}
	if m[4] >= 0 { // tags: [a, b]
		if now, changed := editInlineTags(text[m[4]:m[5]], want.AddTags, want.RemoveTags); changed {
			edits = append(edits, python.Edit{Span: python.Span{Start: at + m[4], End: at + m[5]}, Text: now, Step: mv.row.Step})
		}
		return edits
	}
	var have []string
	for _, item := range metaItem.FindAllStringSubmatchIndex(text[m[6]:m[7]], -1) {
		tag := strings.Trim(strings.TrimSpace(text[m[6]+item[2]:m[6]+item[3]]), `"'`)
		have = append(have, tag)
		if slices.Contains(want.RemoveTags, tag) {
			edits = append(edits, python.Edit{Span: python.Span{Start: at + m[6] + item[0], End: at + m[6] + item[1]}, Step: mv.row.Step})
		}
	}
	for _, tag := range want.AddTags {
		if !slices.Contains(have, tag) {
			edits = append(edits, python.Edit{Span: python.Span{Start: at + m[7], End: at + m[7]}, Text: "\n" + text[m[2]:m[3]] + "  - " + tag, Step: mv.row.Step})
		}
	}
	return edits
}

// editInlineTags edits "[a, b]", keeping the spelling of what stays.
func editInlineTags(list string, add, remove []string) (string, bool) {
	var out, bare []string
	changed := false
	for _, item := range strings.Split(strings.Trim(list, "[]"), ",") {
		item = strings.TrimSpace(item)
		name := strings.Trim(item, `"'`)
		if slices.Contains(remove, name) {
			changed = true
			continue
		}
		if item != "" {
			out, bare = append(out, item), append(bare, name)
		}
	}
	for _, tag := range add {
		if !slices.Contains(bare, tag) {
			out, changed = append(out, tag), true
		}
	}
	return "[" + strings.Join(out, ", ") + "]", changed
}
