package bot_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/demo"
	"github.com/restage/restage/bot/githubtest"
	"github.com/restage/restage/bot/runner"
)

// proof reports whether there are minutes to spare: see make test-proof.
func proof() bool { return os.Getenv("RESTAGE_TEST_PROOF") != "" }

// A play is a story in acts: in each, people do something, and then the bot does
// what there is to do.
type play struct {
	files fs.FS // of the repository
	acts  []func(*world)
}

// merges are the acts in which the pull requests are merged.
var merges = []func(*world){
	func(w *world) { w.merge(movesBranch) },
	func(w *world) { w.merge(importsBranch) },
	func(w *world) { w.merge(cleanupBranch) },
}

// shopPlay is a short one, with a decision, a typo, and somebody who is refused.
func shopPlay() play {
	return play{files(shop), append([]func(*world){
		func(w *world) { w.file("ada", fenced(disputed)) },
		func(w *world) {
			w.comment("bob", 1, "/restage decide shop/old/legacy.py delete\n/restage hlep")
			w.comment("eve", 1, "/restage rerun")
		},
	}, merges...)}
}

// samplePlay is the story that the demo tells.
func samplePlay() play {
	return play{demo.Sample(), append([]func(*world){
		func(w *world) { w.file("ada", string(demo.Plan())) },
		func(w *world) { w.comment("ada", 1, answersTo(w.status(1))) },
	}, merges...)}
}

// weeksPlay is a long one: people push, edit, argue and think better of it.
func weeksPlay() play {
	say := func(login, text string) func(*world) {
		return func(w *world) { w.comment(login, 1, text) }
	}
	state := func(state string) func(*world) {
		return func(w *world) {
			_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", 1, &gh.IssueRequest{State: &state})
			check(w.t, err)
		}
	}
	return play{files(shop), []func(*world){
		func(w *world) { w.file("ada", fenced(yaml)) },
		say("bob", "/restage pause"),
		say("bob", "/restage resume\n/restage status"),
		func(w *world) { w.takeOff("ada", 1) },
		func(w *world) { w.putOn("ada", 1) },
		func(w *world) { w.setPull(2, "closed") },
		func(w *world) { w.setPull(2, "open") },
		func(w *world) { w.write(movesBranch, "notes.txt", "mine\n") },
		say("ada", "/restage rebuild"),
		say("ada", "/restage rebuild --discard"),
		say("ada", "/restage rerun structure"),
		say("ada", "/restage skip imports"),
		say("ada", "/restage resume imports"),
		func(w *world) { w.mergeBy("squash", movesBranch) },
		func(w *world) { w.write("main", "src/shop/late.py", latecomer) },
		state("closed"),
		state("open"),
		func(w *world) { w.mergeBy("rebase", importsBranch) },
		func(w *world) { w.propose("till", "main", usesOld) },
		say("ada", "/restage revert imports"),
		func(w *world) { w.merge("restage/1/2-revert-imports") },
		say("bob", "/restage resume"),
		func(w *world) { w.merge(importsBranch + "-2") },
		func(w *world) {
			run, _ := w.workTree("main")
			run(revert("-m", "1", "HEAD")...)
			run("push", "--quiet", "origin", "main")
			w.pushed()
		},
		say("bob", "/restage cancel"),
		say("bob", "/restage resume"),
	}}
}

var question = regexp.MustCompile("`/restage decide (.+?) (\\S+)`")

// answersTo returns commands that answer the questions in a status: of the two
// modules for the selection one goes, and everything else stays.
func answersTo(status string) string {
	var lines []string
	for _, q := range question.FindAllStringSubmatch(status, -1) {
		answer := "keep"
		if strings.Contains(q[1], "local_selection") {
			answer = "delete"
		}
		lines = append(lines, fmt.Sprintf("/restage decide %s %s", q[1], answer))
	}
	return strings.Join(lines, "\n")
}

