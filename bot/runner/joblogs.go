package runner

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
)

// jobLogs are the logs of a pod while they are read: that of the command, and that
// of the files which it gives back.
type jobLogs struct {
	reading sync.WaitGroup
	over    chan struct{} // closed when the pod is
	stop    context.CancelFunc

	// Once they are finished:
	tooMuch bool // the command wrote more than it may
	files   bytes.Buffer
}

// readLogs begins to read the logs. It calls overflow when there is too much.
func (r *jobRun) readLogs(ctx context.Context, overflow func()) *jobLogs {
	l := &jobLogs{over: make(chan struct{})}
	// What was written until the command is ended, is of interest then, too.
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	pod := r.pod.Name
	l.reading.Go(func() {
		if l.tooMuch = r.readLog(ctx, pod, commandContainer, r.log, int64(r.limits.Output), l.over); l.tooMuch {
			overflow()
		}
	})
	if len(r.command.Files) > 0 {
		l.reading.Go(func() { r.readLog(ctx, pod, filesContainer, &l.files, 2*int64(r.limits.Report)+1<<20, l.over) })
	}
	return l
}

// finish reads what is left after the end of the pod, or gives it up.
func (l *jobLogs) finish(giveUp bool) {
	close(l.over)
	if giveUp {
		l.stop()
	}
	late := time.AfterFunc(drainLimit, l.stop)
	l.reading.Wait()
	late.Stop()
	l.stop()
}

// readLog copies the log of a container to w, as it grows, until the pod is over.
// It reports whether there was more than limit. A connection may be cut at any
// time; then the log is read from its beginning again, and what is known left out.
func (r *jobRun) readLog(ctx context.Context, pod, container string, w io.Writer, limit int64, over <-chan struct{}) (tooMuch bool) {
	var seen int64
	for {
		last := closed(over)
		stream, err := r.pods.GetLogs(pod, &core.PodLogOptions{Container: container, Follow: !last}).Stream(ctx)
		if err == nil {
			if _, err = io.CopyN(io.Discard, stream, seen); err == nil {
				n, _ := io.Copy(w, io.LimitReader(stream, limit+1-seen))
				seen += n
			}
			stream.Close()
		}
		if seen > limit {
			return true
		}
		if last {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-over:
		case <-time.After(lookAgain):
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
