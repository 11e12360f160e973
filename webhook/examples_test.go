package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// testdata returns the folder that "make testdata" fills.
func testdata() string {
	if dir := os.Getenv("RESTAGE_TESTDATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", ".cache", "testdata")
}

// GitHub's own example payloads, of github.com and of its Enterprise Servers,
// are all accepted.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata(), "node_modules/@octokit/webhooks-examples/*/index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("GitHub's example payloads are missing: run make testdata")
	}
	s := serve(t)
	sent := 0
	for _, file := range files {
		for event, payload := range examples(t, file) {
			sent++
			id := header("X-GitHub-Delivery", fmt.Sprint(sent))
			status, answer := s.post(t, string(payload), id, header("X-GitHub-Event", event))
			if status != http.StatusAccepted {
				t.Errorf("%s: %s: %d %q, want 202", file, event, status, answer)
			}
		}
	}
	if n := count(t, s.db, `SELECT count(*) FROM deliveries`); n != sent {
		t.Errorf("%d deliveries are stored, want %d", n, sent)
	}
	withJob := count(t, s.db, `SELECT count(*) FROM deliveries WHERE handled_at IS NULL`)
	if n := count(t, s.db, `SELECT count(*) FROM river_job`); n != withJob || n == 0 {
		t.Errorf("%d jobs for %d deliveries to handle", n, withJob)
	}
}

// examples iterates over a file of the package @octokit/webhooks-examples: event
// and payload.
func examples(t *testing.T, file string) func(yield func(string, json.RawMessage) bool) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var events []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.NewDecoder(f).Decode(&events); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return func(yield func(string, json.RawMessage) bool) {
		for _, event := range events {
			for _, payload := range event.Examples {
				if !yield(event.Name, payload) {
					return
				}
			}
		}
	}
}
