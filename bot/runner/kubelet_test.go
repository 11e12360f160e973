//go:build cluster

package runner

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
)

// Images that say what becomes of a pod instead of what is in it.
const (
	noImage      = "restage.test/missing" // is never there
	tooMuchImage = "restage.test/memory"  // is killed for its memory
	fullImage    = "restage.test/disk"    // is evicted for its disk
	drainedImage = "restage.test/drained" // is evicted with its node
	cutImage     = "restage.test/cut"     // has a log that comes in pieces
)

// A kubelet is a test's stand-in for the scheduler, a node and its container
// runtime: it runs the containers of pods as processes of this machine, in the
// order and with the signals, the status and the logs of a real one.
type kubelet struct {
	core    coreclient.CoreV1Interface
	dir     string
	binary  string // that stands for restage in pods
	running sync.WaitGroup

	mu   sync.Mutex
	pods map[string]*podRun // by namespace/name
}

// A podRun is one pod at work.
type podRun struct {
	*kubelet
	pod  *core.Pod
	dir  string
	logs map[string]*growing
	kill context.CancelFunc
}

// startKubelet starts a node that ends with ctx.
func startKubelet(t testing.TB, ctx context.Context, client coreclient.CoreV1Interface) *kubelet {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "restage-kubelet-")
	if err != nil {
		t.Fatal(err)
	}
	k := &kubelet{core: client, dir: dir, binary: binary, pods: map[string]*podRun{}}
	server := httptest.NewTLSServer(http.HandlerFunc(k.containerLogs))
	var port int32
	fmt.Sscanf(server.Listener.Addr().String(), "127.0.0.1:%d", &port)
	node := &core.Node{ObjectMeta: meta.ObjectMeta{Name: "node"}}
	node, err = client.Nodes().Create(ctx, node, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node.Status.Addresses = []core.NodeAddress{{Type: core.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = port
	if _, err := client.Nodes().UpdateStatus(ctx, node, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	k.running.Go(func() {
		defer server.Close()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				k.look(ctx)
			}
		}
	})
	return k
}

// look starts the pods that are new, and ends those that are deleted.
func (k *kubelet) look(ctx context.Context) {
	list, err := k.core.Pods("").List(ctx, meta.ListOptions{})
	if err != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, pod := range list.Items {
		key := pod.Namespace + "/" + pod.Name
		p := k.pods[key]
		switch {
		case p != nil && pod.DeletionTimestamp != nil:
			p.kill()
		case p == nil && pod.Spec.NodeName == "":
			k.core.Pods(pod.Namespace).Bind(ctx, &core.Binding{
				ObjectMeta: meta.ObjectMeta{Name: pod.Name}, Target: core.ObjectReference{Kind: "Node", Name: "node"},
			}, meta.CreateOptions{})
		case p == nil:
			p = &podRun{kubelet: k, pod: &pod, dir: filepath.Join(k.dir, pod.Name), logs: map[string]*growing{}}
			for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
				p.logs[c.Name] = newGrowing(pod.Spec.Containers[0].Image == cutImage)
			}
			k.pods[key] = p
			var deleted context.Context
			deleted, p.kill = context.WithCancel(ctx)
			k.running.Go(func() { p.run(ctx, deleted) })
		}
	}
}

