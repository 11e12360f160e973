package plan

import (
	"cmp"
	"regexp"
	"strings"
)

// A Task is something that the plan asks for and that only a person can do.
type Task struct {
	Step int // 0 if it belongs to none
	Text string
	Line int
}

// asks matches text that asks somebody to do something.
var asks = regexp.MustCompile(`(?i)^(?:then |also |finally |please |optionally,? )?(?:if [^:,]{1,120}[:,] )?(?:add|announce|archive|ask|communicate|compare|confirm|consider|coordinate|describe|discuss|document|ensure|explain|fix|inform|mention|merge|notify|publish|record|replace|review|tell|test|update|validate|write)\b`)

// done matches what restage does itself, or checks: imports, new packages,
// metadata.
var done = regexp.MustCompile("(?i)\\bimports?\\b|__init__|\\bmetadata\\b|\\bdomain\\b|\\brelative\\b|\\bbackward compatibility\\b|^update (?:files|(?:any |all )?(?:other )?references)\\b")

// Tasks returns what the parts of the plan that were not used ask of people:
// what begins with a verb that restage has no way to follow, and is not about
// what it does by itself.
func (p *Plan) Tasks() []Task {
	var tasks []Task
	for _, u := range p.Unused {
		text := strings.TrimRight(u.Text, ":")
		if u.Step != 0 && asks.MatchString(text) && !done.MatchString(text) {
			tasks = append(tasks, Task{u.Step, text, u.Line})
		}
	}
	return tasks
}

// PhaseOf returns the phase that the author put a step in: moves, if the plan
// does not say.
func (p *Plan) PhaseOf(step int) string {
	for _, s := range p.Steps {
		if s.Number == step {
			return cmp.Or(s.Phase, "moves")
		}
	}
	return "moves"
}
