package githubtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

var refRoutes = []route{
	{"GET /repos/{owner}/{repo}/git/ref/{ref...}", "contents:read", reader, getRef},
	{"GET /repos/{owner}/{repo}/git/matching-refs/{ref...}", "contents:read", reader, listMatchingRefs},
	{"POST /repos/{owner}/{repo}/git/refs", "contents:write", writer, createRef},
	{"PATCH /repos/{owner}/{repo}/git/refs/{ref...}", "contents:write", writer, updateRef},
	{"DELETE /repos/{owner}/{repo}/git/refs/{ref...}", "contents:write", writer, deleteRef},
	{"GET /repos/{owner}/{repo}/git/commits/{sha}", "contents:read", reader, getGitCommit},
	{"GET /repos/{owner}/{repo}/git/trees/{sha...}", "contents:read", reader, getTree},
	{"GET /repos/{owner}/{repo}/git/blobs/{sha}", "contents:read", reader, getBlob},
}

// emptyTree is the id of the tree without entries.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

var shaRE = regexp.MustCompile(`^[0-9a-f]{40}$`)

// initialCommit is what a repository made with auto_init begins with.
func initialCommit(u *user, name string, when time.Time) (Commit, error) {
	files, err := txtar.FS(&txtar.Archive{Files: []txtar.File{{Name: "README.md", Data: []byte("# " + name + "\n")}}})
	return Commit{
		Message: "Initial commit", Author: fmt.Sprintf("%s <%s>", u.Login, noreply(u)), When: when,
		Files: files,
	}, err
}

func (c *call) refJSON(name, sha string) obj {
	return obj{
		"ref": name, "node_id": nodeID("REF", c.repo.ID) + name,
		"url":    c.api("/repos/%s/git/%s", c.repo.fullName(), name),
		"object": obj{"type": "commit", "sha": sha, "url": c.api("/repos/%s/git/commits/%s", c.repo.fullName(), sha)},
	}
}

func getRef(c *call) (reply, error) {
	refs, err := c.refs(c.repo)
	if err != nil {
		return reply{}, err
	}
	name := "refs/" + c.r.PathValue("ref")
	sha, found := refs[name]
	if !found {
		return reply{}, errNotFound
	}
	return ok(c.refJSON(name, sha)), nil
}

func listMatchingRefs(c *call) (reply, error) {
	refs, err := c.refs(c.repo)
	if err != nil {
		return reply{}, err
	}
	var names []string
	for name := range refs {
		if strings.HasPrefix(name, "refs/"+c.r.PathValue("ref")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return ok(each(page(c, names), func(name string) obj { return c.refJSON(name, refs[name]) })), nil
}

// setRef changes a ref from one value to another, unless it has changed since.
func (c *call) setRef(name, from, to string) error {
	args := []string{"update-ref", name, to, from}
	if to == zeroSHA {
		args = []string{"update-ref", "-d", name, from}
	}
	return c.change(c.repo, c.who, intent{}, func() error {
		_, err := c.git(c.repo, args...)
		return err
	})
}

func createRef(c *call) (reply, error) {
	var want struct{ Ref, SHA string }
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if !strings.HasPrefix(want.Ref, "refs/heads/") && !strings.HasPrefix(want.Ref, "refs/tags/") {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Reference name must start with 'refs/heads/' or 'refs/tags/'")
	}
	if _, err := c.git(c.repo, "check-ref-format", want.Ref); err != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "%s is not a valid ref name.", want.Ref)
	}
	if err := c.mustBeCommit(want.SHA); err != nil {
		return reply{}, err
	}
	refs, err := c.refs(c.repo)
	if err != nil {
		return reply{}, err
	}
	if refs[want.Ref] != "" {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Reference already exists")
	}
	if err := c.setRef(want.Ref, zeroSHA, want.SHA); err != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Reference cannot be created")
	}
	return created(c.refJSON(want.Ref, want.SHA)), nil
}

