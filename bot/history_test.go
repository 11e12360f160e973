package bot_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// What a repository was before costs nothing: of a long history, restage downloads
// the newest commits alone. With 16 MB of it here, and 10 GB in make test-proof.
func TestLongHistory(t *testing.T) {
	t.Parallel()
	megabytes := 16
	if proof() {
		megabytes = 10_000
	}
	w := newWorld(t, shop)
	w.grow(megabytes)
	var received atomic.Int64
	w.out = transport(func(r *http.Request) (*http.Response, error) {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			res.Body = &meter{res.Body, &received}
		}
		return res, err
	})
	w.startBot()
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	for _, branch := range branches {
		w.merge(branch)
		w.settle(nil)
	}
	contain(t, w.status(issue), "Everything is merged.")
	t.Logf("%d kB downloaded of a repository of %d MB", received.Load()/1000, megabytes)
	if received.Load() > 2_000_000 {
		t.Errorf("%d bytes downloaded", received.Load())
	}
}

// grow makes that many commits on main, each with another megabyte that cannot be
// made smaller, and takes it away again.
func (w *world) grow(megabytes int) {
	w.t.Helper()
	cmd := exec.Command("git", "-c", "core.compression=0", "-c", "core.bigFileThreshold=1", "fast-import", "--quiet")
	cmd.Dir = must(w.RepositoryDir("ada", "shop"))
	in := must(cmd.StdinPipe())
	check(w.t, cmd.Start())
	out := bufio.NewWriterSize(in, 1<<20)
	noise := rand.NewChaCha8([32]byte{})
	for i := range megabytes {
		fmt.Fprintf(out, "commit refs/heads/main\ncommitter Ada <ada@example.com> %d +0000\ndata 4\nGrow\n", began.Unix()+int64(i)+1)
		if i == 0 {
			io.WriteString(out, "from refs/heads/main^0\n")
		}
		io.WriteString(out, "M 100644 inline data.bin\ndata 1000000\n")
		_, err := io.CopyN(out, noise, 1_000_000)
		check(w.t, err)
		io.WriteString(out, "\n")
	}
	fmt.Fprintf(out, "commit refs/heads/main\ncommitter Ada <ada@example.com> %d +0000\ndata 6\nShrink\nD data.bin\n\n", began.Unix()+int64(megabytes)+1)
	check(w.t, out.Flush())
	check(w.t, in.Close())
	check(w.t, cmd.Wait())
	same(w.t, "commits", strings.TrimSpace(w.git("rev-list", "--count", "main")), megabytes+2)
	w.pushed()
}

// A meter counts what is read.
type meter struct {
	io.ReadCloser
	n *atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.n.Add(int64(n))
	return n, err
}
