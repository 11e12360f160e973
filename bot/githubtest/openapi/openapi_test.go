package openapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restage/restage/bot/githubtest/openapi"
)

func load(t *testing.T) *openapi.Description {
	t.Helper()
	d, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const label = `{"id": 1, "node_id": "x", "url": "https://example.com/", "name": "bug", "description": null, "color": "ff0000", "default": true}`

func TestMiddleware(t *testing.T) {
	d := load(t)
	for _, c := range []struct {
		request, body string
		status        int
		answer        string
		want          string // "" when it agrees
	}{
		{"GET /api/v3/repos/o/r/labels/bug", "", 200, label, ""},
		{"GET /api/v3/repos/o/r/labels/bug", "", 200, strings.Replace(label, `"id": 1, `, "", 1), `property "id" is missing`},
		{"GET /api/v3/repos/o/r/labels/bug", "", 200, strings.Replace(label, `"ff0000"`, "null", 1), "not nullable"},
		{"GET /api/v3/repos/o/r/labels/bug", "", 202, label, "a status that GitHub does not describe"},
		{"GET /api/v3/repos/o/r/labels/bug?shape=round", "", 200, label, `unknown query parameter "shape"`},
		{"GET /api/v3/repos/o/r/labels/bug", "", 403, `{"message": "no", "documentation_url": "https://example.com"}`, ""},
		{"GET /api/v3/repos/o/r/labels/bug", "", 403, `{"message": 1}`, "must be a string"},
		{"POST /api/v3/repos/o/r/labels", `{"name": "bug"}`, 201, label, ""},
		{"POST /api/v3/repos/o/r/labels", `{"name": "bug", "colour": "red"}`, 201, label, `unknown field "colour"`},
		{"POST /api/v3/repos/o/r/labels", `{}`, 201, label, `property "name" is missing`},
		{"POST /api/v3/repos/o/r/labels", `{}`, 422, `{"message": "no", "documentation_url": "x", "errors": [{"code": "missing_field"}]}`, ""},
		{"POST /api/v3/repos/o/r/labels", `{}`, 422, `{"message": "no"}`, "documentation_url"},
		{"POST /api/v3/repos/o/r/issues/1/labels", `["bug"]`, 200, "[" + label + "]", ""},
		{"POST /api/v3/repos/o/r/issues/1/labels", `[1]`, 200, "[" + label + "]", "request"},
		{"GET /api/v3/repos/o/r/issues/x/labels", "", 200, "[]", "issue_number"},
		{"GET /api/v3/repos/o/r/teapots", "", 200, "[]", "no such operation"},
		{"GET /o/r.git/info/refs", "", 200, "not of the API", ""},
	} {
		var got []string
		h := d.Middleware(func(err error) { got = append(got, err.Error()) })(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(c.status)
			io.WriteString(w, c.answer)
		}))
		method, path, _ := strings.Cut(c.request, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(c.body)))
		if w.Code != c.status || w.Body.String() != c.answer {
			t.Errorf("%s: the response is changed to %d %s", c.request, w.Code, w.Body)
		}
		if all := strings.Join(got, "\n"); (all == "") != (c.want == "") || !strings.Contains(all, c.want) {
			t.Errorf("%s %s: %d %s:\n got %q\nwant %q", c.request, c.body, c.status, c.answer, all, c.want)
		}
	}
}

func TestCheckWebhook(t *testing.T) {
	d := load(t)
	for event, payload := range map[string]string{
		"issues": `{"action": "labeled"}`,
		"push":   `{}`,
		"tea":    `{"action": "made"}`,
	} {
		if d.CheckWebhook(event, []byte(payload)) == nil {
			t.Errorf("%s %s passes", event, payload)
		}
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("RESTAGE_TESTDATA", dir)
	_, err := openapi.Read()
	want := filepath.Join(dir, "node_modules")
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "run make testdata") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(want); err == nil {
		t.Error("the folder is there")
	}
}