// run runs the containers of a pod.
func (p *podRun) run(ctx, deleted context.Context) {
	for _, name := range []string{"repo", "tmp", "ready"} {
		if err := os.MkdirAll(filepath.Join(p.dir, name), 0o777); err != nil {
			panic(err)
		}
	}
	p.pod.Status.Phase = core.PodPending
	ok := true
	var sidecar *exec.Cmd
	var sidecarDone chan struct{}
	for _, c := range p.pod.Spec.InitContainers {
		if c.RestartPolicy != nil {
			sidecar, sidecarDone = p.start(c), make(chan struct{})
			for probe := c; deleted.Err() == nil; {
				probe.Command = c.StartupProbe.Exec.Command
				if p.start(probe).Wait() == nil {
					break
				}
			}
			go func() {
				sidecar.Wait()
				p.logs[c.Name].close()
				close(sidecarDone)
			}()
			continue
		}
		ok = ok && p.wait(ctx, deleted, c)
		p.logs[c.Name].close()
	}
	if main := p.pod.Spec.Containers[0]; main.Image == noImage {
		p.set(ctx, main.Name, core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}})
		<-deleted.Done()
	} else if ok {
		ok = p.wait(ctx, deleted, main)
	}
	p.logs[p.pod.Spec.Containers[0].Name].close()
	if sidecar != nil {
		terminate(sidecar)
		<-sidecarDone
	}
	p.pod.Status.Phase = core.PodFailed
	if ok {
		p.pod.Status.Phase = core.PodSucceeded
	}
	switch p.pod.Spec.Containers[0].Image {
	case fullImage:
		p.pod.Status.Reason, p.pod.Status.Message = "Evicted", `Usage of EmptyDir volume "repo" exceeds the limit "4Gi".`
	case drainedImage:
		p.pod.Status.Reason, p.pod.Status.Message = "Evicted", "The node was low on resource: memory."
		p.pod.Status.Conditions = append(p.pod.Status.Conditions, core.PodCondition{
			Type: core.DisruptionTarget, Status: core.ConditionTrue, Reason: core.PodReasonTerminationByKubelet, LastTransitionTime: meta.Now()})
	}
	p.update(ctx)
	<-deleted.Done()
	p.core.Pods(p.pod.Namespace).Delete(context.WithoutCancel(ctx), p.pod.Name, meta.DeleteOptions{GracePeriodSeconds: new(int64(0))})
	os.RemoveAll(p.dir)
}

// start starts a container, of which it gives nothing but what the pod says.
func (p *podRun) start(c core.Container) *exec.Cmd {
	user := fmt.Sprint(*p.pod.Spec.SecurityContext.RunAsUser)
	args := []string{"--unshare-user", "--uid", user, "--gid", user, "--die-with-parent", "--clearenv",
		"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
		"--proc", "/proc", "--dev", "/dev", "--ro-bind", p.binary, "/restage", "--setenv", "PATH", "/usr/bin"}
	for _, m := range c.VolumeMounts {
		bind := "--bind"
		if m.ReadOnly {
			bind = "--ro-bind"
		}
		args = append(args, bind, filepath.Join(p.dir, m.Name), m.MountPath)
	}
	args = append(args, "--remount-ro", "/", "--chdir", "/"+strings.TrimPrefix(c.WorkingDir, "/"))
	for _, e := range c.Env {
		args = append(args, "--setenv", e.Name, expand(e.Value))
	}
	for i, arg := range c.Command {
		if i == 0 && arg == "restage" {
			args = append(args, "--setenv", "RESTAGE_TEST_POD", "1")
			arg = "/restage"
		}
		args = append(args, expand(arg))
	}
	cmd := exec.Command("bwrap", args...)
	if c.StartupProbe == nil || !slices.Equal(c.Command, c.StartupProbe.Exec.Command) {
		cmd.Stdout, cmd.Stderr = p.logs[c.Name], p.logs[c.Name]
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd
}

// terminate sends SIGTERM to the first process of a container, which is the child of
// bwrap.
func terminate(c *exec.Cmd) {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", c.Process.Pid))
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			syscall.Kill(pid, syscall.SIGTERM)
		}
	}
}

