package store

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A resync comes on start and then again and again, one at a time: when it
// fails, and when it takes longer than the interval.
func TestResync(t *testing.T) {
	s := openTest(t)
	began, end := make(chan bool), make(chan error)
	stop := start(t, s, Handlers{ResyncEvery: 10 * time.Millisecond, Resync: func(context.Context) error {
		began <- true
		return <-end
	}})
	for _, err := range []error{nil, nil, errors.New("no way to GitHub"), Snooze(time.Millisecond), nil} {
		<-began
		if n := query(t, s, `SELECT count(*) FROM river_job WHERE kind = 'resync' AND state <> 'completed'`); n != "1" {
			t.Errorf("%s resyncs at once", n)
		}
		end <- err
	}
	<-began
	go func() { end <- nil }()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := query(t, s, `SELECT count(*) FROM river_job WHERE kind = 'resync' AND errors IS NOT NULL`); n != "1" {
		t.Errorf("%s resyncs failed, want 1", n)
	}
}

// Each start looks for what was missed before, however long the interval is.
func TestResyncOnStart(t *testing.T) {
	s := openTest(t)
	for range 2 {
		began := make(chan bool, 1)
		stop := start(t, s, Handlers{ResyncEvery: time.Hour, Resync: func(context.Context) error {
			began <- true
			return nil
		}})
		<-began
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}
