package githubtest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A mergeRequest is the body of GitHub REST, Merge a pull request.
type mergeRequest struct {
	Title   *string `json:"commit_title"`
	Message *string `json:"commit_message"`
	SHA     string  `json:"sha"`
	Method  string  `json:"merge_method"`
}

func mergePull(c *call) (reply, error) {
	i, err := c.pull()
	if err != nil {
		return reply{}, err
	}
	want := mergeRequest{Method: "merge"}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if !slices.Contains([]string{"merge", "squash", "rebase"}, want.Method) {
		return reply{}, invalid("PullRequest", "merge_method", "invalid", "")
	}
	if !i.Open {
		return reply{}, refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	if i.Pull.Draft {
		return reply{}, refuse(http.StatusMethodNotAllowed, "Pull Request is still a draft")
	}
	base, head := c.tips(c.repo, i)
	if want.SHA != "" && want.SHA != head {
		return reply{}, refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	}
	commit, err := c.mergeCommit(i, want, base, head)
	if err != nil {
		return reply{}, err
	}
	i.Pull.BaseSHA, i.Pull.HeadSHA = base, head
	c.put(i)
	err = c.change(c.repo, c.who, intent{Issue: i.ID, Commit: commit}, func() error {
		_, err := c.git(c.repo, "update-ref", "refs/heads/"+i.Pull.Base, commit, base)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return ok(obj{"sha": commit, "merged": true, "message": "Pull Request successfully merged"}), nil
}

// mergeCommit makes the commit that the base branch goes to.
func (c *call) mergeCommit(i *issue, want mergeRequest, base, head string) (string, error) {
	me := signature{c.who.user.Login, noreply(c.who.user), c.now()}
	github := signature{"GitHub", "noreply@github.com", c.now()}
	if want.Method == "rebase" {
		return c.rebase(base, head, me)
	}
	tree, clean := c.mergeTree(c.repo, base, head)
	if !clean {
		return "", refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	com := commit{Tree: tree, Author: me, Committer: github}
	title := fmt.Sprintf("Merge pull request #%d from %s/%s", i.Number, c.repo.Owner, i.Pull.Head)
	message := i.Title
	com.Parents = []string{base, head}
	if want.Method == "squash" {
		commits, err := c.readCommits(c.repo, "--reverse", "--no-merges", "^"+base, head)
		if err != nil {
			return "", err
		}
		author := get[user](c.tx, i.User)
		com.Author = signature{author.Login, noreply(author), c.now()}
		com.Parents = []string{base}
		title, message = squashMessage(i, commits)
	}
	if want.Title != nil && *want.Title != "" {
		title = *want.Title
	}
	if want.Message != nil {
		message = *want.Message
	}
	com.Message = strings.TrimSpace(title+"\n\n"+message) + "\n"
	return c.writeCommit(c.repo, com)
}

// squashMessage is the message of a squash commit unless the request has one:
// the title and message of a single commit, or the title of the pull request
// and a list of the commits.
func squashMessage(i *issue, commits []commit) (title, message string) {
	number := fmt.Sprintf(" (#%d)", i.Number)
	if len(commits) == 1 {
		title, message, _ = strings.Cut(commits[0].Message, "\n")
		return title + number, strings.TrimSpace(message)
	}
	var b strings.Builder
	for _, com := range commits {
		fmt.Fprintf(&b, "* %s\n\n", com.Message)
	}
	return i.Title + number, b.String()
}

// mergeTree merges two commits and returns the resulting tree, and whether that
// worked without a conflict.
func (s *Server) mergeTree(r *repository, base, head string) (tree string, clean bool) {
	out, err := s.git(r, "merge-tree", "--write-tree", base, head)
	var failed *gitError
	if errors.As(err, &failed) && failed.status == 1 {
		return "", false
	}
	must(err)
	return out, true
}

// rebase makes copies of the commits of head that are not in base on top of
// base, without the merges, and returns the last.
func (c *call) rebase(base, head string, me signature) (string, error) {
	commits, err := c.readCommits(c.repo, "--reverse", "--topo-order", "--no-merges", "^"+base, head)
	if err != nil {
		return "", err
	}
	tip := base
	for _, com := range commits {
		tree, clean, err := c.pick(tip, com)
		if err != nil {
			return "", err
		}
		if !clean {
			return "", refuse(http.StatusMethodNotAllowed, "This branch can't be rebased")
		}
		com.Tree, com.Parents, com.Committer = tree, []string{tip}, me
		com.Message += "\n"
		if tip, err = c.writeCommit(c.repo, com); err != nil {
			return "", err
		}
	}
	return tip, nil
}

// pick applies the change of a commit to tip. git merge-tree knows only the
// merge base that history gives, so both sides are made anew with the parent of
// the commit for their history.
func (c *call) pick(tip string, com commit) (tree string, clean bool, err error) {
	side := func(tree string, parents ...string) string {
		sha, err := c.writeCommit(c.repo, commit{Tree: tree, Parents: parents, Message: "side\n",
			Author: com.Author, Committer: com.Committer})
		must(err)
		return sha
	}
	parentTree := emptyTree
	if len(com.Parents) > 0 {
		if parentTree, err = c.git(c.repo, "rev-parse", com.Parents[0]+"^{tree}"); err != nil {
			return "", false, err
		}
	}
	ours, err := c.git(c.repo, "rev-parse", tip+"^{tree}")
	if err != nil {
		return "", false, err
	}
	middle := side(parentTree)
	tree, clean = c.mergeTree(c.repo, side(ours, middle), side(com.Tree, middle))
	return tree, clean, nil
}

// writeCommit stores a commit and returns its id.
func (s *Server) writeCommit(r *repository, com commit) (string, error) {
	args := []string{"commit-tree", com.Tree}
	for _, parent := range com.Parents {
		args = append(args, "-p", parent)
	}
	cmd := s.command(s.repoDir(r), args...)
	cmd.Stdin = strings.NewReader(com.Message)
	cmd.Env = append(cmd.Env,
		"GIT_AUTHOR_NAME="+com.Author.Name, "GIT_AUTHOR_EMAIL="+com.Author.Email, "GIT_AUTHOR_DATE="+when(com.Author.When),
		"GIT_COMMITTER_NAME="+com.Committer.Name, "GIT_COMMITTER_EMAIL="+com.Committer.Email, "GIT_COMMITTER_DATE="+when(com.Committer.When))
	return s.run(cmd)
}
