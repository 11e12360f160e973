package githubtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// gitConfig is the configuration of every git process; the machine's own is not
// read.
var gitConfig = [][2]string{
	{"safe.directory", "*"},
	{"init.defaultBranch", "main"},
	{"gc.auto", "0"},
	{"receive.autogc", "false"},
	{"receive.hideRefs", "refs/pull"},
	{"receive.shallowUpdate", "true"},
	{"http.receivepack", "true"},
	{"uploadpack.allowFilter", "true"},
	{"uploadpack.allowAnySHA1InWant", "true"}, // as GitHub does
	{"merge.renames", "true"},
	{"diff.renames", "true"},
	{"core.quotePath", "false"},
}

func (s *Server) gitEnv() []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + s.dir,
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_PROJECT_ROOT=" + filepath.Join(s.dir, "repositories"),
		"GIT_HTTP_EXPORT_ALL=1",
		"GIT_CONFIG_COUNT=" + strconv.Itoa(len(gitConfig)),
	}
	for i, kv := range gitConfig {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, kv[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, kv[1]))
	}
	return env
}

// command returns a git command that holds the lock of the folder while it
// runs.
func (s *Server) command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = s.gitEnv()
	cmd.ExtraFiles = []*os.File{s.lock}
	return cmd
}

func (s *Server) repoDir(r *repository) string {
	return filepath.Join(s.dir, "repositories", r.Owner, r.Name+".git")
}

// A gitError is a git command that failed.
type gitError struct {
	args   []string
	status int
	stdout string
	stderr string
}

func (e *gitError) Error() string {
	return fmt.Sprintf("git %s: exit status %d: %s", strings.Join(e.args, " "), e.status, strings.TrimSpace(e.stderr))
}

// git runs git in the repository and returns its output without the newline at
// the end.
func (s *Server) git(r *repository, args ...string) (string, error) {
	return s.run(s.command(s.repoDir(r), args...))
}

