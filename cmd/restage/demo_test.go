package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/demo"
	"github.com/restage/restage/bot/githubtest"
	"github.com/restage/restage/bot/githubtest/openapi"
)

// tell tells the story of the demo in dir, with the real server.
func tell(ctx context.Context, dir string, out io.Writer, middleware func(http.Handler) http.Handler) error {
	return demo.Run(ctx, demo.Options{
		Dir:        dir,
		Out:        out,
		Manifest:   manifest,
		Middleware: middleware,
		Serve: func(ctx context.Context, env map[string]string, l net.Listener) error {
			s, app, err := settingsFrom(env)
			if err != nil {
				return err
			}
			return serve(ctx, s, app, l, out)
		},
	})
}

// TestDemo tells the whole story twice: once in peace, with everything that is
// said to and by the GitHub held against GitHub's own description, and once in a
// process that is killed again and again. Both must end with the same things on
// GitHub.
func TestDemo(t *testing.T) {
	calm, killed := t.TempDir(), t.TempDir()
	ok := t.Run("tell", func(t *testing.T) {
		t.Run("calm", func(t *testing.T) {
			t.Parallel()
			description, err := openapi.Load()
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			asked := &calls{rest: map[string]int{}, git: map[string]int{}}
			middleware := func(next http.Handler) http.Handler {
				return asked.middleware(description.Middleware(func(err error) { t.Error(err) })(next))
			}
			if err := tell(t.Context(), calm, &out, middleware); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			asked.check(t)
			checkEnd(t, out.String())
			checkWebhooks(t, calm, description)
			checkHistory(t, filepath.Join(calm, "result"))
			checkApply(t, calm, out.String())
		})
		t.Run("killed", func(t *testing.T) {
			t.Parallel()
			checkEnd(t, dieAndGoOn(t, killed))
		})
	})
	if !ok {
		return
	}
	want, got := everything(t, calm), everything(t, killed)
	if got != want {
		t.Errorf("what is on GitHub after a killed demo:\n%s\nafter a calm one:\n%s", got, want)
	}
}

// checkEnd looks at the summary of a story.
func checkEnd(t *testing.T, out string) {
	for _, line := range []string{
		`pull requests +3 merged, with \d+ commits`,
		`references +[1-9]\d* rewritten`,
		`checks +14, all green`,
		`decisions +8 answered, none open`,
		`tests passed +(\d+) before, \d+ after moves, \d+ after imports, \d+ after cleanup`,
	} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("the summary has no line %q:\n%s", line, out)
		}
	}
}

// checkWebhooks holds all webhooks of a story against GitHub's description.
func checkWebhooks(t *testing.T, dir string, description *openapi.Description) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "restage.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT event, payload FROM deliveries")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	seen := map[string]bool{}
	for rows.Next() {
		var event string
		var payload []byte
		if err := rows.Scan(&event, &payload); err != nil {
			t.Fatal(err)
		}
		seen[event] = true
		if err := description.CheckWebhook(event, payload); err != nil {
			t.Errorf("webhook %s: %v", event, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"issues", "issue_comment", "pull_request"} {
		if !seen[event] {
			t.Errorf("there was no webhook %s", event)
		}
	}
}

// checkHistory follows moved files to the first commit.
func checkHistory(t *testing.T, repo string) {
	for _, file := range []string{
		"src/training/azureml/jobs.py",
		"src/training/hpo/azureml/sweeps.py",
		"src/deployment/conversion/azureml/jobs.py",
		"src/infrastructure/azureml/runtime.py",
		"src/infrastructure/shared/backup.py",
		"src/infrastructure/tracking/mlflow/index/run_index.py",
		"src/infrastructure/tracking/mlflow/index/version_counter.py",
		"src/infrastructure/tracking/mlflow/index/file_locking.py",
	} {
		out, err := exec.Command("git", "-C", repo, "log", "--follow", "--format=%s", "--", file).CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), "\nCreate jobs and watch them\n") {
			t.Errorf("git log --follow %s ends too early: %v\n%s", file, err, out)
		}
	}
}