// open returns the world of a play in the folder dir, which need not exist, with
// no bot in it. Nothing of it is on the network, so that its time may be virtual.
// Webhooks go through wrap to the world.
func (p play) open(t testing.TB, dir string, wrap func(http.RoundTripper) http.RoundTripper) *world {
	t.Helper()
	w := &world{t: t, users: map[string]*gh.Client{}, log: new(bytes.Buffer), runner: runner.None{}}
	w.Server = must(githubtest.Open(filepath.Join(dir, "github"), githubtest.Options{
		Key:       appKey(),
		URL:       "http://github.test",
		RateLimit: 1_000_000,
		Webhooks:  wrap(inside{http.HandlerFunc(w.receive)}),
	}))
	w.out = inside{w.Handler()}
	w.furnish(p.files, "http://restage.test", w.out)
	const before = "1999-12-31T12:00:00Z" // the time of a bubble begins
	w.env = []string{"GIT_AUTHOR_DATE=" + before, "GIT_COMMITTER_DATE=" + before}
	w.database, w.work = "sqlite:"+filepath.Join(dir, "restage.db"), filepath.Join(dir, "work")
	check(t, os.MkdirAll(w.work, 0o755))
	return w
}

// inside is the way to a server in this process.
type inside struct{ http.Handler }

func (s inside) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, in)
	res := answer.Result()
	res.Request = r
	return res, nil
}

// A queue works off the jobs in the database of a world one by one, the way that
// the store's Run does several at a time: what makes a story the same each time.
type queue struct {
	*sql.DB
}

func openQueue(t testing.TB, databaseURL string) queue {
	t.Helper()
	db := must(sql.Open("sqlite", strings.TrimPrefix(databaseURL, "sqlite:")))
	t.Cleanup(func() { db.Close() })
	return queue{db}
}

// A job is a row of River's table.
type job struct {
	id   int64
	kind string
	args struct {
		ID              string
		Migration, Turn int64
		Repository      int64
	}
}

// next returns the oldest job, nil if there is none.
func (q queue) next() *job {
	var j job
	var args []byte
	err := q.QueryRow(`SELECT id, kind, json(args) FROM river_job ORDER BY id LIMIT 1`).Scan(&j.id, &j.kind, &args)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(args, &j.args)
	}
	if err != nil {
		panic(err)
	}
	return &j
}

// do carries a job out. A look has its turn from then on.
func (q queue) do(w *world, j *job) error {
	switch j.kind {
	case "delivery":
		return w.bot.Delivery(ctx, must(w.store.Delivery(ctx, j.args.ID)))
	case "look":
		must(q.Exec(`UPDATE looks SET turn = ? WHERE migration = ?`, j.args.Turn+1, j.args.Migration))
		return w.bot.Reconcile(ctx, j.args.Migration)
	case "guard":
		must(q.Exec(`UPDATE watches SET turn = ? WHERE repository = ?`, j.args.Turn+1, j.args.Repository))
		return w.bot.Guard(ctx, j.args.Repository)
	}
	return fmt.Errorf("there should be no job %s", j.kind)
}

// done takes a job off the queue.
func (q queue) done(j *job) { must(q.Exec(`DELETE FROM river_job WHERE id = ?`, j.id)) }

// again puts a job at the end of the queue.
func (q queue) again(j *job) {
	must(q.Exec(`UPDATE river_job SET id = 1 + (SELECT max(id) FROM river_job) WHERE id = ?`, j.id))
}

var numbers = regexp.MustCompile(`comment \d+|delivery [-0-9a-f]{36}`)

// remembered returns what the store knows in the end.
func (q queue) remembered() string {
	var b strings.Builder
	for _, query := range []string{
		`SELECT id, issue, base, plan_file, plan, state, message, round, revision, rechecks FROM migrations ORDER BY id`,
		`SELECT migration, round, number, revision, rechecks, pull, base, head, checked, skipped, error, tried, report FROM phases ORDER BY 1, 2, 3`,
		`SELECT migration, path, answer, question, options, answered_by, revision FROM answers ORDER BY 1, 2`,
		`SELECT migration, id FROM requests ORDER BY 1, 2`,
		`SELECT repository, branch, commit_id FROM pushes ORDER BY 1, 2, 3`,
	} {
		rows := must(q.Query(query))
		for rows.Next() {
			cells := make([]any, len(must(rows.Columns())))
			into := make([]any, len(cells))
			for i := range cells {
				into[i] = &cells[i]
			}
			if err := rows.Scan(into...); err != nil {
				panic(err)
			}
			fmt.Fprintf(&b, "%q\n", cells)
		}
		if err := rows.Err(); err != nil {
			panic(err)
		}
	}
	return numbers.ReplaceAllString(b.String(), "N")
}
