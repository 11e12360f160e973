package runner

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The containers of a pod.
const (
	treeContainer    = "tree"
	commandContainer = "command"
	filesContainer   = "files"
)

// Labels of Jobs and pods. The chart's network policies go by them.
const (
	ownerLabel   = "restage/owner"   // the Deployment
	networkLabel = "restage/network" // "true" for those that may reach it
)

// Times of a Job.
const (
	jobGrace = 10 * time.Second // at least, from SIGTERM to SIGKILL: to give files back takes time, too
	jobKept  = time.Hour        // if the server does not come back to delete it
)

// tokenVariable holds what the pod has to show for its work tree.
const tokenVariable = "RESTAGE_TOKEN"

// podUser runs commands, and all else in their pods. Images need not know it.
const podUser = 1000

// jobName returns the name of the Job of a key: the same each time, and of no
// other server of the namespace.
func (k *kubernetes) jobName(key string) string {
	if key == "" {
		key = rand.Text()
	}
	sum := sha256.Sum256([]byte(k.settings.Owner + "\x00" + key))
	return fmt.Sprintf("restage-%x", sum[:16])
}

// job returns the Job of a command.
func (k *kubernetes) job(name, token, url string, c *Command, l Limits) *batch.Job {
	labels := map[string]string{
		"app.kubernetes.io/managed-by": "restage",
		ownerLabel:                     k.settings.Owner,
		networkLabel:                   strconv.FormatBool(k.online(c)),
	}
	job := &batch.Job{
		ObjectMeta: meta.ObjectMeta{Name: name, Labels: labels},
		Spec: batch.JobSpec{
			BackoffLimit:            new(int32(0)),
			ActiveDeadlineSeconds:   new(seconds(k.settings.Start + c.Timeout + 2*k.grace(l) + time.Minute)),
			TTLSecondsAfterFinished: new(int32(seconds(jobKept))),
			Template:                core.PodTemplateSpec{ObjectMeta: meta.ObjectMeta{Labels: labels}, Spec: k.pod(token, url, c, l)},
		},
	}
	if k.owner != nil {
		job.OwnerReferences = []meta.OwnerReference{*k.owner}
	}
	return job
}

// pod returns the pod of a command. It is what the standard for restricted pods
// asks for, and has nothing of the cluster's.
func (k *kubernetes) pod(token, url string, c *Command, l Limits) core.PodSpec {
	spec := core.PodSpec{
		RestartPolicy:                 core.RestartPolicyNever,
		AutomountServiceAccountToken:  new(false),
		EnableServiceLinks:            new(false),
		Hostname:                      "sandbox",
		TerminationGracePeriodSeconds: new(seconds(k.grace(l))),
		SecurityContext: &core.PodSecurityContext{
			RunAsNonRoot:   new(true),
			RunAsUser:      new(int64(podUser)),
			RunAsGroup:     new(int64(podUser)),
			FSGroup:        new(int64(podUser)),
			SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
		},
		InitContainers: []core.Container{k.treeContainer(token, url)},
		Containers:     []core.Container{k.commandContainer(c, l)},
		Volumes:        []core.Volume{emptyDir("repo", l.Disk), emptyDir("tmp", l.Tmp)},
	}
	if len(c.Files) > 0 {
		spec.InitContainers = append(spec.InitContainers, k.filesContainer(c, l))
		spec.Volumes = append(spec.Volumes, emptyDir("ready", 1<<20))
	}
	if !k.online(c) {
		// What asks for a name gets its answer at once, and not when it gives up.
		spec.DNSPolicy = core.DNSNone
		spec.DNSConfig = &core.PodDNSConfig{Nameservers: []string{"127.0.0.1"}}
	}
	if class := k.settings.RuntimeClass; class != "" {
		spec.RuntimeClassName = &class
	}
	for _, name := range k.settings.PullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, core.LocalObjectReference{Name: name})
	}
	return spec
}

// treeContainer returns the container that fetches the work tree.
func (k *kubernetes) treeContainer(token, url string) core.Container {
	tree := k.helper(treeContainer, "pod", "tree", url)
	tree.Env = []core.EnvVar{{Name: tokenVariable, Value: token}}
	tree.VolumeMounts = []core.VolumeMount{{Name: "repo", MountPath: Root}}
	return tree
}

