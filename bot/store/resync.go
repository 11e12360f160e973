package store

import (
	"context"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// resyncArgs is the job of looking for what was missed. It is not handed out
// again while it waits or is worked on, so one that takes long, or that a rate
// limit puts off, does not pile up.
type resyncArgs struct{}

// Kind is River's name of the job.
func (resyncArgs) Kind() string { return "resync" }

// InsertOpts is how River hands out the job.
func (resyncArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue:       resyncQueue,
		MaxAttempts: tries,
		UniqueOpts: river.UniqueOpts{ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
			rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	}
}

// resyncs returns what River does periodically: of several processes, the one
// that leads hands the job out, and any one of them takes it.
func resyncs(h Handlers) []*river.PeriodicJob {
	if h.Resync == nil {
		return nil
	}
	job := func() (river.JobArgs, *river.InsertOpts) { return resyncArgs{}, nil }
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(h.ResyncEvery), job, &river.PeriodicJobOpts{RunOnStart: true})}
}

type resyncWorker struct {
	river.WorkerDefaults[resyncArgs]
	handle func(context.Context) error
}

// Timeout is how long River lets Work run.
func (w *resyncWorker) Timeout(*river.Job[resyncArgs]) time.Duration { return resyncLimit }

// Work carries out one resync.
func (w *resyncWorker) Work(ctx context.Context, job *river.Job[resyncArgs]) error {
	return cutShort(ctx, w.handle(ctx))
}
