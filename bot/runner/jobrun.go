package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Times of looking at a Job.
const (
	lookAgain  = 500 * time.Millisecond
	patience   = 2 * time.Minute  // with a cluster that does not answer
	drainLimit = 30 * time.Second // for the rest of the logs, and for a pod that is deleted
)

// A jobRun is one command in the cluster. What becomes of it is looked at again
// and again: whatever happened between two looks, also to the server, shows.
type jobRun struct {
	*kubernetes
	job     *batch.Job
	command *Command
	limits  Limits
	log     *log

	pod  *core.Pod // as it was last seen, nil before
	gone bool      // there is no pod, and will be none
}

// A stopError ends the wait for a command at a limit.
type stopError struct{ Stop }

func (e stopError) Error() string { return "stopped: " + string(e.Stop) }

// run waits for the command to end, and reads what comes of it.
func (r *jobRun) run(ctx context.Context) (*Result, error) {
	if err := r.await(ctx); err != nil {
		return nil, err
	}
	if r.started().IsZero() {
		return r.result("", nil)
	}
	limited, cancel := context.WithDeadlineCause(ctx, r.started().Add(r.command.Timeout), stopError{Timeout})
	defer cancel()
	limited, stop := context.WithCancelCause(limited)
	defer stop(nil)
	logs := r.readLogs(ctx, func() { stop(stopError{Output}) })
	err := r.end(ctx, limited)
	logs.finish(ctx.Err() != nil)
	var at stopError
	switch {
	case errors.As(err, &at):
	case err != nil:
		return nil, err
	case logs.tooMuch:
		at = stopError{Output} // and it ended before it was stopped
	}
	r.log.cut = r.log.cut || logs.tooMuch
	return r.result(at.Stop, logs.files.Bytes())
}

// end waits for the pod to end. If it runs into a limit, it is deleted, and the
// limit returned.
func (r *jobRun) end(ctx, limited context.Context) error {
	if r.over() {
		return nil
	}
	err := r.until(limited, r.over)
	var at stopError
	if !errors.As(err, &at) {
		return err
	}
	r.delete(ctx, r.job.Name)
	ending, cancel := context.WithTimeoutCause(ctx, r.grace(r.limits)+drainLimit, at)
	defer cancel()
	if err := r.until(ending, r.over); err != nil {
		return err // at, if its node does not answer: then the cluster knows that it is to end
	}
	return at
}

// await waits for the command to be started, and gives it its work tree meanwhile.
func (r *jobRun) await(ctx context.Context) error {
	if err := r.until(ctx, func() bool { return true }); err != nil {
		return err
	}
	if r.state(treeContainer).Terminated == nil {
		token := r.job.Spec.Template.Spec.InitContainers[0].Env[0].Value
		defer r.offer(r.job.Name, token, r.command.Dir, time.Now().Add(r.settings.Start))()
	}
	tooLate := errors.New("it took too long")
	ctx, cancel := context.WithTimeoutCause(ctx, r.settings.Start, tooLate)
	defer cancel()
	err := r.until(ctx, func() bool { return r.over() || r.started() != time.Time{} })
	if errors.Is(err, tooLate) {
		return fmt.Errorf("the cluster did not start it within %v: %s", r.settings.Start, r.waiting())
	}
	return err
}

