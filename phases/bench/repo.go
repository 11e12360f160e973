package main

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// A repo is a made-up repository with a plan for it.
type repo struct {
	files map[string]string
	plan  string
	moves []*module // what the plan moves
}

// A module is one module of a made-up repository.
type module struct {
	area, sub, topic string
	index            int
	functions        []string
	home             string // the dotted package that the plan moves it to, or ""
	body             strings.Builder
	imports          []string
}

func (m *module) name() string { return m.area + "." + m.sub + "." + m.topic }
func (m *module) path() string {
	return "src/" + strings.ReplaceAll(m.name(), ".", "/") + ".py"
}

// moved returns the dotted name that the module has after the plan.
func (m *module) moved() string { return m.home + "." + m.topic }

// Every moved module is named so often: in import statements, in strings of
// mock.patch, and in documents, one of them a notebook.
const (
	importPlaces   = 6
	patchPlaces    = 22
	documentPlaces = 5
	places         = importPlaces + patchPlaces + documentPlaces
)

var (
	areas = strings.Fields(`orders billing shipping catalog customers accounts pricing returns inventory suppliers
		payments reports search loyalty campaigns contracts invoicing routing warehouse audit planning quality exports imports_eu`)
	subs = strings.Fields(`core intake rules storage transfer views legacy regional nightly online archive bulk
		partners limits monitoring forecast approval matching repair sampling retention mapping scoring batches ledger`)
	topics = strings.Fields(`parser checks totals client schema windows policy calendar splitter tracker formats
		selection balance registry resolver fallback digest queue notes rounding signals locks drafts merging
		labels lookups quotas timers tokens layout receipts sizes filters groups paging sorting history aliases steps weights`)
	kinds  = strings.Fields(`base daily weekly remote local shared strict lazy batch single plain signed cached merged sorted raw inner outer`)
	nouns  = strings.Fields(`order invoice parcel article customer account price return item supplier payment report query voucher contract route shelf entry`)
	verbs  = strings.Fields(`collect settle check merge split assign release cancel approve archive count refresh`)
	fields = strings.Fields(`amount weight priority quantity balance volume margin distance`)
)

// perFolder is how many modules a folder has.
const perFolder = 12

// A maker makes up a repository. The same size gives the same bytes.
type maker struct {
	*repo
	rand    *rand.Rand
	modules []*module
}

// makeRepo makes up a repository of so many Python files, with a plan that moves
// some of its modules.
func makeRepo(size, moves int) *repo {
	m := &maker{repo: &repo{files: map[string]string{}}, rand: rand.New(rand.NewPCG(1, uint64(size)))}
	for i := range size * 3 / 5 {
		folder := i / perFolder
		mod := &module{area: areas[folder%len(areas)], sub: subs[folder/len(areas)%len(subs)], index: i,
			topic: topics[(i+7*folder)%len(topics)] + "_" + kinds[(i/5+folder)%len(kinds)]}
		m.modules = append(m.modules, mod)
	}
	for i := range moves {
		mod := m.modules[i*perFolder/2+1]
		mod.home = "backbone." + mod.area
		m.moves = append(m.moves, mod)
	}
	for _, mod := range m.modules {
		m.fill(mod)
	}
	for _, mod := range m.moves {
		m.refer(mod)
	}
	for _, mod := range m.modules {
		m.put(mod)
	}
	python := 0
	for name := range m.files {
		if path.Ext(name) == ".py" {
			python++
		}
	}
	for i := range size - python {
		m.test(m.modules[i%len(m.modules)], i/len(m.modules))
	}
	m.settings()
	m.writePlan()
	return m.repo
}

func (m *maker) pick(list []string) string { return list[m.rand.IntN(len(list))] }

// names returns what the upper-case words of the templates stand for in one
// piece of a module.
func (m *maker) names(mod *module, more ...string) *strings.Replacer {
	noun := m.pick(nouns)
	pairs := []string{
		"NOUN", noun, "OTHER", m.pick(nouns), "VERB", m.pick(verbs), "FIELD", m.pick(fields), "DEFAULT_FIELD", "DEFAULT_LIMIT",
		"NUMBER", fmt.Sprint(10 + m.rand.IntN(990)), "AREA", mod.area, "SUB", mod.sub, "TOPIC", mod.topic,
	}
	return strings.NewReplacer(append(more, pairs...)...)
}

// fill gives a module its code and imports of modules before it.
func (m *maker) fill(mod *module) {
	for range 3 {
		if mod.index < 2*perFolder {
			break
		}
		from := m.modules[m.rand.IntN(mod.index)]
		if from.home == "" {
			mod.imports = append(mod.imports, "from "+from.name()+" import "+from.functions[0])
		}
	}
	class := strings.ToUpper(mod.topic[:1]) + strings.ReplaceAll(mod.topic[1:], "_", "")
	mod.body.WriteString(m.names(mod).Replace(dataClass + manager))
	text := mod.body.String()
	mod.body.Reset()
	mod.body.WriteString(strings.ReplaceAll(text, "CLASS", class))
	for i := range 12 + m.rand.IntN(6) {
		name := fmt.Sprintf("%s_%s_%d", m.pick(verbs), m.pick(nouns), i)
		mod.functions = append(mod.functions, name)
		mod.body.WriteString(m.names(mod, "FUNC", name).Replace(functions[m.rand.IntN(len(functions))]))
	}
}

