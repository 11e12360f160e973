package phases

import (
	"fmt"
	"slices"
	"strings"

	md "github.com/restage/restage/phases/markdown"
)

// maxListed is how many files, names or findings of one kind are shown.
const maxListed = 20

// Markdown returns the preflight for people.
func (pre *Preflight) Markdown() string {
	w := &findings{}
	w.line("**Risk: %s.** %s", pre.risk(), strings.Join(pre.reasons(), " "))
	pre.writeSize(w)
	pre.writeMoves(w)
	pre.writeLayers(w)
	pre.writeDuplicates(w)
	if len(pre.Nothing) > 0 {
		w.heading("Nothing to delete")
		w.line("There is nothing of this name: %s.", codes(pre.Nothing))
	}
	pre.writeKept(w)
	pre.writeCycles(w)
	pre.writeComputed(w)
	return strings.TrimSpace(w.String()) + "\n"
}

// findings writes Markdown paragraph by paragraph.
type findings struct{ strings.Builder }

func (w *findings) line(format string, args ...any) { fmt.Fprintf(w, format+"\n\n", args...) }

func (w *findings) item(format string, args ...any) { fmt.Fprintf(w, "- "+format+"\n", args...) }

func (w *findings) heading(title string) { fmt.Fprintf(w, "### %s\n\n", title) }

