package githubtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
	"github.com/google/go-github/v60/github"
	"github.com/restage/restage/bot/githubtest"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), 0o644))
}

// botToken is a token of the installation.
func (w *world) botToken(t *testing.T) string {
	t.Helper()
	tok, _, err := w.asApp.Apps.CreateInstallationToken(ctx, w.inst, nil)
	check(t, err)
	return tok.GetToken()
}

// The way of restage: a bare clone of depth 1 in memory, a commit made of
// objects, a push from the shallow clone.
func TestGoGit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	auth := &githttp.BasicAuth{Username: "x-access-token", Password: w.botToken(t)}
	repo, err := gogit.Clone(memory.NewStorage(), nil, &gogit.CloneOptions{
		URL: w.URL() + "/ada/engine.git", Auth: auth, Depth: 1, SingleBranch: true, Tags: gogit.NoTags})
	check(t, err)
	head, err := repo.Head()
	check(t, err)
	parent, err := repo.CommitObject(head.Hash())
	check(t, err)
	same(t, "clone", parent.Message, "Go on")

	c := &object.Commit{Message: "By the bot", TreeHash: parent.TreeHash, ParentHashes: []plumbing.Hash{head.Hash()},
		Author: object.Signature{Name: "bot", Email: "bot@example.com", When: day(3)}, Committer: object.Signature{Name: "bot", Email: "bot@example.com", When: day(3)}}
	o := repo.Storer.NewEncodedObject()
	check(t, c.Encode(o))
	id, err := repo.Storer.SetEncodedObject(o)
	check(t, err)
	check(t, repo.Storer.SetReference(plumbing.NewHashReference("refs/heads/restage/1/1-moves", id)))
	push := &gogit.PushOptions{Auth: auth, RefSpecs: []config.RefSpec{"refs/heads/restage/1/1-moves:refs/heads/restage/1/1-moves"}}
	check(t, repo.Push(push))
	same(t, "again", repo.Push(push), gogit.NoErrAlreadyUpToDate)

	ref, _, err := w.ada.Git.GetRef(ctx, "ada", "engine", "heads/restage/1/1-moves")
	check(t, err)
	same(t, "branch", ref.GetObject().GetSHA(), id)
	same(t, "events", w.events(t), "[installation created push create check_suite requested]")
}

func TestGitAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	readOnly, _, err := w.asApp.Apps.CreateInstallationToken(ctx, w.inst, &github.InstallationTokenOptions{
		Permissions: &github.InstallationPermissions{Contents: github.String("read")}})
	check(t, err)
	check(t, w.CreateRepository("ada", "other", true))
	check(t, w.CreateRepository("ada", "open", false, githubtest.Commit{Message: "x", Author: "A <a@b>", When: day(1), Files: files("x", "x")}))
	check(t, w.SetPermission("ada", "engine", "eve", "read"))

	for _, c := range []struct{ who, token, repo, push, want string }{
		{"nobody", "", "engine", "", "terminal prompts disabled"},
		{"nobody", "", "open", "", ""},
		{"nobody", "", "open", "push", "terminal prompts disabled"},
		{"wrong", "ghp_wrong", "engine", "", "Authentication failed"},
		{"reader", w.token["eve"], "engine", "", ""},
		{"reader", w.token["eve"], "engine", "push", "Permission to ada/engine.git denied to eve."},
		{"writer", w.token["bob"], "engine", "push", ""},
		{"writer elsewhere", w.token["bob"], "other", "", "Repository not found."},
		{"bot", w.botToken(t), "engine", "push", ""},
		{"bot that may read", readOnly.GetToken(), "engine", "", ""},
		{"bot that may read", readOnly.GetToken(), "engine", "push", "Permission to ada/engine.git denied to mover[bot]."},
		{"bot elsewhere", w.botToken(t), "other", "", "Repository not found."},
		{"bot elsewhere", w.botToken(t), "open", "push", "Permission to ada/open.git denied to mover[bot]."},
	} {
		url := w.URL() + "/ada/" + c.repo + ".git"
		if c.token != "" {
			url = strings.Replace(url, "://", "://x-access-token:"+c.token+"@", 1)
		}
		args := []string{"ls-remote", url}
		if c.push != "" {
			dir := w.clone(t, "ada")
			commit(t, dir, "main", "for "+c.who, "x.txt", c.who)
			args = []string{"-C", dir, "push", url, "HEAD:refs/heads/by-" + strings.ReplaceAll(c.who, " ", "-")}
		}
		out, err := tryGit(".", args...)
		if (err == nil) != (c.want == "") || !strings.Contains(out, c.want) {
			t.Errorf("%s %s %s: %v, want %q:\n%s", c.who, c.repo, c.push, err, c.want, out)
		}
	}
}

func TestShallowPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob", "--depth=1")
	same(t, "depth", git(t, dir, "rev-list", "--count", "HEAD"), "1")
	commit(t, dir, "work", "Shallow", "big.bin", strings.Repeat("0123456789abcdef", 1<<17)) // 2 MB: git sends it in chunks
	c, _, err := w.ada.Repositories.CompareCommits(ctx, "ada", "engine", "main", "work", nil)
	check(t, err)
	same(t, "compare", []any{c.GetStatus(), c.GetAheadBy(), c.GetBehindBy(), len(c.Files)}, "[ahead 1 0 1]")
	if _, err := tryGit(dir, "push", "origin", ":main"); err == nil {
		t.Error("the default branch was deleted")
	}
}

