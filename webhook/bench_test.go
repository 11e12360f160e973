package webhook

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// How BenchmarkReceiver measures.
const (
	connections = 32
	warm        = 2000  // deliveries before
	measured    = 10000 // deliveries
	rounds      = 3     // of each server in turn; the best counts
	payloadSize = 12000
)

// BenchmarkReceiver posts signed deliveries to a server that stores each before
// it answers, and to one of Probot, which stores none: a process each. It reports
// deliveries a second, the time that 99 of 100 take at most, and how far ahead
// restage is. "make bench-receiver" installs Probot and runs it.
func BenchmarkReceiver(b *testing.B) {
	modules, err := filepath.Abs("../.cache/probot")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "node_modules/probot")); err != nil {
		b.Fatal("Probot is not there: use make bench-receiver")
	}
	for b.Loop() {
		restage, kill := startServer(b, "sqlite:"+filepath.Join(b.TempDir(), "restage.db"))
		probot := startProbot(b, modules)
		var best [2]result
		for range rounds {
			for i, target := range []string{restage + Path, probot} {
				load(b, target, warm)
				if r := load(b, target, measured); r.rate > best[i].rate {
					best[i] = r
				}
			}
		}
		kill()
		b.ReportMetric(best[0].rate, "restage/s")
		b.ReportMetric(best[1].rate, "probot/s")
		b.ReportMetric(best[0].rate/best[1].rate, "times")
		b.ReportMetric(float64(best[0].p99.Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(best[1].p99.Microseconds())/1000, "probot-p99-ms")
	}
}

// startProbot runs the app in testdata and returns where it takes deliveries.
func startProbot(b *testing.B, modules string) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command("node", "testdata/probot.mjs")
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "PROBOT="+modules, "SECRET="+secret, "PORT="+port)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "http://") {
			go io.Copy(io.Discard, out)
			return lines.Text()
		}
	}
	b.Fatal("Probot did not start")
	return ""
}

// A result is what load measured.
type result struct {
	rate float64       // deliveries a second
	p99  time.Duration // that 99 of 100 were answered in
}

var posted atomic.Int64 // tells deliveries apart

// load posts n deliveries over many connections at once, as plainly as can be:
// whoever posts takes from the same processors.
func load(b *testing.B, target string, n int) result {
	b.Helper()
	u, err := url.Parse(target)
	if err != nil {
		b.Fatal(err)
	}
	body := strings.TrimSuffix(labeled, "}") + `,"issue":{"body":"` + strings.Repeat("x", payloadSize-len(labeled)) + `"}}`
	before := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-GitHub-Event: issues\r\nX-Hub-Signature-256: %s\r\nX-GitHub-Delivery: ",
		u.Path, u.Host, len(body), sign(sha256.New, "sha256=", secret, body))
	var left atomic.Int64
	left.Store(int64(n))
	times := make([][]time.Duration, connections)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range connections {
		wg.Go(func() {
			conn, err := net.Dial("tcp", u.Host)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			var req bytes.Buffer
			for left.Add(-1) >= 0 {
				req.Reset()
				fmt.Fprintf(&req, "%s%012d-%d\r\n\r\n%s", before, posted.Add(1), os.Getpid(), body)
				sent := time.Now()
				if _, err := conn.Write(req.Bytes()); err != nil {
					b.Error(err)
					return
				}
				resp, err := http.ReadResponse(answers, nil)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				if resp.StatusCode/100 != 2 {
					b.Errorf("%s: %s", target, resp.Status)
					return
				}
				times[i] = append(times[i], time.Since(sent))
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	if len(all) != n {
		b.Fatalf("%d of %d deliveries were answered", len(all), n)
	}
	return result{float64(n) / took.Seconds(), all[n*99/100]}
}
