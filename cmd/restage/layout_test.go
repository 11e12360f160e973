package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kelseyhightower/envconfig"
	"go.yaml.in/yaml/v4"

	"github.com/restage/restage/phases/plan"
)

const module = "github.com/restage/restage/"

// A pkg is one package of ours, without its tests.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string // with what is imported in turn
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir, cmd.Stderr = "../..", os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		for _, l := range [][]string{p.Imports, p.Deps} {
			for i := range l {
				l[i] = strings.TrimPrefix(l[i], module)
			}
		}
		list = append(list, p)
	}
}

// in reports whether the package name is one of roots or lies below one.
func in(name string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return name == root || strings.HasPrefix(name, root+"/") })
}

// forbidden says why the package from must not depend on to, or "". Direct says
// that it imports it itself.
func forbidden(from, to string, direct bool) string {
	ours := in(to, "bot", "cmd", "phases", "webhook")
	switch {
	case in(to, "cmd"):
		return "cmd is the top"
	case in(from, "phases") && in(to, "bot", "webhook"):
		return "phases is below the bot"
	case in(from, "phases") && slices.Contains([]string{"net", "net/http", "database/sql"}, to):
		return "phases is pure"
	case strings.HasPrefix(from, "phases/") && to == "phases":
		return "phases is above its parts"
	case in(from, "bot") && in(to, "webhook"):
		return "the bot knows nothing of the way in"
	case strings.HasPrefix(from, "bot/") && to == "bot":
		return "the bot is above its parts"
	case from == "webhook" && ours && direct && to != "bot/store":
		return "the webhook knows only the store"
	case to == "bot/githubtest" && from != "bot/demo" && direct:
		return "only the demo and tests have a GitHub of their own"
	}
	return ""
}

func TestImportsPointOneWay(t *testing.T) {
	list := packages(t)
	if len(list) < 10 {
		t.Fatalf("only %d packages found", len(list))
	}
	for _, p := range list {
		for _, to := range p.Deps {
			if why := forbidden(p.ImportPath, to, slices.Contains(p.Imports, to)); why != "" {
				t.Errorf("%s depends on %s: %s", p.ImportPath, to, why)
			}
		}
	}
}

// The rules above must be able to fail.
func TestForbidden(t *testing.T) {
	for _, edge := range [][2]string{
		{"phases/plan", "bot"}, {"phases", "bot/store"}, {"phases/tree", "net/http"}, {"phases/plan", "phases"},
		{"bot/store", "webhook"}, {"bot", "cmd/restage"}, {"webhook", "bot"}, {"webhook", "phases/plan"},
		{"bot/github", "bot"}, {"bot", "bot/githubtest"},
	} {
		if forbidden(edge[0], edge[1], true) == "" {
			t.Errorf("%s may import %s", edge[0], edge[1])
		}
	}
	for _, edge := range [][2]string{
		{"cmd/restage", "bot"}, {"webhook", "bot/store"}, {"bot", "phases"}, {"bot/github", "phases/tree"},
		{"phases", "phases/plan"}, {"phases/config", "phases/plan"}, {"bot/demo", "bot/githubtest"}, {"bot", "net/http"},
	} {
		if why := forbidden(edge[0], edge[1], true); why != "" {
			t.Errorf("%s may not import %s: %s", edge[0], edge[1], why)
		}
	}
}

// Phases gives the same bytes at any time, so it never asks what time it is.
func TestPhasesHaveNoClock(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}
	files := 0
	err := filepath.WalkDir("../../phases", func(name string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		files++
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(clock, s.Sel.Name) {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s: time.%s", set.Position(s.Pos()), s.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestManifestIsAppYML(t *testing.T) {
	if read(t, "../../app.yml") != string(manifest) {
		t.Error("app.yml and cmd/restage/app.yml differ: copy one over the other")
	}
	var app struct {
		Events      []string          `yaml:"default_events"`
		Permissions map[string]string `yaml:"default_permissions"`
	}
	if err := yaml.Unmarshal(manifest, &app); err != nil {
		t.Fatal(err)
	}
	if _, ok := app.Permissions["workflows"]; ok || len(app.Permissions) == 0 || len(app.Events) == 0 {
		t.Errorf("permissions %v, events %v", app.Permissions, app.Events)
	}
}

// The image holds what "make build" makes.
func TestDockerfileBuildsLikeMakefile(t *testing.T) {
	ldflags := regexp.MustCompile(`(?m)^LDFLAGS\s*=\s*(.*?)\$`).FindStringSubmatch(read(t, "../../Makefile"))
	build := regexp.MustCompile(`(?m)^\tgo build (\S+) -ldflags`).FindStringSubmatch(read(t, "../../Makefile"))
	docker := regexp.MustCompile(`(?m)^RUN CGO_ENABLED=0 go build (\S+) -ldflags "(.*?)\$`).FindStringSubmatch(read(t, "../../Dockerfile"))
	if ldflags == nil || build == nil || docker == nil {
		t.Fatalf("no build found: %q, %q, %q", ldflags, build, docker)
	}
	if docker[1] != build[1] || docker[2] != ldflags[1] {
		t.Errorf("Dockerfile: %q, Makefile: %q with %q", docker[1:], build[1], ldflags[1])
	}
}

// Every folder that holds Go code is in the image's build.
func TestDockerfileCopiesAllCode(t *testing.T) {
	docker, ignore := read(t, "../../Dockerfile"), read(t, "../../.dockerignore")
	for _, p := range packages(t) {
		top, _, _ := strings.Cut(p.ImportPath, "/")
		if !strings.Contains(docker, "\nCOPY "+top+" "+top+"\n") {
			t.Errorf("Dockerfile does not copy %s", top)
		}
		if !strings.Contains(ignore, "\n!"+top+"\n") {
			t.Errorf(".dockerignore leaves out %s", top)
		}
	}
}

// Each setting is in the help, in docs/configuration.md and in the chart.
func TestSettingsAreDocumented(t *testing.T) {
	help := serveCommand().Long
	docs := read(t, "../../docs/configuration.md")
	chart := read(t, "../../charts/restage/templates/deployment.yaml")
	var names strings.Builder
	if err := envconfig.Usagef("restage", &settings{}, &names, "{{range .}}{{usage_key .}} {{end}}"); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(names.String()) {
		if !strings.Contains(help, name) || !strings.Contains(docs, "`"+name+"`") {
			t.Errorf("%s is not in the help of serve or in docs/configuration.md", name)
		}
		if !strings.Contains(chart, name) {
			t.Errorf("%s is not in the chart", name)
		}
	}
}

// The plan that README.md shows is one.
func TestReadmeShowsPlan(t *testing.T) {
	_, text, _ := strings.Cut(read(t, "../../README.md"), "```markdown\n")
	text, _, ok := strings.Cut(text, "```\n")
	p, err := plan.Read("README.md", []byte(text))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if len(p.Moves) != 2 || len(p.Retire) != 1 || len(p.Delete) != 1 || len(p.Unused) != 0 {
		t.Errorf("understood: %+v", p)
	}
}

// Links between the documents lead somewhere.
func TestDocumentsLinkToFiles(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, page := range append(pages, "../../README.md") {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