func (c *call) mustBeCommit(sha string) error {
	if !shaRE.MatchString(sha) {
		return refuse(http.StatusUnprocessableEntity, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
	}
	if kind, err := c.git(c.repo, "cat-file", "-t", sha); err != nil || kind != "commit" {
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	}
	return nil
}

func updateRef(c *call) (reply, error) {
	var want struct {
		SHA   string `json:"sha"`
		Force bool   `json:"force"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if err := c.mustBeCommit(want.SHA); err != nil {
		return reply{}, err
	}
	refs, err := c.refs(c.repo)
	if err != nil {
		return reply{}, err
	}
	name := "refs/" + c.r.PathValue("ref")
	from, found := refs[name]
	if !found {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if !want.Force && !c.contains(c.repo, want.SHA, from) {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Update is not a fast forward")
	}
	if err := c.setRef(name, from, want.SHA); err != nil {
		return reply{}, err
	}
	return ok(c.refJSON(name, want.SHA)), nil
}

func deleteRef(c *call) (reply, error) {
	refs, err := c.refs(c.repo)
	if err != nil {
		return reply{}, err
	}
	name := "refs/" + c.r.PathValue("ref")
	from, found := refs[name]
	if !found {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if name == "refs/heads/"+c.repo.DefaultBranch {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Cannot delete the default branch")
	}
	if err := c.setRef(name, from, zeroSHA); err != nil {
		return reply{}, err
	}
	return noContent, nil
}

func (s signature) json() obj {
	return obj{"name": s.Name, "email": s.Email, "date": stamp(s.When)}
}

func (t *tx) gitCommitJSON(r *repository, com commit) obj {
	parent := func(sha string) obj {
		return obj{"sha": sha, "url": t.api("/repos/%s/git/commits/%s", r.fullName(), sha), "html_url": t.html("/%s/commit/%s", r.fullName(), sha)}
	}
	return obj{
		"sha": com.SHA, "node_id": nodeID("C", r.ID) + com.SHA, "url": t.api("/repos/%s/git/commits/%s", r.fullName(), com.SHA),
		"html_url": t.html("/%s/commit/%s", r.fullName(), com.SHA), "author": com.Author.json(), "committer": com.Committer.json(),
		"message": com.Message, "tree": obj{"sha": com.Tree, "url": t.api("/repos/%s/git/trees/%s", r.fullName(), com.Tree)},
		"parents": each(com.Parents, parent), "verification": unsigned,
	}
}

var unsigned = obj{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}

// commitJSON is a commit of the repository, where gitCommitJSON is one of git.
func (t *tx) commitJSON(r *repository, com commit) obj {
	self := t.api("/repos/%s/commits/%s", r.fullName(), com.SHA)
	parent := func(sha string) obj {
		return obj{"sha": sha, "url": t.api("/repos/%s/commits/%s", r.fullName(), sha), "html_url": t.html("/%s/commit/%s", r.fullName(), sha)}
	}
	return obj{
		"sha": com.SHA, "node_id": nodeID("C", r.ID) + com.SHA, "url": self, "comments_url": self + "/comments",
		"html_url": t.html("/%s/commit/%s", r.fullName(), com.SHA),
		"commit": obj{
			"url":    t.api("/repos/%s/git/commits/%s", r.fullName(), com.SHA),
			"author": com.Author.json(), "committer": com.Committer.json(), "message": com.Message, "comment_count": 0,
			"tree":         obj{"sha": com.Tree, "url": t.api("/repos/%s/git/trees/%s", r.fullName(), com.Tree)},
			"verification": unsigned,
		},
		"author": t.userJSON(t.userByEmail(com.Author.Email)), "committer": t.userJSON(t.userByEmail(com.Committer.Email)),
		"parents": each(com.Parents, parent),
	}
}

// diffJSON is files of the difference between two commits.
func (t *tx) diffJSON(r *repository, from, to string, files []diffEntry) ([]obj, error) {
	out := []obj{}
	for _, f := range files {
		o := obj{
			"sha": f.SHA, "filename": f.Path, "status": f.Status, "additions": f.Added, "deletions": f.Removed,
			"changes": f.Added + f.Removed, "blob_url": t.html("/%s/blob/%s/%s", r.fullName(), to, f.Path),
			"raw_url":      t.html("/%s/raw/%s/%s", r.fullName(), to, f.Path),
			"contents_url": t.api("/repos/%s/contents/%s?ref=%s", r.fullName(), f.Path, to),
		}
		if f.From != "" {
			o["previous_filename"] = f.From
		}
		patch, err := t.patch(r, from, to, f)
		if err != nil {
			return nil, err
		}
		if patch != "" {
			o["patch"] = patch
		}
		out = append(out, o)
	}
	return out, nil
}

func getGitCommit(c *call) (reply, error) {
	sha := c.r.PathValue("sha")
	if err := c.mustBeCommit(sha); err != nil {
		return reply{}, errNotFound
	}
	com, err := c.readCommit(c.repo, sha)
	if err != nil {
		return reply{}, err
	}
	return ok(c.gitCommitJSON(c.repo, com)), nil
}

// A treeEntry is what git ls-tree prints a line of.
type treeEntry struct {
	Mode, Type, SHA, Path string
	Size                  int
}

// treeLines lists the tree of rev with the given arguments of git ls-tree: at
// path, "" for the root, or in it if it ends with a slash.
func (s *Server) treeLines(r *repository, rev, path string, flags ...string) ([]treeEntry, error) {
	args := append([]string{"ls-tree", "-l", "-z"}, flags...)
	args = append(args, rev)
	if path != "" {
		args = append(args, "--", path)
	}
	out, err := s.git(r, args...)
	if err != nil {
		return nil, err
	}
	var entries []treeEntry
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		meta, name, found := strings.Cut(line, "\t")
		if f := strings.Fields(meta); found && len(f) == 4 {
			size, _ := strconv.Atoi(f[3]) // "-" for a tree
			entries = append(entries, treeEntry{f[0], f[1], f[2], name, size})
		}
	}
	return entries, nil
}

// blob returns the content of a file.
func (s *Server) blob(r *repository, sha string) ([]byte, error) {
	return s.command(s.repoDir(r), "cat-file", "blob", sha).Output()
}

// getTree answers GitHub REST, Get a tree. GitHub cuts trees off at 100,000
// entries.
func getTree(c *call) (reply, error) {
	rev := c.r.PathValue("sha")
	sha, err := c.resolve(c.repo, rev)
	if shaRE.MatchString(rev) {
		sha, err = c.git(c.repo, "rev-parse", "--verify", "--quiet", rev+"^{tree}")
	}
	if err != nil {
		return reply{}, errNotFound
	}
	tree, err := c.git(c.repo, "rev-parse", sha+"^{tree}")
	if err != nil {
		return reply{}, err
	}
	var flags []string
	if c.query("recursive") != "" {
		flags = []string{"-r", "-t"}
	}
	entries, err := c.treeLines(c.repo, tree, "", flags...)
	if err != nil {
		return reply{}, err
	}
	const limit = 100_000
	self := c.api("/repos/%s/git/", c.repo.fullName())
	return ok(obj{
		"sha": tree, "url": self + "trees/" + tree, "truncated": len(entries) > limit,
		"tree": each(entries[:min(len(entries), limit)], func(e treeEntry) obj {
			o := obj{"path": e.Path, "mode": e.Mode, "type": e.Type, "sha": e.SHA, "url": self + e.Type + "s/" + e.SHA}
			if e.Type == "blob" {
				o["size"] = e.Size
			}
			return o
		}),
	}), nil
}

func getBlob(c *call) (reply, error) {
	sha := c.r.PathValue("sha")
	if !shaRE.MatchString(sha) {
		return reply{}, errNotFound
	}
	data, err := c.blob(c.repo, sha)
	if err != nil {
		return reply{}, errNotFound
	}
	return ok(obj{"sha": sha, "node_id": nodeID("B", c.repo.ID) + sha, "size": len(data), "encoding": "base64",
		"url": c.api("/repos/%s/git/blobs/%s", c.repo.fullName(), sha), "content": base64.StdEncoding.EncodeToString(data)}), nil
}
