package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/tree"
)

// A repo is the git repository with the working folder dir. It is read and
// written by git itself, which alone knows every way in which people set up
// theirs: worktrees, line endings, large file storage.
type repo struct {
	dir string
}

// openRepo returns the repository whose top folder is dir.
func openRepo(ctx context.Context, dir string) (*repo, error) {
	r := &repo{dir}
	prefix, err := r.git(ctx, nil, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("%s is no git repository: %w", dir, err)
	}
	if p := strings.TrimSpace(prefix); p != "" {
		return nil, fmt.Errorf("%s is the folder %s of a git repository: name the top folder with --repo", dir, p)
	}
	return r, nil
}

// git runs git with args and returns its output.
func (r *repo) git(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.dir}, args...)...)
	cmd.Stdin = stdin
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}

// checkClean refuses a repository in which git status lists changes. What git
// does not track stays out of it.
func (r *repo) checkClean(ctx context.Context) error {
	out, err := r.git(ctx, nil, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules", "--no-renames", "-z")
	if err != nil {
		return err
	}
	var names []string
	for line := range strings.SplitSeq(out, "\x00") {
		if len(line) > 3 {
			names = append(names, line[3:])
		}
	}
	switch {
	case len(names) == 0:
		return nil
	case len(names) > 5:
		names = append(names[:5], fmt.Sprintf("%d more", len(names)-5))
	}
	return fmt.Errorf("there are changes that are not committed: %s; commit or stash them first", strings.Join(names, ", "))
}

// A commitTree is the tree.Tree of a commit, read from a running git.
type commitTree struct {
	entries []tree.Entry
	blobs   map[string]string // object names by path

	mu  sync.Mutex // one question at a time
	in  io.Writer
	out *bufio.Reader
}

// tree returns the files of the commit that rev names, and its object name. It
// can be read until ctx ends.
func (r *repo) tree(ctx context.Context, rev string) (tree.Tree, string, error) {
	out, err := r.git(ctx, nil, "rev-parse", "--verify", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return nil, "", err
	}
	commit := strings.TrimSpace(out)
	if out, err = r.git(ctx, nil, "ls-tree", "-r", "-z", commit); err != nil {
		return nil, "", err
	}
	t := &commitTree{blobs: map[string]string{}}
	for line := range strings.SplitSeq(out, "\x00") {
		about, name, ok := strings.Cut(line, "\t")
		if f := strings.Fields(about); ok && f[1] == "blob" {
			mode := map[string]tree.Mode{"100755": tree.Executable, "120000": tree.Symlink}[f[0]]
			t.entries = append(t.entries, tree.Entry{Path: name, Mode: mode})
			t.blobs[name] = f[2]
		}
	}
	slices.SortFunc(t.entries, func(a, b tree.Entry) int { return strings.Compare(a.Path, b.Path) })
	cmd := exec.CommandContext(ctx, "git", "-C", r.dir, "cat-file", "--batch")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if t.in, err = cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	t.out = bufio.NewReader(stdout)
	return t, commit, cmd.Start()
}

// Entries implements tree.Tree.
func (t *commitTree) Entries() []tree.Entry { return t.entries }

// Read implements tree.Tree.
func (t *commitTree) Read(name string) ([]byte, error) {
	blob, ok := t.blobs[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.in, blob)
	line, err := t.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("read %s: git cat-file: %w", name, err)
	}
	var kind string
	var size int
	if _, err := fmt.Sscan(line, &blob, &kind, &size); err != nil {
		return nil, fmt.Errorf("read %s: git cat-file: %s", name, strings.TrimSpace(line))
	}
	data := make([]byte, size+1) // a newline follows
	if _, err := io.ReadFull(t.out, data); err != nil {
		return nil, fmt.Errorf("read %s: git cat-file: %w", name, err)
	}
	return data[:size:size], nil
}

// made is where the commits are kept until the branch is moved to them.
const made = "refs/restage/apply"

// commit makes the commits of changes on top of the commit head, which is
// checked out, and checks out the last of them. Git refuses when that would
// overwrite a file that it does not track; then nothing has changed.
func (r *repo) commit(ctx context.Context, head string, changes []*phases.Change) error {
	author, err := r.git(ctx, nil, "var", "GIT_AUTHOR_IDENT")
	if err != nil {
		return err
	}
	committer, err := r.git(ctx, nil, "var", "GIT_COMMITTER_IDENT")
	if err != nil {
		return err
	}
	var stream bytes.Buffer
	from := "from " + head + "\n"
	for _, c := range changes {
		for _, commit := range c.Commits {
			fmt.Fprintf(&stream, "commit %s\nauthor %scommitter %sdata %d\n%s\n%s",
				made, author, committer, len(commit.Title)+1, commit.Title, "\n"+from)
			from = "" // the others follow on the one before
			writeEdits(&stream, commit.Edits)
		}
	}
	if stream.Len() == 0 {
		return nil
	}
	stream.WriteString("done\n")
	if _, err := r.git(ctx, &stream, "fast-import", "--quiet", "--force", "--done"); err != nil {
		return err
	}
	_, err = r.git(ctx, nil, "merge", "--quiet", "--ff-only", "--no-overwrite-ignore", made)
	_, cleanup := r.git(context.WithoutCancel(ctx), nil, "update-ref", "-d", made)
	return errors.Join(err, cleanup)
}

// writeEdits writes edits as git-fast-import(1) reads them.
func writeEdits(w *bytes.Buffer, edits []tree.Edit) {
	quote := func(name string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
	}
	modes := map[tree.Mode]string{tree.Regular: "100644", tree.Executable: "100755", tree.Symlink: "120000"}
	for _, e := range edits {
		if e.From != "" {
			fmt.Fprintf(w, "D %s\n", quote(e.From))
		}
		if e.Delete {
			fmt.Fprintf(w, "D %s\n", quote(e.Path))
			continue
		}
		fmt.Fprintf(w, "M %s inline %s\ndata %d\n%s\n", modes[e.Mode], quote(e.Path), len(e.Data), e.Data)
	}
}
