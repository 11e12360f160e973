//go:build cluster

package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// inCluster returns settings for a namespace of the cluster, and how the bot
// reaches it: with the rights that the chart gives.
func inCluster(t testing.TB) (Settings, *rest.Config) {
	t.Helper()
	c := cluster(t)
	listen := address(t)
	config := rest.CopyConfig(c.admin)
	config.BearerToken = "bot"
	s := Settings{Network: true, Cluster: Cluster{
		Image: "restage.test/python", Images: []string{noImage, tooMuchImage, fullImage, drainedImage, cutImage},
		Helper: "restage.test/restage", Listen: listen, URL: "http://" + listen, Namespace: c.namespace(t),
	}}
	if err := s.complete(); err != nil {
		t.Fatal(err)
	}
	return s, config
}

// kubeRunner returns a runner whose server stops with the test.
func kubeRunner(t testing.TB, s Settings, config *rest.Config) *kubernetes {
	t.Helper()
	k, err := newKubernetes(t.Context(), s, config)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKubernetesResult(t *testing.T) {
	s, config := inCluster(t)
	k := kubeRunner(t, s, config)
	for _, test := range []struct {
		name    string
		command Command
		status  int
		log     string
	}{
		{"success", Command{Shell: "echo out; echo err >&2"}, 0, "out\nerr\n"},
		{"failure", Command{Shell: "exit 3"}, 3, ""},
		{"signal", Command{Shell: "kill -ABRT $$"}, 134, ""},
		{"dollars are the shell's", Command{Shell: `HOME() { echo called; }; echo "$(pwd) $(HOME) $$(x)" | sed 's/[0-9]*(x)/PID/'`}, 0, "/repo called PID\n"},
		{"arguments are not for the shell", Command{Args: []string{"echo", "$HOME", "$(HOME)", "$$"}}, 0, "$HOME $(HOME) $$\n"},
		{"no such program", Command{Args: []string{"nowhere"}}, 127, "sh: 1: exec: nowhere: not found\n"},
		{"environment", Command{Shell: `echo "$COLOR $HOME $CI"; env | grep -c TOKEN`, Env: map[string]string{"COLOR": "$(HOME) $$"}}, 1, "$(HOME) $$ /tmp true\n0\n"},
		{"files and links", Command{Shell: "cat pkg/a.py link; test -x pkg/a.py && echo > new && echo > /tmp/new"}, 0, "import b\nimport b\n"},
		{"nothing else is written", Command{Shell: "echo > /usr/new || echo > /new || echo no"}, 0, "/bin/sh: 1: cannot create /usr/new: Read-only file system\n/bin/sh: 1: cannot create /new: Read-only file system\nno\n"},
		{"limits", Command{Shell: "ulimit -c; ulimit -f; ulimit -t", Limits: Limits{CPU: 90 * time.Second, FileSize: 1 << 20}}, 0, "0\n2048\n90\n"},
		{"secrets", Command{Shell: "echo the p'a'ssword", Secrets: []string{"password"}}, 0, "the ***\n"},
		{"control codes", Command{Shell: `printf '\033[31mred\033[0m\033]0;title\a\n'`}, 0, "red\n"},
		{"a log that is cut off", Command{Shell: "for i in 1 2 3; do echo $i; sleep 0.7; done", Image: cutImage}, 0, "1\n2\n3\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.command
			var live bytes.Buffer
			c.Log, c.Timeout, c.Dir = &live, time.Minute, work(t, map[string]string{"pkg/a.py": "import b\n"})
			if err := os.Symlink("pkg/a.py", filepath.Join(c.Dir, "link")); err != nil {
				t.Fatal(err)
			}
			res, err := k.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if res.Status != test.status || res.Log != test.log || res.Stopped != "" || res.Cut {
				t.Errorf("got %+v", res)
			}
			if live.String() != res.Log {
				t.Errorf("while it ran the log was %q", live.String())
			}
		})
	}
	// A Job is deleted when it is done.
	jobs, err := cluster(t).client.BatchV1().Jobs(s.Namespace).List(t.Context(), meta.ListOptions{})
	if err != nil || len(jobs.Items) != 0 {
		t.Errorf("%d Jobs are left, %v", len(jobs.Items), err)
	}
	eventually(t, func() error {
		pods, err := cluster(t).client.CoreV1().Pods(s.Namespace).List(t.Context(), meta.ListOptions{})
		if err == nil && len(pods.Items) > 0 {
			err = fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return err
	})
}

func TestKubernetesFiles(t *testing.T) {
	s, config := inCluster(t)
	res, err := kubeRunner(t, s, config).Run(t.Context(), Command{
		Dir: work(t, map[string]string{"pkg/a.py": "import b\n"}),
		Shell: `sed -i s/b/c/ pkg/a.py; mkdir out; echo '<ok/>' > out/report.xml
			ln -s /proc/self/environ link; ln -s /etc/passwd out/passwd; mkfifo pipe; head -c 100k /dev/zero > large; exit 1`,
		Files:   []string{"pkg/a.py", "out/report.xml", "missing", "pipe", "large", "out", "link", "out/passwd", "-x"},
		Limits:  Limits{Report: 64 << 10},
		Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{"pkg/a.py": []byte("import c\n"), "out/report.xml": []byte("<ok/>\n")}
	if res.Status != 1 || !maps.EqualFunc(res.Files, want, bytes.Equal) {
		t.Errorf("got %+v, want %q", res, want)
	}
	for name, says := range map[string]string{"pipe": "no ordinary file", "large": "more than the", "out": "no ordinary file", "link": "symbolic link", "out/passwd": "symbolic link"} {
		if err := res.FileErrors[name]; err == nil || !strings.Contains(err.Error(), says) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"missing", "-x"} {
		if err := res.FileErrors[name]; !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKubernetesStops(t *testing.T) {
	s, config := inCluster(t)
	k := kubeRunner(t, s, config)
	for _, test := range []struct {
		name    string
		stop    Stop
		command Command
	}{
		{"time", Timeout, Command{Shell: "trap '' TERM; echo begun; while :; do sleep 0.1; done", Timeout: 2 * time.Second}},
		{"output", Output, Command{Shell: "echo begun; yes", Limits: Limits{Output: 64 << 10, Log: 8 << 10}}},
		{"output, and ended", Output, Command{Shell: "echo begun; yes | head -c 70000", Limits: Limits{Output: 64 << 10, Log: 8 << 10}}},
		{"memory", Memory, Command{Shell: "echo begun", Image: tooMuchImage}},
		{"disk", Disk, Command{Shell: "echo begun", Image: fullImage}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.command
			c.Dir = work(t, nil)
			if c.Timeout == 0 {
				c.Timeout = time.Minute
			}
			res, err := k.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if res.Stopped != test.stop || res.OK() || !strings.HasPrefix(res.Log, "begun\n") || res.Cut != (test.stop == Output) {
				t.Errorf("got %.300s, stopped by %q with %d, cut %v", res.Log, res.Stopped, res.Status, res.Cut)
			}
		})
	}
}

func TestKubernetesMistakes(t *testing.T) {
	s, config := inCluster(t)
	s.Start = 3 * time.Second
	k := kubeRunner(t, s, config)
	for want, c := range map[string]Command{
		"does not allow this image: busybox; allowed are restage.test/python, restage.test/missing,": {Image: "busybox"},
		"the cluster did not start it within 3s: command: ImagePullBackOff no such image":            {Image: noImage},
		"the cluster ended its pod: Evicted The node was low on resource":                            {Image: drainedImage},
		"no such file": {Dir: "/nowhere"},
	} {
		c.Shell, c.Timeout = "echo ran", time.Minute
		if c.Dir == "" {
			c.Dir = work(t, nil)
		}
		_, err := k.Run(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, ErrImage) != (c.Image == "busybox") {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	for want, spoil := range map[string]func(*Settings){
		"RESTAGE_RUNNER_IMAGE must be set":     func(s *Settings) { s.Image = "" },
		"RESTAGE_RUNNER_HELPER must be set":    func(s *Settings) { s.Helper = "" },
		"RESTAGE_RUNNER_NAMESPACE must be set": func(s *Settings) { s.Namespace = "" },
		`RESTAGE_RUNNER_URL is "restage:80"`:   func(s *Settings) { s.URL = "restage:80" },
		"RESTAGE_RUNNER_LISTEN":                func(s *Settings) { s.Listen = "nowhere" },
		"the Deployment that Jobs belong to":   func(s *Settings) { s.Owner = "missing" },
		"forbidden":                            func(s *Settings) { s.Namespace = "kube-system" },
	} {
		s, config := inCluster(t)
		spoil(&s)
		if _, err := newKubernetes(t.Context(), s, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestJob reads what the cluster has made of a command.
func TestJob(t *testing.T) {
	s, config := inCluster(t)
	c := cluster(t)
	s.Owner, s.Image, s.RuntimeClass, s.PullSecrets = "restage", noImage, "", []string{"pull"}
	labels := map[string]string{"app": "restage"}
	deployment, err := c.client.AppsV1().Deployments(s.Namespace).Create(t.Context(), &apps.Deployment{
		ObjectMeta: meta.ObjectMeta{Name: "restage"},
		Spec: apps.DeploymentSpec{
			Selector: &meta.LabelSelector{MatchLabels: labels},
			Template: core.PodTemplateSpec{ObjectMeta: meta.ObjectMeta{Labels: labels}, Spec: core.PodSpec{Containers: []core.Container{{Name: "x", Image: "x"}}}},
		},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k := kubeRunner(t, s, config)
	ctx, cancel := context.WithCancel(t.Context())
	var runs sync.WaitGroup
	for _, network := range []bool{false, true} {
		runs.Go(func() {
			k.Run(ctx, Command{Shell: "true", Dir: work(t, nil), Timeout: time.Minute, Network: network, Files: []string{"x"}})
		})
	}
	defer runs.Wait()
	defer cancel()
	var pods *core.PodList
	eventually(t, func() error {
		pods, err = c.client.CoreV1().Pods(s.Namespace).List(t.Context(), meta.ListOptions{LabelSelector: ownerLabel + "=restage"})
		if err == nil && len(pods.Items) != 2 {
			err = fmt.Errorf("%d pods", len(pods.Items))
		}
		return err
	})
	for _, pod := range pods.Items {
		checkPod(t, &pod)
	}
	if a, b := pods.Items[0].Labels[networkLabel], pods.Items[1].Labels[networkLabel]; a == b {
		t.Errorf("both pods have the network: %s", a)
	}
	jobs, err := c.client.BatchV1().Jobs(s.Namespace).List(t.Context(), meta.ListOptions{})
	if err != nil || len(jobs.Items) != 2 {
		t.Fatal(jobs, err)
	}
	for _, job := range jobs.Items {
		checkJob(t, &job, deployment)
	}
	// They go with the server.
	if err := c.client.AppsV1().Deployments(s.Namespace).Delete(t.Context(), "restage", meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		jobs, err := c.client.BatchV1().Jobs(s.Namespace).List(t.Context(), meta.ListOptions{})
		if err == nil && len(jobs.Items) > 0 {
			err = errors.New("the Jobs outlive the Deployment")
		}
		return err
	})
}

func checkJob(t *testing.T, job *batch.Job, owner *apps.Deployment) {
	t.Helper()
	if o := job.OwnerReferences; len(o) != 1 || o[0].UID != owner.UID || o[0].Kind != "Deployment" {
		t.Errorf("the owner is %+v", o)
	}
	if *job.Spec.BackoffLimit != 0 || *job.Spec.TTLSecondsAfterFinished != 3600 || *job.Spec.ActiveDeadlineSeconds != 600+60+20+60 {
		t.Errorf("%d tries, kept for %ds, with a deadline of %ds", *job.Spec.BackoffLimit, *job.Spec.TTLSecondsAfterFinished, *job.Spec.ActiveDeadlineSeconds)
	}
}

func checkPod(t *testing.T, pod *core.Pod) {
	t.Helper()
	s := pod.Spec
	if *s.AutomountServiceAccountToken || *s.EnableServiceLinks || s.HostNetwork || s.HostPID || s.HostIPC || s.RestartPolicy != core.RestartPolicyNever || *s.TerminationGracePeriodSeconds != 10 {
		t.Errorf("the pod is %+v", s)
	}
	if c := s.SecurityContext; !*c.RunAsNonRoot || *c.RunAsUser != 1000 || *c.RunAsGroup != 1000 || *c.FSGroup != 1000 || c.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("it runs as %+v", c)
	}
	offline := s.DNSPolicy == core.DNSNone && slices.Equal(s.DNSConfig.Nameservers, []string{"127.0.0.1"})
	if offline == (pod.Labels[networkLabel] == "true") {
		t.Errorf("network %s with DNS %s", pod.Labels[networkLabel], s.DNSPolicy)
	}
	if len(s.ImagePullSecrets) != 1 || s.ImagePullSecrets[0].Name != "pull" {
		t.Errorf("pull secrets %v", s.ImagePullSecrets)
	}
	sizes := map[string]string{}
	for _, v := range s.Volumes {
		if v.EmptyDir == nil || v.EmptyDir.Medium != "" {
			t.Errorf("volume %+v", v)
			continue
		}
		sizes[v.Name] = v.EmptyDir.SizeLimit.String()
	}
	if want := map[string]string{"repo": "4Gi", "tmp": "1Gi", "ready": "1Mi"}; !maps.Equal(sizes, want) {
		t.Errorf("volumes %v, want %v", sizes, want)
	}
	limits := map[string]string{}
	for _, c := range append(s.InitContainers, s.Containers...) {
		sc := c.SecurityContext
		if *sc.AllowPrivilegeEscalation || *sc.Privileged || !*sc.ReadOnlyRootFilesystem || !slices.Equal(sc.Capabilities.Drop, []core.Capability{"ALL"}) || len(sc.Capabilities.Add) != 0 {
			t.Errorf("%s may do %+v", c.Name, sc)
		}
		if hasToken := strings.Contains(fmt.Sprint(c.Env), tokenVariable); hasToken != (c.Name == treeContainer) {
			t.Errorf("%s has the token: %v", c.Name, hasToken)
		}
		r := c.Resources.Limits
		limits[c.Name] = fmt.Sprint(r.Cpu(), " ", r.Memory(), " ", r.StorageEphemeral())
	}
	if want := map[string]string{treeContainer: "1 512Mi 256Mi", commandContainer: "2 4Gi 5376Mi", filesContainer: "1 512Mi 256Mi"}; !maps.Equal(limits, want) {
		t.Errorf("limits %v, want %v", limits, want)
	}
	if c := s.InitContainers[1]; c.Name != filesContainer || *c.RestartPolicy != core.ContainerRestartPolicyAlways || !c.VolumeMounts[0].ReadOnly || c.StartupProbe == nil {
		t.Errorf("files are given by %+v", c)
	}
}

// told is a writer that calls do for the first line.
type told struct {
	once sync.Once
	do   func()
}

func (w *told) Write(p []byte) (int, error) {
	w.once.Do(w.do)
	return len(p), nil
}

func TestKubernetesCancel(t *testing.T) {
	s, config := inCluster(t)
	newer := errors.New("there is a newer head")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := kubeRunner(t, s, config).Run(ctx, Command{
		Key: "a", Shell: "trap '' TERM; echo begun; while :; do sleep 0.1; done", Dir: work(t, nil), Timeout: time.Hour,
		Log: &told{do: func() { cancel(newer) }},
	})
	if !errors.Is(err, newer) {
		t.Errorf("got %v", err)
	}
	jobs, err := cluster(t).client.BatchV1().Jobs(s.Namespace).List(t.Context(), meta.ListOptions{})
	if err != nil || len(jobs.Items) != 0 {
		t.Errorf("%d Jobs are left, %v", len(jobs.Items), err)
	}
}

// The server stops while a command runs. The next one finds the Job by its key,
// with all that it has written, and starts no other.
func TestKubernetesRestart(t *testing.T) {
	s, config := inCluster(t)
	client := cluster(t).client
	c := Command{Key: "run 7", Shell: "echo begun; until test -e /tmp/go; do sleep 0.1; done; echo ended | tee out; exit 4", Timeout: time.Minute, Files: []string{"out"}}

	server, stop := context.WithCancel(t.Context())
	k, err := newKubernetes(server, s, config)
	if err != nil {
		t.Fatal(err)
	}
	first := c
	first.Dir, first.Log = work(t, nil), &told{do: stop}
	if _, err := k.Run(server, first); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	jobs, err := client.BatchV1().Jobs(s.Namespace).List(t.Context(), meta.ListOptions{})
	if err != nil || len(jobs.Items) != 1 {
		t.Fatalf("%d Jobs, %v", len(jobs.Items), err)
	}
	pods, err := client.CoreV1().Pods(s.Namespace).List(t.Context(), meta.ListOptions{})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("%d pods, %v", len(pods.Items), err)
	}
	if err := os.WriteFile(filepath.Join(cluster(t).kubelet.dir, pods.Items[0].Name, "tmp/go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}

	s.Listen = address(t) // the old one may not be free yet
	next := c
	next.Dir = work(t, nil)
	res, err := kubeRunner(t, s, config).Run(t.Context(), next)
	if err != nil || res.Status != 4 || res.Log != "begun\nended\n" || string(res.Files["out"]) != "ended\n" {
		t.Errorf("got %+v, %v", res, err)
	}
}

// The server dies after a command has ended, and before what came of it is stored.
// The next one is told the same; the command is not repeated.
func TestKubernetesKept(t *testing.T) {
	s, config := inCluster(t)
	c := Command{Key: "run 9", Shell: "cat /proc/sys/kernel/random/uuid | tee out", Timeout: time.Minute, Files: []string{"out"}}
	var first *Result
	for range 2 {
		s.Listen = address(t)
		s.URL = "http://" + s.Listen
		c.Dir = work(t, nil)
		k := kubeRunner(t, s, config)
		res, err := k.Run(t.Context(), c)
		if err != nil || len(res.Log) < 30 || string(res.Files["out"]) != res.Log {
			t.Fatalf("got %+v, %v", res, err)
		}
		if first == nil {
			first = res
			continue
		}
		if res.Log != first.Log || res.Duration != first.Duration {
			t.Errorf("got %+v, then %+v", first, res)
		}
		k.Forget(t.Context(), c.Key)
	}
	jobs, err := cluster(t).client.BatchV1().Jobs(s.Namespace).List(t.Context(), meta.ListOptions{})
	if err != nil || len(jobs.Items) != 0 {
		t.Errorf("%d Jobs are left, %v", len(jobs.Items), err)
	}
}

// The server stops before the work tree is fetched. The next one gives it.
func TestKubernetesRestartBeforeTree(t *testing.T) {
	s, config := inCluster(t)
	client := cluster(t).client
	listen := s.Listen
	s.Listen = address(t) // nobody is where the pod asks
	server, stop := context.WithCancel(t.Context())
	k, err := newKubernetes(server, s, config)
	if err != nil {
		t.Fatal(err)
	}
	c := Command{Key: "run 8", Shell: "cat a", Dir: work(t, map[string]string{"a": "the tree\n"}), Timeout: time.Minute}
	done := make(chan error)
	go func() {
		_, err := k.Run(server, c)
		done <- err
	}()
	eventually(t, func() error {
		pods, err := client.CoreV1().Pods(s.Namespace).List(t.Context(), meta.ListOptions{})
		if err == nil && (len(pods.Items) != 1 || len(pods.Items[0].Status.InitContainerStatuses) == 0) {
			err = errors.New("no pod")
		}
		return err
	})
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	s.Listen = listen
	res, err := kubeRunner(t, s, config).Run(t.Context(), c)
	if err != nil || !res.OK() || res.Log != "the tree\n" {
		t.Errorf("got %+v, %v", res, err)
	}
}

// Another key is another run, of the same server; the same key of another server
// also.
func TestJobName(t *testing.T) {
	a, b := &kubernetes{}, &kubernetes{settings: Settings{Cluster: Cluster{Owner: "b"}}}
	names := []string{a.jobName("x"), a.jobName("y"), b.jobName("x"), a.jobName(""), a.jobName("")}
	if a.jobName("x") != names[0] {
		t.Error("a name changes")
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != 5 {
		t.Errorf("names: %v", names)
	}
}