// codes returns names as code, with commas between and not too many of them.
func codes(names []string) string {
	var out []string
	for _, n := range names[:min(len(names), maxListed)] {
		out = append(out, md.Code(n))
	}
	if more := len(names) - maxListed; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// risk says in a word what the reasons come to.
func (pre *Preflight) risk() string {
	switch {
	case len(pre.NewCycles) > 0 || slices.ContainsFunc(pre.Moves, func(f MoveFinding) bool { return f.Destination == Different }):
		return "high"
	case len(pre.Decisions) > 0 || len(pre.Computed) > 0 || len(pre.Cycles) > 0:
		return "moderate"
	}
	return "low"
}

// reasons says where the risk is, from the findings alone.
func (pre *Preflight) reasons() []string {
	var out []string
	if pre.risk() == "low" {
		out = append(out, "Plan and code agree.")
	}
	say := func(n int, one, many string) {
		if n == 1 {
			out = append(out, one)
		} else if n > 1 {
			out = append(out, fmt.Sprintf(many, n))
		}
	}
	say(len(pre.NewCycles), "One move would close an import cycle.", "%d moves would close import cycles.")
	different := 0
	for _, f := range pre.Moves {
		if f.Destination == Different {
			different++
		}
	}
	say(different, "One destination exists with other code.", "%d destinations exist with other code.")
	say(len(pre.Decisions), "One question is open.", "%d questions are open.")
	say(len(pre.Computed), "One import is computed when the program runs: no tool can follow it, so read it before cleanup.",
		"%d imports are computed when the program runs: no tool can follow them, so read them before cleanup.")
	say(len(pre.Cycles), "Modules to be moved are in an import cycle already.", "Modules to be moved are in %d import cycles already.")
	references, tests := pre.Total.References, 0
	for _, a := range pre.Areas {
		if a.Name == "tests" {
			tests = a.references()
		}
	}
	switch {
	case len(pre.Decisions) > 0: // the answers may bring more
	case references == 0:
		out = append(out, "Nothing refers to what the plan moves.")
	case 2*tests > references:
		out = append(out, "Most references are in tests, which will tell if one is wrong.")
	case tests == 0:
		out = append(out, "No test refers to what the plan moves.")
	}
	return out
}

func (pre *Preflight) writeSize(w *findings) {
	w.heading("Size")
	var rows strings.Builder
	for _, a := range pre.Areas {
		fmt.Fprintf(&rows, "\n| %s | %d | %d | %d | %d | %d |", md.Escape(a.Name), a.Files, a.Imports, a.Uses, a.Strings, a.Text)
	}
	if rows.Len() > 0 {
		w.line("| Where | Files | Imports | Attribute uses | Strings | Text |\n|---|--:|--:|--:|--:|--:|%s", rows.String())
	}
	var sizes []string
	for _, s := range pre.Sizes {
		sizes = append(sizes, fmt.Sprintf("*%s* changes %s", s.Phase, count(s.Files, "file")))
	}
	said := ""
	if pre.Total.Estimate != "" {
		said = "; the plan says: " + md.Text(strings.TrimSuffix(pre.Total.Estimate, "."))
	}
	imports := ""
	if pre.Total.Imports > 0 {
		imports = fmt.Sprintf(" (%s in import statements)", count(pre.Total.Imports, "name"))
	}
	w.line("%s%s%s.", count(pre.Total.References, "reference"), imports, said)
	open := ""
	if len(pre.Decisions) > 0 {
		open = " What waits for an answer is not counted."
	}
	w.line("%s.%s", strings.Join(sizes, ", "), open)
}

func (pre *Preflight) writeMoves(w *findings) {
	if len(pre.Moves) == 0 {
		return
	}
	w.heading("Files to move")
	for _, f := range pre.Moves {
		w.item("%s → %s: %s", md.Code(f.From), md.Code(f.To), f.sentence())
		w.diff(f.Diff)
	}
	fmt.Fprintln(w)
	if len(pre.Order) > 0 {
		w.line("With this order, what a file needs moves before it: %s.", codes(pre.Order))
	}
}

// diff writes a diff below a list item.
func (w *findings) diff(diff string) {
	if diff != "" {
		block := strings.TrimRight(md.Block("diff", diff), "\n")
		fmt.Fprintf(w, "\n  %s\n", strings.ReplaceAll(block, "\n", "\n  "))
	}
}

func (f *MoveFinding) sentence() string {
	if f.Files == 0 {
		return "there is nothing of that name."
	}
	var parts []string
	if f.Files > 1 || strings.HasSuffix(f.From, "/") {
		parts = append(parts, count(f.Files, "file"))
	}
	if f.Done {
		parts = append(parts, "has moved already")
	}
	if f.ShadowedBy != "" {
		parts = append(parts, "Python imports the package "+md.Code(f.ShadowedBy)+" instead")
	}
	switch f.Destination {
	case Identical:
		parts = append(parts, "the destination exists and is identical")
	case SameCode:
		parts = append(parts, "the destination exists and has the same code, with other comments or layout")
	case Different:
		parts = append(parts, "the destination exists and **differs**")
	}
	if len(f.Missing) > 0 {
		parts = append(parts, "the expected "+codes(f.Missing)+" is **not there**")
	}
	return strings.Join(append(parts, importedBy(f.ImportedBy)), "; ") + "."
}

// importedBy says which files import something.
func importedBy(files []string) string {
	switch {
	case len(files) == 0:
		return "nothing imports it"
	case len(files) <= 3:
		return "imported by " + codes(files)
	}
	return "imported by " + count(len(files), "file")
}

func (pre *Preflight) writeLayers(w *findings) {
	if len(pre.Layers) == 0 {
		return
	}
	w.heading("Layers to retire")
	for _, f := range pre.Layers {
		w.item("%s: %s", md.Code(f.Path), f.sentence())
	}
	fmt.Fprintln(w)
}

func (f *LayerFinding) sentence() string {
	if f.Files == 0 {
		return "there is nothing of that name."
	}
	parts := []string{"only passes on what it imports"}
	switch {
	case len(f.Own) > 0:
		parts = []string{"is **no wrapper**: it has " + codes(f.Own) + " of its own"}
	case len(f.Broken) > 0:
		parts = nil
	}
	if len(f.Broken) > 0 {
		parts = append(parts, "it is **broken**: there is no "+codes(f.Broken))
	}
	byModule := map[string][]string{}
	for _, n := range f.Names {
		byModule[n.Module] = append(byModule[n.Module], n.Name)
	}
	for _, module := range sorted(keys(byModule)) {
		parts = append(parts, codes(byModule[module])+" from "+md.Code(module))
	}
	if len(f.Absent) > 0 {
		parts = append(parts, md.Code(f.Use)+" does not have "+codes(f.Absent)+", so references go to where that is")
	}
	if len(f.Lacking) > 0 {
		parts = append(parts, "nothing takes the place of "+codes(f.Lacking))
	}
	return strings.Join(append(parts, importedBy(f.UsedBy)), "; ") + "."
}

func (pre *Preflight) writeDuplicates(w *findings) {
	if len(pre.Duplicates) == 0 {
		return
	}
	w.heading("Duplicates")
	for _, f := range pre.Duplicates {
		how := map[Sameness]string{"": "one of them is not there", Identical: "the same text", SameCode: "the same code, with other comments or layout", Different: "**not the same**"}
		w.item("%s and %s: %s.", md.Code(f.Path), md.Code(f.Of), how[f.Sameness])
		w.diff(f.Diff)
	}
	fmt.Fprintln(w)
}

func (pre *Preflight) writeKept(w *findings) {
	if len(pre.Kept) == 0 {
		return
	}
	w.heading("Out of scope")
	for _, f := range pre.Kept {
		parts := []string{"there is nothing of that name"}
		if f.Files > 0 {
			parts = []string{count(f.Files, "file"), importedBy(f.UsedBy)}
		}
		if f.Below != "" {
			parts = append(parts, "the plan deletes "+md.Code(f.Below)+" above it")
		}
		for _, s := range f.Similar[:min(len(f.Similar), 3)] {
			parts = append(parts, md.Code(s.Path)+" has "+codes(s.Names)+" too, and might take the place of "+md.Code(s.As))
		}
		w.item("%s: %s.", md.Code(f.Path), strings.Join(parts, "; "))
	}
	fmt.Fprintln(w)
}

func (pre *Preflight) writeCycles(w *findings) {
	if len(pre.Cycles)+len(pre.NewCycles) == 0 {
		return
	}
	w.heading("Import cycles")
	for _, c := range pre.Cycles[:min(len(pre.Cycles), maxListed)] {
		w.item("There is one already: %s.", codes(c))
	}
	for _, from := range pre.NewCycles {
		w.item("Moving %s would close one.", md.Code(from))
	}
	fmt.Fprintln(w)
}

func (pre *Preflight) writeComputed(w *findings) {
	if len(pre.Computed) == 0 {
		return
	}
	w.heading("What no tool can follow")
	for _, c := range pre.Computed[:min(len(pre.Computed), maxListed)] {
		w.item("%s: %s", md.Code(fmt.Sprintf("%s:%d", c.Path, c.Line)), md.Text(c.Message))
	}
	if more := len(pre.Computed) - maxListed; more > 0 {
		w.item("and %d more", more)
	}
	fmt.Fprintln(w)
}