func (s *Server) run(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", &gitError{cmd.Args[1:], exit.ExitCode(), stdout.String(), stderr.String()}
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

// lines is git for commands that print a list.
func (s *Server) lines(r *repository, args ...string) ([]string, error) {
	out, err := s.git(r, args...)
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(out, "\n"), nil
}

// resolve returns the id of the commit that rev names: a branch, a tag or an
// id. It returns errNotFound if there is none.
func (s *Server) resolve(r *repository, rev string) (string, error) {
	if rev == "" || strings.ContainsAny(rev, "~^:@{ \\*?[\x00\n") || strings.HasPrefix(rev, "-") || strings.Contains(rev, "..") {
		return "", errNotFound
	}
	if sha := s.branchSHA(r, rev); sha != "" {
		return sha, nil
	}
	names := []string{"refs/tags/" + rev, rev}
	if shaRE.MatchString(rev) { // GitHub has no branch or tag of such a name
		names = names[1:]
	}
	for _, name := range names {
		sha, err := s.git(r, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
		if err == nil {
			return sha, nil
		}
	}
	return "", errNotFound
}

// branchSHA returns the commit that a branch points to, "" if there is no such
// branch; GitHub has none of a name like a commit's. Most answers need it, and
// starting git for each takes longer than all the rest of them: a ref in a file
// of its own is read from there.
func (s *Server) branchSHA(r *repository, branch string) string {
	if shaRE.MatchString(branch) {
		return ""
	}
	if filepath.IsLocal(branch) {
		data, err := os.ReadFile(filepath.Join(s.repoDir(r), "refs", "heads", branch))
		if sha := strings.TrimSuffix(string(data), "\n"); err == nil && shaRE.MatchString(sha) {
			return sha
		}
	}
	sha, err := s.git(r, "show-ref", "--verify", "--hash", "refs/heads/"+branch)
	if err != nil {
		return ""
	}
	return sha
}

// contains reports whether commit is reachable from tip.
func (s *Server) contains(r *repository, tip, commit string) bool {
	_, err := s.git(r, "merge-base", "--is-ancestor", commit, tip)
	return err == nil
}

// serveGit answers a request of git's smart HTTP protocol through git
// http-backend.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	m := gitPath.FindStringSubmatch(r.URL.EscapedPath())
	owner, name, what := m[1], m[2], m[3]
	push := what == "git-receive-pack" || r.URL.Query().Get("service") == "git-receive-pack"

	// The body goes to a file: CGI wants its length, and a push is not to
	// keep the store locked while it comes in.
	body, err := os.CreateTemp(s.dir, "request-")
	if err != nil {
		http.Error(w, "Server Error", http.StatusInternalServerError)
		return
	}
	defer body.Close()
	os.Remove(body.Name())
	if _, err := io.Copy(body, http.MaxBytesReader(w, r.Body, 2<<30)); err != nil {
		http.Error(w, "Payload too large", http.StatusRequestEntityTooLarge)
		return
	}

	var who *actor
	var repo *repository
	err = s.do(r.Context(), func(t *tx) (err error) {
		who, repo, err = t.authorizeGit(r, owner, name, push)
		return err
	})
	if err != nil {
		writeGitError(w, err)
		return
	}
	if what != "git-receive-pack" {
		if err := s.backend(w, r, repo, what, body, ""); err != nil {
			s.opts.Log.Error("git failed", "path", r.URL.Path, "error", err)
		}
		return
	}

	held := &heldResponse{header: http.Header{}}
	err = s.do(r.Context(), func(t *tx) error {
		return t.change(repo, who, intent{}, func() error { return s.backend(held, r, repo, what, body, workflows(who)) })
	})
	if err != nil {
		s.opts.Log.Error("push failed", "path", r.URL.Path, "error", err)
		http.Error(w, "Server Error", http.StatusInternalServerError)
		return
	}
	s.senders.wake()
	held.send(w)
}

// authorizeGit finds the repository and checks that whoever makes the request
// may read it, or write to it. The texts are those that git shows a person.
func (t *tx) authorizeGit(r *http.Request, owner, name string, push bool) (*actor, *repository, error) {
	missing := refuse(http.StatusNotFound, "Repository not found.")
	who, err := t.identify(r)
	if err != nil {
		return nil, nil, refuse(http.StatusUnauthorized, "Invalid username or token.")
	}
	repo := t.findRepo(owner, name)
	switch {
	case who.user == nil && (push || repo == nil || repo.Private):
		return nil, nil, refuse(http.StatusUnauthorized, "Authentication required.")
	case repo == nil || !t.canSee(who, repo):
		return nil, nil, missing
	case who.inst != nil && !t.covers(who, repo) && push,
		who.inst != nil && !who.permits(level("contents", push)),
		who.inst == nil && push && t.roleOf(who.user, repo) < writer:
		return nil, nil, refuse(http.StatusForbidden, "Permission to %s.git denied to %s.", repo.fullName(), who.user.Login)
	}
	return who, repo, nil
}

func level(permission string, write bool) string {
	if write {
		return permission + ":write"
	}
	return permission + ":read"
}

func writeGitError(w http.ResponseWriter, err error) {
	e := &apiError{Status: http.StatusInternalServerError, Message: "Server Error"}
	errors.As(err, &e)
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(e.Status)
	io.WriteString(w, e.Message)
}

// preReceive is the hook that keeps apps from changing workflows unless they
// have the permission for that, however much else of the contents they may
// write: GitHub, "Permissions required for GitHub Apps", Workflows.
const preReceive = `#!/bin/sh
test "$GITHUBTEST_WORKFLOWS" = deny || exit 0
while read -r old new ref; do
	case $new in *[!0]*) ;; *) continue ;; esac
	file=$(git log --format= --name-only "$new" --not --all -- .github/workflows | head -n 1)
	test -z "$file" && continue
	echo "refusing to allow a GitHub App to create or update workflow $file without workflows permission" >&2
	exit 1
done
`

// workflows tells the hook whether whoever pushes may change workflows.
func workflows(who *actor) string {
	if who.inst != nil && !who.permits("workflows:write") {
		return "GITHUBTEST_WORKFLOWS=deny"
	}
	return "GITHUBTEST_WORKFLOWS=allow"
}

// backend runs git http-backend as a CGI program, git-http-backend(1) and RFC
// 3875, with one more variable in its environment.
func (s *Server) backend(w http.ResponseWriter, r *http.Request, repo *repository, what string, body *os.File, env string) error {
	size, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	cmd := s.command(s.dir, "http-backend")
	cmd.Env = append(cmd.Env,
		"REQUEST_METHOD="+r.Method,
		"PATH_INFO=/"+repo.fullName()+".git/"+what,
		"QUERY_STRING="+r.URL.RawQuery,
		"CONTENT_TYPE="+r.Header.Get("Content-Type"),
		"CONTENT_LENGTH="+strconv.FormatInt(size, 10),
		"HTTP_CONTENT_ENCODING="+r.Header.Get("Content-Encoding"),
		"GIT_PROTOCOL="+r.Header.Get("Git-Protocol"),
		"REMOTE_ADDR=127.0.0.1",
		env,
	)
	cmd.Stdin = body
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	copyErr := copyCGI(w, stdout)
	io.Copy(io.Discard, stdout) // git must not die of a client that went away
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("git http-backend: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return copyErr
}

// copyCGI sends what a CGI program prints.
func copyCGI(w http.ResponseWriter, stdout io.Reader) error {
	buf := bufio.NewReader(stdout)
	header, err := textproto.NewReader(buf).ReadMIMEHeader()
	if err != nil {
		return err
	}
	status := http.StatusOK
	for key, values := range header {
		if key == "Status" {
			code, _, _ := strings.Cut(values[0], " ")
			if status, err = strconv.Atoi(code); err != nil {
				return err
			}
			continue
		}
		w.Header()[key] = values
	}
	w.WriteHeader(status)
	_, err = io.Copy(w, buf)
	return err
}

// A heldResponse holds a response back until what it says has been stored.
type heldResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldResponse) Header() http.Header         { return h.header }
func (h *heldResponse) WriteHeader(status int)      { h.status = status }
func (h *heldResponse) Write(p []byte) (int, error) { return h.body.Write(p) }

func (h *heldResponse) send(w http.ResponseWriter) {
	for key, values := range h.header {
		w.Header()[key] = values
	}
	w.WriteHeader(h.status)
	w.Write(h.body.Bytes())
}