// filesContainer returns the container that gives files back. It is started before
// the command, and told to end after it.
func (k *kubernetes) filesContainer(c *Command, l Limits) core.Container {
	files := k.helper(filesContainer, slices.Concat([]string{"pod", "files", strconv.FormatInt(int64(l.Report), 10), "--"}, c.Files)...)
	files.RestartPolicy = new(core.ContainerRestartPolicyAlways)
	files.VolumeMounts = []core.VolumeMount{{Name: "repo", MountPath: Root, ReadOnly: true}, {Name: "ready", MountPath: path.Dir(Ready)}}
	// A command may be so short that the container would be told to end before it
	// can hear that.
	files.StartupProbe = &core.Probe{
		ProbeHandler:     core.ProbeHandler{Exec: &core.ExecAction{Command: []string{"restage", "pod", "ready"}}},
		PeriodSeconds:    1,
		TimeoutSeconds:   10,
		FailureThreshold: 120,
	}
	return files
}

// helper returns a container that runs restage itself.
func (k *kubernetes) helper(name string, args ...string) core.Container {
	return core.Container{
		Name:            name,
		Image:           k.settings.Helper,
		Command:         literals(append([]string{"restage"}, args...)),
		SecurityContext: restricted(),
		Resources: core.ResourceRequirements{
			Requests: resources(50, 64<<20, 16<<20),
			Limits:   resources(1000, 512<<20, 256<<20),
		},
		// So that what is wrong is in the status of the pod.
		TerminationMessagePolicy: core.TerminationMessageFallbackToLogsOnError,
	}
}

// commandContainer returns the container that runs the command.
func (k *kubernetes) commandContainer(c *Command, l Limits) core.Container {
	image := c.Image
	if image == "" {
		image = k.settings.Image
	}
	// Units are those of POSIX. A limit that is lower already stays.
	limits := fmt.Sprintf(`{ ulimit -c 0; ulimit -f %d; ulimit -t %d; } 2>/dev/null; exec "$@"`, l.FileSize/512, seconds(l.CPU))
	command := core.Container{
		Name:            commandContainer,
		Image:           image,
		Command:         literals(append([]string{"/bin/sh", "-c", limits, "sh"}, c.argv()...)),
		WorkingDir:      Root,
		SecurityContext: restricted(),
		Resources:       core.ResourceRequirements{Limits: resources(int64(k.settings.Cores)*1000, l.Memory, l.Disk+l.Tmp+l.Output)},
		VolumeMounts:    []core.VolumeMount{{Name: "repo", MountPath: Root}, {Name: "tmp", MountPath: "/tmp"}},
	}
	env := c.environ()
	for _, name := range slices.Sorted(maps.Keys(env)) {
		command.Env = append(command.Env, core.EnvVar{Name: name, Value: literal(env[name])})
	}
	return command
}

// online reports whether a command may reach the network.
func (k *kubernetes) online(c *Command) bool { return c.Network && k.settings.Network }

// grace returns how long a pod has to end.
func (k *kubernetes) grace(l Limits) time.Duration { return max(l.Grace, jobGrace) }

// seconds returns d, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// literal returns text as it has to be written in a container: $(NAME) and $$
// would mean something else.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

func literals(texts []string) []string {
	var all []string
	for _, text := range texts {
		all = append(all, literal(text))
	}
	return all
}

// restricted returns what a container may do: nothing that its files and its user
// do not let it.
func restricted() *core.SecurityContext {
	return &core.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		Privileged:               new(false),
		ReadOnlyRootFilesystem:   new(true),
		Capabilities:             &core.Capabilities{Drop: []core.Capability{"ALL"}},
	}
}

// resources returns thousandths of processors, memory and disk.
func resources(cores int64, memory, disk Size) core.ResourceList {
	return core.ResourceList{
		core.ResourceCPU:              *resource.NewMilliQuantity(cores, resource.DecimalSI),
		core.ResourceMemory:           *resource.NewQuantity(int64(memory), resource.BinarySI),
		core.ResourceEphemeralStorage: *resource.NewQuantity(int64(disk), resource.BinarySI),
	}
}

// emptyDir returns a folder of the pod's own.
func emptyDir(name string, size Size) core.Volume {
	return core.Volume{Name: name, VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{
		SizeLimit: resource.NewQuantity(int64(size), resource.BinarySI),
	}}}
}