// refer names a module in as many places as the constants above say.
func (m *maker) refer(mod *module) {
	last := m.modules[len(m.modules)/2:]
	user := func() *module { return last[m.rand.IntN(len(last))] }
	f := mod.functions
	user().addImport("from " + mod.name() + " import " + f[0] + " as first_" + mod.topic)
	user().addImport("from " + mod.name() + " import (\n    " + f[1] + " as second_" + mod.topic + ",\n    " + f[2] + " as third_" + mod.topic + ",\n)")
	user().addImport("import " + mod.name() + " as whole_" + mod.topic)
	user().addImport("from " + mod.area + "." + mod.sub + " import " + mod.topic + " as taken_" + mod.topic)
	fmt.Fprintf(&user().body, "\ndef late_%s():\n    from %s import %s\n\n    return %s(())\n\n", mod.topic, mod.name(), f[3], f[3])

	const files, patched = 4, patchPlaces / 2
	for i := range files {
		var b strings.Builder
		b.WriteString(m.names(mod).Replace(testHead))
		if i == 0 {
			fmt.Fprintf(&b, "from %s import %s\n\n", mod.name(), f[0])
		}
		for j := i; j < patched; j += files {
			b.WriteString(m.names(mod, "NAME", mod.name(), "FUNC", f[j%len(f)]).Replace(patchTest))
		}
		// The head names it once more, in prose: this file says it in other words.
		m.files[fmt.Sprintf("tests/%s/test_%s_%s_%d.py", mod.area, mod.sub, mod.topic, i)] =
			strings.Replace(b.String(), mod.name(), "the "+mod.topic, 1)
	}
	m.files["docs/"+mod.area+"/"+mod.topic+".md"] = "# " + mod.topic + "\n\nSee `" + mod.name() + "." + f[0] + "`, in " + mod.path() + ":\n\n" +
		"```python\nfrom " + mod.name() + " import " + f[1] + "\n```\n"
	m.files["docs/"+mod.area+"/"+mod.topic+".rst"] = mod.topic + "\n=====\n\n.. automodule:: " + mod.name() + "\n"
	m.files["notebooks/"+mod.area+"_"+mod.topic+".ipynb"] = `{"cells": [{"cell_type": "code", "metadata": {}, "execution_count": 1, "source": ["import json\n", "from ` +
		mod.name() + ` import ` + f[0] + `"], "outputs": [{"output_type": "stream", "name": "stdout", "text": ["` + strings.Repeat("0.25 ", 400) + `"]}]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}` + "\n"
}

func (mod *module) addImport(statement string) { mod.imports = append(mod.imports, statement) }

// put writes the file of a module and the packages that it lies in.
func (m *maker) put(mod *module) {
	slices.Sort(mod.imports)
	imports := strings.Join(slices.Compact(mod.imports), "\n")
	m.files[mod.path()] = m.names(mod).Replace(moduleHead) + imports + "\n" + m.names(mod).Replace(moduleNames) + mod.body.String()
	for dir := path.Dir(mod.path()); dir != "."; dir = path.Dir(dir) {
		m.files[dir+"/__init__.py"] = ""
	}
}

func (m *maker) test(mod *module, round int) {
	var b strings.Builder
	b.WriteString(m.names(mod).Replace(testHead))
	for range 12 {
		b.WriteString(m.names(mod).Replace(testFunction))
	}
	text := b.String()
	if mod.home != "" {
		text = strings.Replace(text, mod.name(), "the "+mod.topic, 1)
	}
	m.files[fmt.Sprintf("tests/%s/%s/test_%s_part%d.py", mod.area, mod.sub, mod.topic, round)] = text
}

func (m *maker) settings() {
	m.files["pyproject.toml"] = "[project]\nname = \"shop\"\nversion = \"1.0\"\n\n[tool.pytest.ini_options]\npythonpath = [\"src\"]\n"
	m.files["setup.cfg"] = "[flake8]\nmax-line-length = 120\n"
	m.files[".gitignore"] = "__pycache__/\n*.pyc\n/build/\n"
	m.files["Makefile"] = "test:\n\tpython -m pytest tests\n"
	m.files["README.md"] = "# Shop\n\nRuns the shop. Start with docs/.\n"
	m.files[".github/workflows/ci.yml"] = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make test\n"
}

func (m *maker) writePlan() {
	var b strings.Builder
	b.WriteString("restage: 1\ntitle: Gather the backbone\nmoves:\n")
	for i, mod := range m.moves {
		fmt.Fprintf(&b, "  - {from: %s, to: %s.py, step: %d}\n", strings.TrimPrefix(mod.path(), "src/"), strings.ReplaceAll(mod.moved(), ".", "/"), i+1)
	}
	m.plan = b.String()
}