var decided = regexp.MustCompile(`/restage decide (\S+) (\S+)`)

// checkApply lets restage apply do what was done on GitHub, with the same
// answers.
func checkApply(t *testing.T, dir, out string) {
	work := filepath.Join(t.TempDir(), "work")
	if err := os.CopyFS(work, os.DirFS(filepath.Join(dir, "stages", "before"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plan.md")
	if err := os.WriteFile(file, demo.Plan(), 0o666); err != nil {
		t.Fatal(err)
	}
	args := []string{"apply", file, "--repo", work, "--phase", "all"}
	for _, d := range decided.FindAllStringSubmatch(out, -1) {
		args = append(args, "--decide", d[1]+"="+d[2])
	}
	apply := exec.Command(os.Args[0])
	apply.Args = append([]string{"restage"}, args...)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("restage %q: %v\n%s", args, err, out)
	}
	diff, err := exec.Command("diff", "-r", "--exclude=.git", work, filepath.Join(dir, "result")).CombinedOutput()
	if err != nil {
		t.Errorf("restage apply makes something else: %v\n%s", err, diff)
	}
}

// What the process that is killed reads from its environment.
const (
	mortalDir   = "RESTAGE_TEST_MORTAL" // the folder of its story
	mortalSteps = "RESTAGE_TEST_STEPS"  // of how many things that it does to GitHub it dies of one; of each when 1
)

// TestMortal is the process that TestDemo lets die. In any other it does
// nothing.
func TestMortal(t *testing.T) {
	dir := os.Getenv(mortalDir)
	if dir == "" {
		return
	}
	steps, err := strconv.Atoi(os.Getenv(mortalSteps))
	if err != nil {
		t.Fatal(err)
	}
	m, err := openMortal(filepath.Join(dir, "effects"), steps)
	if err != nil {
		t.Fatal(err)
	}
	if err := tell(t.Context(), dir, os.Stdout, m.middleware); err != nil {
		t.Fatal(err)
	}
}

// A mortal process dies twice of a thing that is done to GitHub: right before
// it is done, and the next time right after, when nobody knows yet. What was
// done is noted in a file, which outlives the process.
type mortal struct {
	mu    sync.Mutex
	notes *os.File
	steps int
	seen  map[string]int // by request
	order []string
}

func openMortal(file string, steps int) (*mortal, error) {
	notes, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	m := &mortal{notes: notes, steps: steps, seen: map[string]int{}}
	lines := bufio.NewScanner(notes)
	for lines.Scan() {
		m.note(lines.Text())
	}
	return m, lines.Err()
}

// note counts an effect and returns which it is, from 0, and how often it was
// there.
func (m *mortal) note(effect string) (index, times int) {
	if m.seen[effect]++; m.seen[effect] == 1 {
		m.order = append(m.order, effect)
	}
	return slices.Index(m.order, effect), m.seen[effect]
}

func (m *mortal) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !hasEffect(r) {
			next.ServeHTTP(w, r)
			return
		}
		effect, err := effect(r)
		if err != nil {
			panic(err)
		}
		m.mu.Lock()
		fmt.Fprintln(m.notes, effect)
		index, times := m.note(effect)
		m.mu.Unlock()
		mine := index%m.steps == m.steps-1
		if mine && times == 1 {
			die()
		}
		next.ServeHTTP(w, r)
		if mine && times == 2 {
			die()
		}
	})
}

func die() {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func hasEffect(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	return !strings.HasSuffix(r.URL.Path, "/access_tokens") && !strings.HasSuffix(r.URL.Path, "/git-upload-pack")
}

// effect returns what a request is recognized by when it comes again: its
// method, path and body. Of a push that is the beginning, which names the
// branch and its commits; packs of the same objects may differ.
func effect(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
		body = body[:min(len(body), 80)]
	}
	return fmt.Sprintf("%s %s %x", r.Method, r.URL.Path, sha256.Sum256(body)), nil
}

