package store

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/restage/restage/bot/store/postgrestest"
)

// runEnv names the database when the test binary is to run a Store.
const runEnv = "RESTAGE_TEST_RUN"

func TestMain(m *testing.M) {
	if url := os.Getenv(runEnv); url != "" {
		fmt.Fprintln(os.Stderr, runUntilKilled(url))
		os.Exit(1)
	}
	os.Exit(postgrestest.Run(m))
}

// runUntilKilled runs a Store whose handlers say that they began, and never
// return.
func runUntilKilled(url string) error {
	ctx := context.Background()
	s, err := Open(ctx, url, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	return s.Run(ctx, Handlers{
		Delivery: func(_ context.Context, d Delivery) error {
			fmt.Println("delivery " + d.ID)
			select {}
		},
		Reconcile: func(_ context.Context, migration int64) error {
			fmt.Println("look", migration)
			select {}
		},
	})
}

// Work that was under way when the process was killed is done by the next one.
func TestKilled(t *testing.T) {
	url := postgrestest.Database(t)
	s := openAt(t, url)
	add(t, s, "a")
	enqueue(t, s, 7, 0)
	s.Close()

	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), runEnv+"="+url)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	begun := make(map[string]bool)
	for lines := bufio.NewScanner(out); len(begun) < 2 && lines.Scan(); {
		begun[lines.Text()] = true
	}
	cmd.Process.Kill() // SIGKILL
	cmd.Wait()
	if !begun["delivery a"] || !begun["look 7"] {
		t.Fatalf("the process began %v", begun)
	}

	s = openAt(t, url)
	if got := jobs(t, s); got != "delivery/a/running/1 look/7/running/1" {
		t.Errorf("the process left %s", got)
	}
	if postgrestest.Used() {
		endLeases(t, s)
	}
	done := make(chan string)
	stop := start(t, s, Handlers{
		Delivery:  func(_ context.Context, d Delivery) error { done <- "delivery " + d.ID; return nil },
		Reconcile: func(_ context.Context, migration int64) error { done <- fmt.Sprint("look ", migration); return nil },
	})
	for range 2 {
		what := <-done
		if !begun[what] {
			t.Errorf("%s was done again, but had not begun, or twice", what)
		}
		delete(begun, what)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := jobs(t, s); got != "delivery/a/completed/2 look/7/completed/2" {
		t.Errorf("jobs are %s", got)
	}
}
