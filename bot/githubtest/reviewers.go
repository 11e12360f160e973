package githubtest

import (
	"net/http"
	"slices"
	"strings"
)

var reviewerRoutes = []route{
	{"POST /repos/{owner}/{repo}/pulls/{number}/requested_reviewers", "pull_requests:write", triager, requestReviewers},
}

// requestReviewers asks people to review a pull request. It asks all of them or,
// if one cannot be asked, nobody. There are no teams here to ask.
//
// GitHub REST: Request reviewers for a pull request.
func requestReviewers(c *call) (reply, error) {
	i, err := c.pull()
	if err != nil {
		return reply{}, err
	}
	var want struct {
		Reviewers []string `json:"reviewers"`
		Teams     []string `json:"team_reviewers"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	outsider := len(want.Teams) > 0
	var asked []*user
	for _, login := range want.Reviewers {
		u := c.findUser(login)
		switch {
		case u == nil || !c.isCollaborator(u):
			outsider = true
		case u.ID == i.User:
			return reply{}, refuse(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
		case !slices.Contains(i.Pull.Reviewers, u.ID) && !slices.Contains(asked, u):
			asked = append(asked, u)
		}
	}
	if outsider {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. "+
			"One or more of the users or teams you specified is not a collaborator of the %s repository.", c.repo.fullName())
	}
	for _, u := range asked {
		i.Pull.Reviewers = append(i.Pull.Reviewers, u.ID)
		i.Updated = c.now()
		c.put(i)
		c.emitIssue(i, "review_requested", obj{"requested_reviewer": c.userJSON(u)})
	}
	return created(c.pullSimpleJSON(c.repo, i)), nil
}

// isCollaborator reports whether a user owns the repository or was given a role
// in it. That everybody may read it, if it is public, is not enough.
func (c *call) isCollaborator(u *user) bool {
	return u.ID == c.repo.Parent || c.repo.Roles[strings.ToLower(u.Login)] > nobody
}