// dieAndGoOn tells a story in dir in processes that are killed, one after the
// other, and returns what the last one said. With RESTAGE_TEST_STEPS=1 they die of
// everything, which takes some minutes.
func dieAndGoOn(t *testing.T, dir string) string {
	steps := os.Getenv(mortalSteps)
	if steps == "" {
		steps = "12"
	}
	for deaths := 0; deaths < 1000; deaths++ {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMortal$")
		cmd.Env = append(os.Environ(), mortalDir+"="+dir, mortalSteps+"="+steps)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil && deaths < 6:
			t.Errorf("only %d deaths; is everything that changes something on GitHub seen?", deaths)
			return string(out)
		case err == nil:
			t.Logf("%d deaths", deaths)
			return string(out)
		case !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL:
			t.Fatalf("after %d deaths: %v\n%s", deaths, err, out)
		}
	}
	t.Fatal("the story has no end")
	return ""
}

// changing matches what differs from story to story: addresses and commits,
// whose dates are those of the story.
var changing = regexp.MustCompile("http://127\\.0\\.0\\.1:\\d+|\\b[0-9a-f]{40}\\b|`[0-9a-f]{7}`")

// everything returns what is on the GitHub of a story that has ended.
func everything(t *testing.T, dir string) string {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := githubtest.Open(filepath.Join(dir, "github"), githubtest.Options{})
	check(err)
	defer s.Close()
	check(s.Start("127.0.0.1:0"))
	token, err := s.AddUser("ada")
	check(err)
	client, err := gh.NewClient(nil).WithAuthToken(token).WithEnterpriseURLs(s.URL(), s.URL())
	check(err)

	const owner, name = "example", "resume-ner"
	ctx, page := t.Context(), gh.ListOptions{PerPage: 100}
	var b strings.Builder
	issues, _, err := client.Issues.ListByRepo(ctx, owner, name, &gh.IssueListByRepoOptions{State: "all", ListOptions: page})
	check(err)
	for _, i := range issues {
		fmt.Fprintf(&b, "#%d %s %s %v\n%s\n", i.GetNumber(), i.GetState(), i.GetTitle(), i.Labels, i.GetBody())
		comments, _, err := client.Issues.ListComments(ctx, owner, name, i.GetNumber(), &gh.IssueListCommentsOptions{ListOptions: page})
		check(err)
		for _, c := range comments {
			fmt.Fprintf(&b, "-- %s:\n%s\n", c.GetUser().GetLogin(), c.GetBody())
			reactions, _, err := client.Reactions.ListIssueCommentReactions(ctx, owner, name, c.GetID(), &page)
			check(err)
			for _, r := range reactions {
				fmt.Fprintf(&b, "   %s by %s\n", r.GetContent(), r.GetUser().GetLogin())
			}
		}
		if !i.IsPullRequest() {
			continue
		}
		p, _, err := client.PullRequests.Get(ctx, owner, name, i.GetNumber())
		check(err)
		fmt.Fprintf(&b, "%s merged %t, %d commits\n", p.GetHead().GetRef(), p.GetMerged(), p.GetCommits())
		runs, _, err := client.Checks.ListCheckRunsForRef(ctx, owner, name, p.GetHead().GetSHA(), &gh.ListCheckRunsOptions{Filter: gh.String("all"), ListOptions: page})
		check(err)
		for _, r := range runs.CheckRuns {
			fmt.Fprintf(&b, "check %s %s %s\n", r.GetName(), r.GetConclusion(), r.GetOutput().GetTitle())
		}
	}
	main, _, err := client.Repositories.GetBranch(ctx, owner, name, "main", 0)
	check(err)
	return changing.ReplaceAllString(b.String(), "X") + main.GetCommit().GetCommit().GetTree().GetSHA()
}
