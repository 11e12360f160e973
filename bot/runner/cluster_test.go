//go:build cluster

package runner

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	kube "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// binaries is where .ci/cluster puts those of Kubernetes.
const binaries = "../../.cache/kubernetes"

// A testCluster is a cluster of this machine: etcd, the API server and the
// controllers of Jobs, garbage and service accounts are the real ones, built from
// source by .ci/cluster. Of the node there is a stand-in, see kubelet.
type testCluster struct {
	admin   *rest.Config
	client  *kube.Clientset
	kubelet *kubelet
	stop    func()
}

var theCluster struct {
	once sync.Once
	*testCluster
}

// cluster returns the cluster, which all tests share.
func cluster(t testing.TB) *testCluster {
	t.Helper()
	theCluster.once.Do(func() { theCluster.testCluster = startCluster(t) })
	if theCluster.testCluster == nil {
		t.Fatal("there is no cluster")
	}
	return theCluster.testCluster
}

func TestMain(m *testing.M) {
	if os.Getenv("RESTAGE_TEST_POD") != "" {
		os.Exit(podMain())
	}
	status := m.Run()
	if c := theCluster.testCluster; c != nil {
		c.stop()
	}
	os.Exit(status)
}

// podMain is what "restage pod" is outside of tests.
func podMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var err error
	switch args := os.Args[2:]; args[0] {
	case "tree":
		err = FetchTree(ctx, args[1], os.Getenv("RESTAGE_TOKEN"), Root)
	case "ready":
		_, err = os.Stat(Ready)
	case "files":
		os.WriteFile(Ready, nil, 0o644)
		<-ctx.Done()
		limit, _ := strconv.ParseInt(args[1], 10, 64)
		err = GiveFiles(os.Stdout, Root, args[3:], Size(limit))
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// startCluster starts a cluster. It is up when its node can be made.
func startCluster(t testing.TB) *testCluster {
	dir, err := os.MkdirTemp("", "restage-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keyFile := write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	tokens := write("tokens.csv", "admin,admin,1,system:masters\nbot,bot,2\n")
	etcd, peer, api, manager := address(t), address(t), address(t), address(t)
	_, apiPort, _ := net.SplitHostPort(api)
	_, managerPort, _ := net.SplitHostPort(manager)
	admin := &rest.Config{Host: "https://" + api, BearerToken: "admin", TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: 500, Burst: 500}
	kubeconfig := write("kubeconfig", fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "x",
		"clusters": [{"name": "x", "cluster": {"server": %q, "insecure-skip-tls-verify": true}}],
		"users": [{"name": "x", "user": {"token": "admin"}}],
		"contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}]}`, admin.Host))

	ctx, cancel := context.WithCancel(context.Background())
	var processes []*exec.Cmd
	run := func(name string, args ...string) {
		logs, err := os.Create(filepath.Join(dir, filepath.Base(name)+".log"))
		if err != nil {
			t.Fatal(err)
		}
		defer logs.Close()
		cmd := exec.Command(name, args...)
		cmd.Stdout, cmd.Stderr = logs, logs
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatalf("%v; run .ci/cluster", err)
		}
		processes = append(processes, cmd)
	}
	c := &testCluster{admin: admin, client: kube.NewForConfigOrDie(admin)}
	c.stop = func() {
		cancel()
		if c.kubelet != nil {
			c.kubelet.running.Wait()
			os.RemoveAll(c.kubelet.dir)
		}
		for _, p := range processes {
			p.Process.Kill()
			p.Wait()
		}
		os.RemoveAll(dir)
	}
	run("etcd", "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", "http://"+etcd, "--advertise-client-urls", "http://"+etcd,
		"--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer, "--initial-cluster", "default=http://"+peer)
	run(binaries+"/kube-apiserver", "--etcd-servers=http://"+etcd, "--bind-address=127.0.0.1", "--secure-port="+apiPort, "--cert-dir="+dir,
		"--token-auth-file="+tokens, "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://restage.test", "--service-account-key-file="+keyFile, "--service-account-signing-key-file="+keyFile)
	eventually(t, func() error { return c.client.RESTClient().Get().AbsPath("/readyz").Do(t.Context()).Error() })
	run(binaries+"/kube-controller-manager", "--kubeconfig="+kubeconfig, "--bind-address=127.0.0.1", "--secure-port="+managerPort, "--cert-dir="+dir,
		"--leader-elect=false", "--controllers=job-controller,garbage-collector-controller,serviceaccount-controller")
	c.kubelet = startKubelet(t, ctx, c.client.CoreV1())
	return c
}

// address returns one that nobody listens on.
func address(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually waits until try succeeds.
func eventually(t testing.TB, try func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(3 * time.Minute)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal(err)
		}
	}
}

// namespace makes a new one, which admits restricted pods alone, and gives the bot
// the rights of the chart's Role there.
func (c *testCluster) namespace(t testing.TB) string {
	t.Helper()
	ns, err := c.client.CoreV1().Namespaces().Create(t.Context(), &core.Namespace{ObjectMeta: meta.ObjectMeta{
		GenerateName: "test-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	role, err := c.client.RbacV1().Roles(ns.Name).Create(t.Context(), chartRole(t), meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.client.RbacV1().RoleBindings(ns.Name).Create(t.Context(), &rbac.RoleBinding{
		ObjectMeta: meta.ObjectMeta{Name: "bot"},
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbac.Subject{{Kind: "User", Name: "bot", APIGroup: rbac.GroupName}},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := c.client.CoreV1().ServiceAccounts(ns.Name).Get(t.Context(), "default", meta.GetOptions{})
		return err
	})
	return ns.Name
}

// chartRole returns the Role that the chart makes.
func chartRole(t testing.TB) *rbac.Role {
	t.Helper()
	var role rbac.Role
	decode(t, render(t, "role.yaml")[0], &role)
	return &role
}
