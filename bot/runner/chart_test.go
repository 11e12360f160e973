package runner

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/kelseyhightower/envconfig"
	goyaml "go.yaml.in/yaml/v4"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const chart = "../../charts/restage/"

// The settings that the chart gives to the server lead to pods that the chart's
// network policies are about.
func TestChart(t *testing.T) {
	objects := render(t, "deployment.yaml")
	var server apps.Deployment
	decode(t, objects[0], &server)
	for _, v := range server.Spec.Template.Spec.Containers[0].Env {
		if strings.HasPrefix(v.Name, "RESTAGE_RUNNER_") {
			t.Setenv(v.Name, v.Value)
		}
	}
	var s Settings
	if err := envconfig.Process("restage_runner", &s); err != nil {
		t.Fatal(err)
	}
	if err := s.Cluster.check(); err != nil {
		t.Fatal(err)
	}
	k := &kubernetes{settings: s}
	pod := func(network bool) core.PodTemplateSpec {
		c := &Command{Shell: "true", Timeout: time.Minute, Network: network}
		return k.job("job", "token", "http://10.0.0.1:8081", c, s.Limits).Spec.Template
	}
	if spec := pod(false).Spec; *spec.RuntimeClassName != "gvisor" || spec.ImagePullSecrets[0].Name != "pull" {
		t.Errorf("the runtime class is %v, the secrets are %v", spec.RuntimeClassName, spec.ImagePullSecrets)
	}

	policies := map[string]networking.NetworkPolicy{}
	for _, text := range render(t, "networkpolicy.yaml") {
		var p networking.NetworkPolicy
		decode(t, text, &p)
		policies[strings.TrimPrefix(p.Name, "restage-")] = p
	}
	about := func(pod core.PodTemplateSpec) string {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(policies)) {
			if selects(t, policies[name].Spec.PodSelector, pod.Labels) {
				names = append(names, name)
			}
		}
		return strings.Join(names, " ")
	}
	for _, test := range []struct {
		what, want string
		pod        core.PodTemplateSpec
	}{
		{"a command", "commands", pod(false)},
		{"one with the network", "commands network", pod(true)},
		{"the server", "server", server.Spec.Template},
	} {
		if got := about(test.pod); got != test.want {
			t.Errorf("%s: policies %q, want %q", test.what, got, test.want)
		}
	}
	// The one way from a command to the server, from both ends.
	out, in := policies["commands"].Spec.Egress, policies["server"].Spec.Ingress
	if len(out) != 1 || !selects(t, *out[0].To[0].PodSelector, server.Spec.Template.Labels) || out[0].Ports[0].Port.StrVal != "trees" {
		t.Errorf("a command reaches %+v", out)
	}
	if len(in) != 2 || !selects(t, *in[1].From[0].PodSelector, pod(false).Labels) || in[1].Ports[0].Port.StrVal != "trees" {
		t.Errorf("the server is reached by %+v", in)
	}
}

func selects(t *testing.T, s meta.LabelSelector, of map[string]string) bool {
	t.Helper()
	selector, err := meta.LabelSelectorAsSelector(&s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(of))
}

func decode(t testing.TB, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
}

// render returns the objects in a template of the chart, for a release called
// restage with the values that try out every branch. It knows as much of Helm as
// these templates need.
func render(t testing.TB, name string) []string {
	t.Helper()
	var values, full map[string]any
	for file, into := range map[string]*map[string]any{"values.yaml": &values, "ci/full-values.yaml": &full} {
		data, err := os.ReadFile(filepath.Join(chart, file))
		if err != nil {
			t.Fatal(err)
		}
		decode(t, string(data), into)
	}
	for key, value := range full {
		if of, ok := values[key].(map[string]any); ok {
			maps.Copy(of, value.(map[string]any))
		} else {
			values[key] = value
		}
	}
	all := template.New("")
	text := func(v any) string { return fmt.Sprint(v) }
	all.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var b strings.Builder
			err := all.ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"toYaml": func(v any) (string, error) {
			data, err := goyaml.Marshal(v)
			return strings.TrimSuffix(string(data), "\n"), err
		},
		"nindent": func(n int, s string) string {
			indent := "\n" + strings.Repeat(" ", n)
			return indent + strings.ReplaceAll(s, "\n", indent)
		},
		"default": func(otherwise, v any) any {
			if ok, _ := template.IsTrue(v); ok {
				return v
			}
			return otherwise
		},
		"contains":   func(part, s string) bool { return strings.Contains(s, part) },
		"trunc":      func(n int, s string) string { return s[:min(n, len(s))] },
		"trimSuffix": func(end, s string) string { return strings.TrimSuffix(s, end) },
		"replace":    func(old, new, s string) string { return strings.ReplaceAll(s, old, new) },
		"quote":      func(v any) string { return fmt.Sprintf("%q", text(v)) },
		"int64":      func(v any) any { return v },
		"sha256sum":  func(s string) string { return s },
		"fail":       func(why string) (string, error) { return "", errors.New(why) },
		"join": func(by string, list []any) string {
			var all []string
			for _, v := range list {
				all = append(all, text(v))
			}
			return strings.Join(all, by)
		},
	})
	if _, err := all.ParseFiles(chart+"templates/_helpers.tpl", chart+"templates/"+name); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err := all.ExecuteTemplate(&b, name, map[string]any{
		"Values":  values,
		"Release": map[string]any{"Name": "restage", "Namespace": "tools", "Service": "Helm"},
		"Chart":   map[string]any{"Name": "restage", "Version": "1.0.0", "AppVersion": "1.0.0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(b.String(), "\n---\n")
}
