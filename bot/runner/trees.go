package runner

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// treesPath is where the links begin.
const treesPath = "/trees/"

// transferLimit is how long fetching a work tree may take.
const transferLimit = 10 * time.Minute

// trees are the work trees that wait for their pods. Each is given out once. They
// are given out at an address of their own, because what a pod may reach, the
// command in it may reach, too.
type trees struct {
	mu   sync.Mutex
	wait map[string]offer
}

// An offer is a work tree and what its pod has to show.
type offer struct {
	token [sha256.Size]byte // hashed: then comparing tells nothing of its length
	dir   string
	until time.Time
}

// offer lets the pod of a Job fetch dir until it has, the time has come, or the
// function that is returned is called.
func (t *trees) offer(job, token, dir string, until time.Time) (withdraw func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wait == nil {
		t.wait = map[string]offer{}
	}
	t.wait[job] = offer{sha256.Sum256([]byte(token)), dir, until}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.wait, job)
	}
}

// take returns the work tree of a Job to who knows its token, once.
func (t *trees) take(job, token string) (dir string, ok bool) {
	sum := sha256.Sum256([]byte(token))
	t.mu.Lock()
	defer t.mu.Unlock()
	o, ok := t.wait[job]
	if subtle.ConstantTimeCompare(sum[:], o.token[:]) != 1 || !ok || time.Now().After(o.until) {
		return "", false
	}
	delete(t.wait, job)
	return o.dir, true
}

// serve gives out work trees on l until ctx ends.
func (t *trees) serve(ctx context.Context, l net.Listener) {
	server := &http.Server{
		Handler:        t,
		ReadTimeout:    10 * time.Second,
		WriteTimeout:   transferLimit,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       stdlog.New(io.Discard, "", 0), // what strangers send is no news
	}
	context.AfterFunc(ctx, func() { server.Close() })
	server.Serve(l)
}

// ServeHTTP gives a pod its work tree, as a tar archive. Who asks for anything else
// does not learn what there is.
func (t *trees) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	job := strings.TrimPrefix(r.URL.Path, treesPath)
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.Method != http.MethodGet || !bearer {
		http.NotFound(w, r)
		return
	}
	dir, ok := t.take(job, token)
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-tar")
	w.Header().Set("Cache-Control", "no-store")
	http.NewResponseController(w).Flush() // the pod learns at once that this was its turn
	if err := writeTree(w, dir); err != nil {
		panic(http.ErrAbortHandler) // the pod must not take a part for the whole
	}
}

// writeTree writes the files, folders and links below dir.
func writeTree(w http.ResponseWriter, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	archive := tar.NewWriter(w)
	if err := archive.AddFS(root.FS()); err != nil {
		return err
	}
	return archive.Close()
}
