package phases

// claims returns the files and folders that the plan is about, whatever of it is
// disputed: what moves and where to, and what goes. That only references in a
// file are rewritten does not count.
func (j *job) claims() []string {
	paths := map[string]bool{}
	for i := range j.plan.Moves {
		from, to, _ := j.ends(&j.plan.Moves[i])
		paths[from], paths[to] = true, true
	}
	add := func(spelt string) {
		p, _ := j.find(spelt)
		paths[p] = true
	}
	for _, r := range j.plan.Retire {
		add(r.Path)
	}
	for _, d := range j.plan.Delete {
		add(d.Path)
		if d.DuplicateOf != "" {
			add(d.DuplicateOf)
		}
	}
	return sorted(keys(paths))
}
