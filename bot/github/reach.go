package github

import (
	"errors"
	"net/http"
	"strings"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/go-git/go-git/v5/plumbing/transport"
	gh "github.com/google/go-github/v60/github"
)

// errArchived says that nothing can be written to a repository.
var errArchived = errors.New("the repository is archived")

// OutOfReach reports whether err says that GitHub does not let the app do what
// it is to do, and what people can do about that: a sentence or two.
func OutOfReach(err error) (why string, ok bool) {
	var token *ghinstallation.HTTPError
	switch {
	case errors.As(err, &token) && token.Response != nil && token.Response.StatusCode == http.StatusNotFound,
		isStatus(err, http.StatusUnauthorized): // with a new token, too
		return "The GitHub App is not installed here any more. Install it again to go on.", true
	case errors.As(err, &token) && token.Response != nil && token.Response.StatusCode == http.StatusForbidden,
		refusedFor(err, "suspended"):
		return "The installation of the GitHub App is suspended. Unsuspend it to go on.", true
	case errors.Is(err, errArchived), refusedFor(err, "archived"):
		return "The repository is archived, so nothing can be written to it. Unarchive it to go on.", true
	case refusedFor(err, "IP allow list"):
		return "The organization lets only some IP addresses in, and restage's is none of them. Put it on the IP allow list to go on.", true
	case refusedFor(err, "SAML"):
		return "The organization asks for single sign-on, which keeps the app out. Let an owner of the organization allow the app to go on.", true
	case refusedFor(err, "access blocked"), isStatus(err, http.StatusUnavailableForLegalReasons):
		return "GitHub has blocked access to the repository. restage goes on when it does not any more.", true
	case issuesDisabled(err):
		return "Issues are switched off in this repository. Switch them on to go on.", true
	case errors.Is(err, transport.ErrAuthorizationFailed), refusedFor(err, "not accessible by integration"):
		return "GitHub does not let the app do what it has to do. Give the app the permissions that it asks for to go on.", true
	}
	return "", false
}

// issuesDisabled reports whether err says that the repository has no issues at all:
// one that was deleted has the same status.
func issuesDisabled(err error) bool {
	var e *gh.ErrorResponse
	return isStatus(err, http.StatusGone) && errors.As(err, &e) && strings.Contains(e.Message, "disabled")
}

// refusedFor reports whether GitHub forbade a request for a reason that it tells
// in these words.
func refusedFor(err error, words string) bool {
	var e *gh.ErrorResponse
	return isStatus(err, http.StatusForbidden) && errors.As(err, &e) && strings.Contains(e.Message, words)
}
