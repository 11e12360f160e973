package webhook

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/bot/store/postgrestest"
)

// serveEnv names the database when the test binary is to be a server.
const serveEnv = "RESTAGE_TEST_SERVE"

func TestMain(m *testing.M) {
	if url := os.Getenv(serveEnv); url != "" {
		fmt.Fprintln(os.Stderr, serveUntilKilled(url))
		os.Exit(1)
	}
	os.Exit(postgrestest.Run(m))
}

// serveUntilKilled serves the handler and says on standard output where.
func serveUntilKilled(database string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	st, err := store.Open(context.Background(), database, log)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	return http.Serve(l, New(st, []byte(secret), log))
}

// Of two thousand deliveries, sixteen at a time, each that was answered 202 is in
// the database with its job, however often the process is killed with others under
// way.
func TestKilled(t *testing.T) {
	database := postgrestest.Database(t)
	var accepted []string
	for round := 0; len(accepted) < 2000; round++ {
		got := postUntilKilled(t, database, round)
		t.Logf("round %d: %d accepted", round, len(got))
		accepted = append(accepted, got...)
	}
	db := postgrestest.Open(t, database)
	jobs := jobs(t, db)
	for _, id := range accepted {
		rows := count(t, db, `SELECT count(*) FROM deliveries WHERE id = $1 AND handled_at IS NULL`, id)
		if rows != 1 || jobs[id] != 1 {
			t.Errorf("%s was accepted: %d rows, %d jobs, want one of each", id, rows, jobs[id])
		}
	}
	// Nor is there half of one that was not answered any more.
	rows := count(t, db, `SELECT count(*) FROM deliveries`)
	if rows != len(jobs) || rows < len(accepted) {
		t.Errorf("%d rows and jobs for %d of them, for %d accepted", rows, len(jobs), len(accepted))
	}
}

// jobs returns how many jobs there are to be done for each delivery, by its id.
func jobs(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	rows, err := db.Query(`SELECT coalesce(args ->> 'ids', '["' || (args ->> 'id') || '"]') FROM river_job WHERE state = 'available'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var text []byte
		var ids []string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &ids); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			found[id]++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// postUntilKilled starts a server on the database, posts deliveries to it from
// several goroutines, kills it after 400 were accepted, and returns the
// ids of all that were accepted until the end.
func postUntilKilled(t *testing.T, database string, round int) (accepted []string) {
	url, kill := startServer(t, database)
	var mu sync.Mutex
	var next atomic.Int64
	post := func() bool {
		id := fmt.Sprintf("%d-%d", round, next.Add(1))
		if !postTo(t, url, id) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		accepted = append(accepted, id)
		if len(accepted) == 400 {
			kill()
		}
		return true
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for post() {
			}
		})
	}
	wg.Wait()
	return accepted
}

// postTo posts a delivery and reports whether it was accepted. It was not if the
// server is gone.
func postTo(t *testing.T, url, id string) bool {
	req, err := http.NewRequest(http.MethodPost, url+Path, strings.NewReader(labeled))
	if err != nil {
		t.Error(err)
		return false
	}
	for name, value := range headers(labeled) {
		req.Header.Set(name, value)
	}
	req.Header.Set("X-GitHub-Delivery", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Errorf("%s: %s, want 202", id, resp.Status)
		return false
	}
	return true
}

// startServer runs serveUntilKilled in a process of its own.
func startServer(t testing.TB, database string) (url string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"="+database)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	url, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("the server did not start")
	}
	return strings.TrimSpace(url), func() { cmd.Process.Kill() } // SIGKILL
}
