// Package githubtest is a GitHub in this process: the REST API, git over HTTP
// and webhooks, as far as an app that works on issues, pull requests and check
// runs and the people who use it need them. The demo and the end-to-end tests
// run against it.
//
// It is meant to be trusted, so it refuses what GitHub refuses: each token may
// do what the manifest of its app asks for and no more, requests are checked
// and answered with GitHub's status codes and error bodies, and pull requests
// are merged by git.
//
// Everything lives in one folder: a bare git repository for each repository,
// and a SQLite file with the rest. Refs and commits are read from git each time
// and held nowhere else. The process may be killed at any moment: a request
// that was answered has been stored, a change that reached git without reaching
// the store is recognised when the folder is opened again, and a webhook that
// was not delivered by then is delivered then.
package githubtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options are the settings of a Server. The zero value is useful.
type Options struct {
	// URL is where clients reach the server, without a slash at the end. It
	// is in all links and may lead through a proxy. The default is the
	// address given to Start.
	URL string

	// Now is the clock; time.Now when nil.
	Now func() time.Time

	// Middleware, if not nil, wraps the handler: to record requests, to
	// check them, or to let some fail.
	Middleware func(http.Handler) http.Handler

	// Webhooks is the way of webhooks to the apps; http.DefaultTransport when
	// nil.
	Webhooks http.RoundTripper

	// RateLimit is the number of requests a token may make in an hour; 5000
	// when 0.
	RateLimit int

	// WriteLimit is the number of requests that change something which a token
	// may make in a minute, GitHub's secondary limit on content; none when 0.
	// GitHub itself allows some 80.
	WriteLimit int

	// Key is the key of every app; each gets one of its own when nil, which
	// takes a quarter of a second.
	Key *rsa.PrivateKey

	// Log gets what goes wrong inside; nothing is logged when nil.
	Log *slog.Logger
}

// A Server is an in-process GitHub.
type Server struct {
	dir  string
	opts Options
	db   *database
	lock *os.File // locked while this process or a git that it started uses dir
	mux  *http.ServeMux

	mu     sync.Mutex // held for each transaction
	urlMu  sync.Mutex
	url    string
	limits limits

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	senders senders
}

// Open opens the GitHub in the folder dir, which is created when missing and
// must not be in use by another process. What an earlier process left half done
// is brought to its end.
func Open(dir string, opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.RateLimit == 0 {
		opts.RateLimit = 5000
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "repositories"), 0o700); err != nil {
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	db, err := openStore(dir)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("open the store in %s: %w", dir, err)
	}
	s := &Server{dir: dir, opts: opts, db: db, lock: lock, url: strings.TrimSuffix(opts.URL, "/")}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.mux = s.routes()
	if err := s.resume(); err != nil {
		s.Close()
		return nil, fmt.Errorf("resume %s: %w", dir, err)
	}
	return s, nil
}

// lockFolder waits until no other process uses dir. A git process that outlives
// its killed parent holds the lock too, for the moment that it needs.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for range 40 {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s is in use by another process: %w", dir, err)
	}
	return f, nil
}

// resume draws the consequences of what reached git but not the store.
func (s *Server) resume() error {
	stale := func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".lock") {
			return os.Remove(path)
		}
		return err
	}
	if err := filepath.WalkDir(filepath.Join(s.dir, "repositories"), stale); err != nil {
		return err
	}
	return s.do(context.Background(), func(t *tx) error {
		for _, r := range all[repository](t) {
			if err := t.settle(r); err != nil {
				return fmt.Errorf("%s: %w", r.fullName(), err)
			}
		}
		return nil
	})
}

// Start serves on listen, such as "127.0.0.1:0", until Close.
func (s *Server) Start(listen string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	s.urlMu.Lock()
	if s.url == "" {
		s.url = "http://" + l.Addr().String()
	}
	s.urlMu.Unlock()
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	s.running.Go(func() { srv.Serve(l) })
	context.AfterFunc(s.ctx, func() { srv.Close() })
	return nil
}

// URL returns where clients reach the server, without a slash at the end.
func (s *Server) URL() string {
	s.urlMu.Lock()
	defer s.urlMu.Unlock()
	return s.url
}

// Handler returns the handler for everything the server answers: the API under
// /api/v3/ and /, git under /OWNER/NAME.git/.
func (s *Server) Handler() http.Handler {
	var h http.Handler = http.HandlerFunc(s.serveHTTP)
	if s.opts.Middleware != nil {
		h = s.opts.Middleware(h)
	}
	return h
}

// Close stops serving and delivering. Webhooks not yet delivered wait in the
// folder.
func (s *Server) Close() error {
	s.cancel()
	s.running.Wait()
	s.mu.Lock() // wait for the request under way
	defer s.mu.Unlock()
	return errors.Join(s.db.Close(), s.lock.Close())
}

func (s *Server) now() time.Time { return s.opts.Now().UTC().Truncate(time.Second) }

// newGUID returns a random UUID.
func newGUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
