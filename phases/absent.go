package phases

import (
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/tree"
)

// warnAbsent warns of what the plan names and nothing is called, most likely
// by a slip. After is the tree with the files moved. Nothing is said once the
// plan is under way: what is gone then is gone for good reason.
func (j *job) warnAbsent(after tree.Tree) {
	if slices.ContainsFunc(j.moves, func(mv *fileMove) bool { return mv.done }) {
		return
	}
	m := j.model(after)
	for _, r := range j.plan.Retire {
		j.warnNoPath(after, r.Path, "retires")
		if use := moduleOf(r.Use); use != "" && !j.willBe(m, use) {
			j.warn(r.Path, 0, "nothing-there", "the plan has %s used instead, but there is no module of that name", use)
		}
	}
	for _, d := range j.plan.Delete {
		j.warnNoPath(after, d.Path, "deletes")
	}
	for _, row := range j.plan.Imports {
		old, now := moduleOf(row.Old), moduleOf(row.New)
		if known, _ := j.index.Lookup(old); known == nil && !j.isOld(old) {
			j.warn(row.Old, 0, "nothing-there", "the import map leads from %s, but there is no module of that name", old)
		} else if now != "" && !j.willBe(m, now) {
			j.warn(row.Old, 0, "nothing-there", "the import map leads to %s, but there is no module of that name", now)
		}
	}
}

// moduleOf returns the module that one side of the import map names.
func moduleOf(s string) string {
	module, _, _ := strings.Cut(strings.TrimSuffix(s, ".*"), ":")
	return module
}

func (j *job) warnNoPath(after tree.Tree, spelt, verb string) {
	if at, found := j.find(spelt); !found && !exists(after, at) {
		j.warn(spelt, 0, "nothing-there", "the plan %s %s, but there is nothing of that name", verb, spelt)
	}
}

// isOld reports whether a module has a fate of its own.
func (j *job) isOld(module string) bool {
	d := j.fates[module]
	return d != nil && d.fate != remapped
}

// willBe reports whether there is a module of that name after the moves, those
// that wait for an answer included. A module of another distribution that the
// repository imports counts, too.
func (j *job) willBe(m *model, name string) bool {
	if known, _ := m.index.Lookup(name); known != nil {
		return true
	}
	below := func(name, pkg string) bool { return name == pkg || strings.HasPrefix(name, pkg+".") }
	for _, mv := range j.plan.Moves {
		from, _ := j.find(mv.From)
		to := j.index.NameOf(j.destination(from, mv.To))
		if to != "" && (below(to, name) || path.Ext(mv.To) == "" && below(name, to)) {
			return true
		}
	}
	top, _, _ := strings.Cut(name, ".")
	own, _ := m.index.Lookup(top)
	return own == nil && slices.ContainsFunc(keys(j.src.imported), func(i string) bool { return below(i, top) })
}