// wait runs a container to its end, and reports whether it succeeded. When the pod
// is deleted it has the time that the pod grants.
func (p *podRun) wait(ctx, deleted context.Context, c core.Container) bool {
	if deleted.Err() != nil {
		return false
	}
	begun := meta.Now()
	cmd := p.start(c)
	p.set(ctx, c.Name, core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: begun}})
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		close(done)
	}()
	select {
	case <-done:
	case <-deleted.Done():
		terminate(cmd)
		select {
		case <-done:
		case <-ctx.Done():
		case <-time.After(time.Second): // a node of little patience
		}
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
	}
	status := cmd.ProcessState.ExitCode()
	if w := cmd.ProcessState.Sys().(syscall.WaitStatus); w.Signaled() {
		status = 128 + int(w.Signal())
	}
	end := &core.ContainerStateTerminated{ExitCode: int32(status), Reason: "Completed", StartedAt: begun, FinishedAt: meta.Now()}
	if status != 0 {
		end.Reason, end.Message = "Error", p.logs[c.Name].String()
	}
	if c.Image == tooMuchImage {
		end.Reason, end.ExitCode, status = "OOMKilled", 137, 137
	}
	p.set(ctx, c.Name, core.ContainerState{Terminated: end})
	return status == 0
}

// set reports the state of a container.
func (p *podRun) set(ctx context.Context, name string, state core.ContainerState) {
	put := func(list []core.ContainerStatus, spec []core.Container) []core.ContainerStatus {
		for i := range list {
			if list[i].Name == name {
				list[i].State = state
				return list
			}
		}
		for _, c := range spec {
			if c.Name == name {
				list = append(list, core.ContainerStatus{Name: name, Image: c.Image, State: state})
			}
		}
		return list
	}
	s := &p.pod.Status
	s.InitContainerStatuses = put(s.InitContainerStatuses, p.pod.Spec.InitContainers)
	s.ContainerStatuses = put(s.ContainerStatuses, p.pod.Spec.Containers)
	if name == p.pod.Spec.Containers[0].Name && state.Running != nil {
		s.Phase = core.PodRunning
	}
	p.update(ctx)
}

// update stores the status of the pod.
func (p *podRun) update(ctx context.Context) {
	pods := p.core.Pods(p.pod.Namespace)
	for ctx.Err() == nil {
		pod, err := pods.Get(ctx, p.pod.Name, meta.GetOptions{})
		if err != nil {
			return
		}
		pod.Status = p.pod.Status
		if _, err = pods.UpdateStatus(ctx, pod, meta.UpdateOptions{}); err == nil {
			return
		}
	}
}

var variable = regexp.MustCompile(`\$\$|\$\(\w+\)`)

// expand does to a text of a container what Kubernetes does.
func expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(s string) string {
		if s == "$$" {
			return "$"
		}
		return "(expanded)"
	})
}

// containerLogs answers as a node does when it is asked for a log.
func (k *kubelet) containerLogs(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 4 || parts[0] != "containerLogs" {
		http.NotFound(w, r)
		return
	}
	k.mu.Lock()
	p := k.pods[parts[1]+"/"+parts[2]]
	k.mu.Unlock()
	if p == nil || p.logs[parts[3]] == nil {
		http.NotFound(w, r)
		return
	}
	p.logs[parts[3]].copy(r.Context(), w, r.URL.Query().Get("follow") == "true")
}

// growing is a log that is read while it is written.
type growing struct {
	mu     sync.Mutex
	data   bytes.Buffer
	more   chan struct{} // closed when there is more, or no more to come
	closed bool
	cut    bool // who follows it loses it after each piece
}

func newGrowing(cut bool) *growing { return &growing{more: make(chan struct{}), cut: cut} }

func (g *growing) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.more)
	g.more = make(chan struct{})
	return g.data.Write(p)
}

func (g *growing) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		close(g.more)
	}
}

func (g *growing) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.data.String()
}

func (g *growing) copy(ctx context.Context, w http.ResponseWriter, follow bool) {
	w.WriteHeader(http.StatusOK)
	for seen := 0; ; {
		g.mu.Lock()
		piece, more, closed := g.data.String()[seen:], g.more, g.closed
		g.mu.Unlock()
		io.WriteString(w, piece)
		http.NewResponseController(w).Flush()
		seen += len(piece)
		if !follow || closed || g.cut && piece != "" {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}