// until looks at the Job until it is as wanted.
func (r *jobRun) until(ctx context.Context, wanted func() bool) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	answered := time.Now()
	for {
		err := r.look(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && wanted():
			return nil
		case err == nil:
			answered = time.Now()
		case apierrors.IsForbidden(err) || time.Since(answered) > patience:
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// look sees how the Job and its pod are.
func (r *jobRun) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	pods, err := r.pods.List(ctx, meta.ListOptions{LabelSelector: batch.ControllerUidLabel + "=" + string(r.job.UID)})
	if err != nil {
		return err
	}
	if len(pods.Items) > 0 {
		r.pod = &pods.Items[0]
		return nil
	}
	if r.pod != nil {
		r.gone = true
	}
	job, err := r.jobs.Get(ctx, r.job.Name, meta.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && job.UID != r.job.UID {
		r.gone = true
		return nil
	}
	if err != nil {
		return err
	}
	r.job = job
	r.gone = r.gone || r.failure() != nil
	return nil
}

// failure returns why the Job has failed, nil if it has not.
func (r *jobRun) failure() *batch.JobCondition {
	for i, c := range r.job.Status.Conditions {
		if c.Type == batch.JobFailed && c.Status == core.ConditionTrue {
			return &r.job.Status.Conditions[i]
		}
	}
	return nil
}

// over reports whether nothing of the pod runs any more.
func (r *jobRun) over() bool {
	return r.gone || r.pod != nil && (r.pod.Status.Phase == core.PodSucceeded || r.pod.Status.Phase == core.PodFailed)
}

// state returns the state of a container.
func (r *jobRun) state(name string) core.ContainerState {
	if r.pod == nil {
		return core.ContainerState{}
	}
	for _, list := range [][]core.ContainerStatus{r.pod.Status.ContainerStatuses, r.pod.Status.InitContainerStatuses} {
		for _, s := range list {
			if s.Name == name {
				return s.State
			}
		}
	}
	return core.ContainerState{}
}

// started returns when the command was started, zero if it was not.
func (r *jobRun) started() time.Time {
	switch s := r.state(commandContainer); {
	case s.Running != nil:
		return s.Running.StartedAt.Time
	case s.Terminated != nil:
		return s.Terminated.StartedAt.Time
	}
	return time.Time{}
}

// waiting says what a pod waits for.
func (r *jobRun) waiting() string {
	if r.pod == nil {
		return "the Job has no pod"
	}
	for _, name := range []string{treeContainer, filesContainer, commandContainer} {
		s := r.state(name)
		if s.Waiting != nil && s.Waiting.Reason != "PodInitializing" {
			return strings.TrimSpace(name + ": " + s.Waiting.Reason + " " + s.Waiting.Message)
		}
		if s.Running != nil && name == treeContainer {
			return "the work tree is not fetched; can pods reach " + r.settings.URL + "?"
		}
	}
	for _, c := range r.pod.Status.Conditions {
		if c.Type == core.PodScheduled && c.Status != core.ConditionTrue && c.Message != "" {
			return c.Message
		}
	}
	return "the pod is " + strings.ToLower(string(r.pod.Status.Phase))
}

// result returns how the command ended, if it did not fail to run.
func (r *jobRun) result(stopped Stop, files []byte) (*Result, error) {
	ended := r.state(commandContainer).Terminated
	failed := r.failure()
	switch {
	case stopped != "":
	case failed != nil && failed.Reason == batch.JobReasonDeadlineExceeded:
		stopped = Timeout
	case r.disrupted():
		return nil, fmt.Errorf("the cluster ended its pod: %s", strings.TrimSpace(r.pod.Status.Reason+" "+r.pod.Status.Message))
	case r.pod != nil && r.pod.Status.Reason == "Evicted":
		stopped = Disk
	case ended == nil:
		return nil, r.neverRan()
	case ended.Reason == "OOMKilled":
		stopped = Memory
	}
	res := &Result{Status: 128 + int(syscall.SIGKILL), Stopped: stopped, Log: r.log.close(), Cut: r.log.cut}
	if ended != nil {
		res.Status, res.Duration = int(ended.ExitCode), ended.FinishedAt.Sub(ended.StartedAt.Time)
	} else if start := r.started(); !start.IsZero() {
		res.Duration = time.Since(start)
	}
	res.Files, res.FileErrors = readBack(files, r.command.Files, r.limits.Report)
	return res, writeBack(r.command.Dir, res.Files)
}

// disrupted reports whether the cluster ended the pod for its own reasons: its
// node is drained or short of something, or somebody deleted the pod.
func (r *jobRun) disrupted() bool {
	if r.pod == nil {
		return false
	}
	for _, c := range r.pod.Status.Conditions {
		if c.Type == core.DisruptionTarget && c.Status == core.ConditionTrue {
			return true
		}
	}
	return r.pod.DeletionTimestamp != nil
}

// neverRan returns why the command did not run.
func (r *jobRun) neverRan() error {
	if r.pod == nil || r.gone {
		if f := r.failure(); f != nil {
			return fmt.Errorf("it failed: %s %s", f.Reason, f.Message)
		}
		return errors.New("it was deleted")
	}
	if t := r.state(treeContainer).Terminated; t != nil && t.ExitCode != 0 {
		return fmt.Errorf("its pod did not get the work tree: %s", strings.TrimSpace(t.Message))
	}
	return fmt.Errorf("its pod ended: %s", strings.TrimSpace(r.pod.Status.Reason+" "+r.pod.Status.Message))
}
