package runner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	batch "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	apps "k8s.io/client-go/kubernetes/typed/apps/v1"
	batchclient "k8s.io/client-go/kubernetes/typed/batch/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// ErrImage is the error of a command that may not run in the image that its
// repository chose.
var ErrImage = errors.New("the operator of restage does not allow this image")

// kubernetes runs each command as a Job.
type kubernetes struct {
	trees

	settings Settings
	server   context.Context // ends when the server stops
	jobs     batchclient.JobInterface
	pods     coreclient.PodInterface
	owner    *meta.OwnerReference // of the Jobs, nil if there is none
	turns    turns
}

// apiLimit is how long one question to the cluster may take.
const apiLimit = 30 * time.Second

// newKubernetes returns the runner after it has asked the cluster for what it
// needs.
func newKubernetes(ctx context.Context, s Settings, config *rest.Config) (*kubernetes, error) {
	if err := s.Cluster.check(); err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 50, 100 // each command is looked at twice a second
	jobs, err := batchclient.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	pods, err := coreclient.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	k := &kubernetes{
		settings: s, server: ctx,
		jobs: jobs.Jobs(s.Namespace), pods: pods.Pods(s.Namespace),
		turns: make(turns, s.Parallel),
	}
	if k.owner, err = findOwner(ctx, s, config); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	if _, err := k.jobs.List(ctx, meta.ListOptions{Limit: 1}); err != nil {
		return nil, fmt.Errorf("commands cannot be run in Kubernetes here: %w", err)
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, fmt.Errorf("RESTAGE_RUNNER_LISTEN: %w", err)
	}
	go k.serve(k.server, l)
	return k, nil
}

// check returns what is wrong with c.
func (c *Cluster) check() error {
	for _, v := range [][2]string{{"IMAGE", c.Image}, {"HELPER", c.Helper}, {"URL", c.URL}, {"NAMESPACE", c.Namespace}} {
		if v[1] == "" {
			return errors.New("to run commands in Kubernetes, RESTAGE_RUNNER_" + v[0] + " must be set")
		}
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("RESTAGE_RUNNER_URL is %q: it must be a URL such as http://restage:8081", c.URL)
	}
	if c.Cores < 0 || c.Start < 0 {
		return errors.New("RESTAGE_RUNNER_CORES and RESTAGE_RUNNER_START must not be negative")
	}
	return nil
}

// findOwner returns a reference to the Deployment that Jobs go with.
func findOwner(ctx context.Context, s Settings, config *rest.Config) (*meta.OwnerReference, error) {
	if s.Owner == "" {
		return nil, nil
	}
	client, err := apps.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	d, err := client.Deployments(s.Namespace).Get(ctx, s.Owner, meta.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("finding the Deployment that Jobs belong to: %w", err)
	}
	return &meta.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name, UID: d.UID}, nil
}

// Name returns "kubernetes".
func (k *kubernetes) Name() string { return "kubernetes" }

// Run runs c as a Job, or finds the Job that runs it or has. The Job is deleted when
// it is forgotten; at once if it has no key, or fails and the server does not stop.
func (k *kubernetes) Run(ctx context.Context, c Command) (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Image != "" && c.Image != k.settings.Image && !slices.Contains(k.settings.Images, c.Image) {
		return nil, fmt.Errorf("%w: %s; allowed are %s", ErrImage, c.Image, strings.Join(append([]string{k.settings.Image}, k.settings.Images...), ", "))
	}
	if _, err := os.Stat(c.Dir); err != nil {
		return nil, err
	}
	done, err := k.turns.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	l := c.Limits.within(k.settings.Limits)
	job, err := k.start(ctx, &c, l)
	if err != nil {
		return nil, fmt.Errorf("starting a Job: %w", err)
	}
	r := &jobRun{kubernetes: k, job: job, command: &c, limits: l, log: newLog(l.Log, c.Secrets, c.Log)}
	res, err := r.run(ctx)
	if c.Key == "" || err != nil && (ctx.Err() == nil || k.server.Err() == nil) {
		k.delete(ctx, job.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("running the Job %s: %w", job.Name, err)
	}
	return res, nil
}

// start makes the Job of c, or finds it.
func (k *kubernetes) start(ctx context.Context, c *Command, l Limits) (*batch.Job, error) {
	name := k.jobName(c.Key)
	from, err := k.treeURL(ctx, name)
	if err != nil {
		return nil, err
	}
	job := k.job(name, rand.Text(), from, c, l)
	for {
		made, err := k.jobs.Create(ctx, job, meta.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			return made, err
		}
		old, err := k.jobs.Get(ctx, name, meta.GetOptions{})
		if err == nil && old.DeletionTimestamp == nil {
			return old, nil
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
		// It is about to be gone.
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lookAgain):
		}
	}
}

// treeURL returns where the pod of a Job fetches its work tree. Pods may ask nobody
// for the address of a name, so it is in there already.
func (k *kubernetes) treeURL(ctx context.Context, job string) (string, error) {
	u, err := url.Parse(k.settings.URL)
	if err != nil {
		return "", err
	}
	if u.Scheme == "http" {
		addresses, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
		if err != nil {
			return "", fmt.Errorf("RESTAGE_RUNNER_URL: %w", err)
		}
		port := u.Port()
		if port == "" {
			port = "80"
		}
		u.Host = net.JoinHostPort(addresses[0], port)
	}
	return u.JoinPath(treesPath, job).String(), nil
}

// Forget deletes the Job of a key.
func (k *kubernetes) Forget(ctx context.Context, key string) { k.delete(ctx, k.jobName(key)) }

// delete deletes a Job and its pod. If that fails, the Job deletes itself later.
func (k *kubernetes) delete(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiLimit)
	defer cancel()
	k.jobs.Delete(ctx, name, meta.DeleteOptions{PropagationPolicy: new(meta.DeletePropagationBackground)})
}
