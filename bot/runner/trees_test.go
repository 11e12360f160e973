package runner

import (
	"archive/tar"
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTreeIsGivenOnce(t *testing.T) {
	var offers trees
	server := httptest.NewServer(&offers)
	defer server.Close()
	dir := work(t, map[string]string{"pkg/a.py": "x = 1\n"})
	offers.offer("job", "token", dir, time.Now().Add(time.Hour))
	offers.offer("late", "token", dir, time.Now().Add(-time.Second))
	offers.offer("withdrawn", "token", dir, time.Now().Add(time.Hour))()
	ask := func(method, path, authorization string) int {
		req, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, r := range [][3]string{
		{"GET", "/trees/job", ""},
		{"GET", "/trees/job", "Bearer "},
		{"GET", "/trees/job", "Bearer toke"},
		{"GET", "/trees/job", "token"},
		{"POST", "/trees/job", "Bearer token"},
		{"GET", "/trees/job/", "Bearer token"},
		{"GET", "/trees/job/pkg/a.py", "Bearer token"},
		{"GET", "/trees/../job", "Bearer token"},
		{"GET", "/trees/", "Bearer token"},
		{"GET", "/trees/", "Bearer "},
		{"GET", "/trees/late", "Bearer token"},
		{"GET", "/trees/withdrawn", "Bearer token"},
	} {
		if status := ask(r[0], r[1], r[2]); status != http.StatusNotFound {
			t.Errorf("%q: %d", r, status)
		}
	}
	var mu sync.Mutex
	given := 0
	var asks sync.WaitGroup
	for range 8 {
		asks.Go(func() {
			if ask("GET", "/trees/job", "Bearer token") == http.StatusOK {
				mu.Lock()
				defer mu.Unlock()
				given++
			}
		})
	}
	asks.Wait()
	if given != 1 {
		t.Errorf("given %d times", given)
	}
}

func TestFetchTree(t *testing.T) {
	var offers trees
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A server that has just been started does not know the tree at once.
		if asked++; asked == 2 {
			offers.offer("job", "token", work(t, map[string]string{"pkg/a.py": "x = 1\n", ".hidden/b": ""}), time.Now().Add(time.Hour))
		}
		offers.ServeHTTP(w, r)
	}))
	defer server.Close()
	dir := t.TempDir()
	if err := FetchTree(t.Context(), server.URL+"/trees/job", "token", dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "pkg/a.py"))
	if err != nil || string(data) != "x = 1\n" || asked != 2 {
		t.Errorf("got %q, %v, asked %d times", data, err, asked)
	}
	if _, err := os.Stat(filepath.Join(dir, ".hidden/b")); err != nil {
		t.Error(err)
	}
}

// A part of a tree is not taken for the whole, and who is refused says so in the
// end.
func TestFetchTreeFails(t *testing.T) {
	var offers trees
	server := httptest.NewServer(&offers)
	defer server.Close()
	dir := work(t, map[string]string{"a.py": "x = 1\n"})
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	offers.offer("job", "token", filepath.Join(dir, "a.py"), time.Now().Add(time.Hour))
	if err := FetchTree(t.Context(), server.URL+"/trees/job", "token", t.TempDir()); err == nil {
		t.Error("what is no folder is given")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := FetchTree(ctx, server.URL+"/trees/job", "token", t.TempDir()); err == nil || !strings.Contains(err.Error(), "fetching the work tree") {
		t.Errorf("got %v", err)
	}
}

func TestUnpackStaysInside(t *testing.T) {
	for name, headers := range map[string][]tar.Header{
		"up":         {{Name: "../x", Typeflag: tar.TypeReg}},
		"absolute":   {{Name: "/x", Typeflag: tar.TypeReg}},
		"through":    {{Name: "l", Linkname: "..", Typeflag: tar.TypeSymlink}, {Name: "l/x", Typeflag: tar.TypeReg}},
		"twice":      {{Name: "x", Typeflag: tar.TypeReg}, {Name: "x", Typeflag: tar.TypeReg}},
		"a device":   {{Name: "x", Typeflag: tar.TypeChar}},
		"hard links": {{Name: "x", Linkname: "/etc/passwd", Typeflag: tar.TypeLink}},
	} {
		var data bytes.Buffer
		w := tar.NewWriter(&data)
		for _, h := range headers {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
		dir := filepath.Join(t.TempDir(), "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if err := unpack(tar.NewReader(&data), root); err == nil {
			t.Errorf("%s: unpacked", name)
		}
		if _, err := os.Lstat(filepath.Join(dir, "../x")); err == nil {
			t.Errorf("%s: written outside", name)
		}
	}
}

// A pod may have ended before it gave its files, or in the middle.
func TestReadBack(t *testing.T) {
	var log bytes.Buffer
	if err := GiveFiles(&log, work(t, map[string]string{"a": strings.Repeat("a", 5000), "b": "b"}), []string{"a", "b", "c"}, 8<<10); err != nil {
		t.Fatal(err)
	}
	whole := log.String()
	for name, test := range map[string]struct {
		log   string
		limit Size
		want  string // names of what is read
	}{
		"whole":            {whole, 8 << 10, "ab"},
		"after other text": {"killed\n" + whole, 8 << 10, "ab"},
		"nothing":          {"", 8 << 10, ""},
		"a part":           {whole[:len(whole)/2], 8 << 10, ""},
		"another block":    {strings.ReplaceAll(whole, filesMark, "FILES"), 8 << 10, ""},
		"not packed":       {"-----BEGIN RESTAGE FILES-----\nAAAA\n-----END RESTAGE FILES-----\n", 8 << 10, ""},
	} {
		files, errs := readBack([]byte(test.log), []string{"a", "b"}, test.limit)
		got := ""
		for _, name := range []string{"a", "b"} {
			if files[name] != nil {
				got += name
			}
			if (files[name] != nil) == (errs[name] != nil) {
				t.Errorf("%s: %s is %q, %v", name, name, files[name], errs[name])
			}
		}
		if got != test.want || len(files) != len(test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// work returns a new work tree.
func work(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