func TestContentsAndRefs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	file, _, _, err := w.bot.Repositories.GetContents(ctx, "ada", "engine", "dir/b c.txt", nil)
	check(t, err)
	text, err := file.GetContent()
	check(t, err)
	same(t, "file", text, "b\n")
	_, list, _, err := w.bot.Repositories.GetContents(ctx, "ada", "engine", "", nil)
	check(t, err)
	same(t, "folder", []any{list[0].GetName(), list[0].GetType(), list[1].GetName(), list[1].GetType()}, "[a.txt file dir dir]")
	for _, path := range []string{"nope", ".git/config", ":(top)a.txt", "*.txt", "--help"} {
		_, _, _, err = w.bot.Repositories.GetContents(ctx, "ada", "engine", path, nil)
		wantError(t, err, 404, "")
	}
	same(t, "a way up", w.get(t, "/repos/ada/engine/contents/dir%2F..%2Fa.txt", "token "+w.token["ada"]), "404 Not Found")
	_, _, _, err = w.bot.Repositories.GetContents(ctx, "ada", "engine", "a.txt", &github.RepositoryContentGetOptions{Ref: "nope"})
	wantError(t, err, 404, "No commit found for the ref nope")

	main, _, err := w.bot.Git.GetRef(ctx, "ada", "engine", "heads/main")
	check(t, err)
	tip := main.GetObject().GetSHA()
	com, _, err := w.bot.Git.GetCommit(ctx, "ada", "engine", tip)
	check(t, err)
	same(t, "commit", com.GetMessage()+" "+com.GetAuthor().GetEmail(), "Go on ada@example.com")
	first := com.Parents[0].GetSHA()
	tree, _, err := w.bot.Git.GetTree(ctx, "ada", "engine", "main", true)
	check(t, err)
	same(t, "tree", len(tree.Entries), 3)

	ref := func(name, sha string) *github.Reference {
		return &github.Reference{Ref: &name, Object: &github.GitObject{SHA: &sha}}
	}
	_, _, err = w.bot.Git.CreateRef(ctx, "ada", "engine", ref("refs/heads/a/b", first))
	check(t, err)
	_, _, err = w.bot.Git.CreateRef(ctx, "ada", "engine", ref("refs/heads/a/b", first))
	wantError(t, err, 422, "Reference already exists")
	_, _, err = w.bot.Git.CreateRef(ctx, "ada", "engine", ref("refs/heads/x", strings.Repeat("a", 40)))
	wantError(t, err, 422, "Object does not exist")
	_, _, err = w.bot.Git.UpdateRef(ctx, "ada", "engine", ref("refs/heads/a/b", tip), false)
	check(t, err)
	_, _, err = w.bot.Git.UpdateRef(ctx, "ada", "engine", ref("refs/heads/a/b", first), false)
	wantError(t, err, 422, "Update is not a fast forward")
	_, _, err = w.bot.Git.UpdateRef(ctx, "ada", "engine", ref("refs/heads/a/b", first), true)
	check(t, err)
	found, _, err := w.bot.Git.ListMatchingRefs(ctx, "ada", "engine", &github.ReferenceListOptions{Ref: "heads/a"})
	check(t, err)
	same(t, "matching", []any{len(found), found[0].GetRef()}, "[1 refs/heads/a/b]")
	branch, _, err := w.bot.Repositories.GetBranch(ctx, "ada", "engine", "a/b", 0)
	check(t, err)
	same(t, "branch", branch.GetCommit().GetSHA(), first)
	branches, _, err := w.bot.Repositories.ListBranches(ctx, "ada", "engine", nil)
	check(t, err)
	same(t, "branches", len(branches), 2)
	_, err = w.bot.Git.DeleteRef(ctx, "ada", "engine", "heads/main")
	wantError(t, err, 422, "default branch")
	_, err = w.bot.Git.DeleteRef(ctx, "ada", "engine", "heads/a/b")
	check(t, err)
	_, _, err = w.bot.Git.GetRef(ctx, "ada", "engine", "heads/a/b")
	wantError(t, err, 404, "Not Found")
	commits, _, err := w.bot.Repositories.ListCommits(ctx, "ada", "engine", &github.CommitsListOptions{Path: "dir/b c.txt"})
	check(t, err)
	same(t, "commits of a file", []any{len(commits), commits[0].GetCommit().GetMessage()}, "[1 Begin]")
	one, _, err := w.bot.Repositories.GetCommit(ctx, "ada", "engine", tip, nil)
	check(t, err)
	same(t, "stats", one.GetStats().GetAdditions(), 1)
}

// An app needs one permission more to change a workflow.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	write(t, filepath.Join(dir, ".github/workflows/ci.yml"), "on: push\n")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "Workflow")
	url := strings.Replace(w.URL(), "://", "://x-access-token:"+w.botToken(t)+"@", 1) + "/ada/engine.git"
	out, err := tryGit(dir, "push", url, "HEAD:refs/heads/work")
	if err == nil || !strings.Contains(out, "refusing to allow a GitHub App to create or update workflow .github/workflows/ci.yml") {
		t.Errorf("push: %v\n%s", err, out)
	}
	git(t, dir, "push", "-q", "origin", "HEAD:refs/heads/work") // a person
	git(t, dir, "push", "-q", url, "HEAD:refs/heads/again")     // what is there is not changed
}
