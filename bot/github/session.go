package github

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"
)

// A session makes requests with the token of an installation. GitHub may not
// know a token any more when it gets to see it: it ran out while the request was
// under way, or everybody's were revoked. The request is made again with a
// new one then, also if it writes, for it had no effect.
type session struct {
	base http.RoundTripper
	apps *ghinstallation.AppsTransport
	id   int64 // of the installation

	mu   sync.Mutex
	auth *ghinstallation.Transport // gets tokens
	last string                    // the newest token
}

func newSession(base http.RoundTripper, apps *ghinstallation.AppsTransport, id int64) *session {
	return &session{base: base, apps: apps, id: id, auth: ghinstallation.NewFromAppsTransport(apps, id)}
}

// token returns a token that is good for a minute at least, and what it permits.
func (s *session) token(ctx context.Context) (string, gh.InstallationPermissions, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, err := s.auth.Token(ctx)
	if err != nil {
		return "", gh.InstallationPermissions{}, err
	}
	s.last = token
	granted, err := s.auth.Permissions()
	if err != nil {
		return "", gh.InstallationPermissions{}, fmt.Errorf("reading what a token permits: %w", err)
	}
	return token, granted, nil
}

// forget makes sure that a token is not used again.
func (s *session) forget(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == token {
		s.auth = ghinstallation.NewFromAppsTransport(s.apps, s.id)
	}
}

// RoundTrip implements http.RoundTripper.
func (s *session) RoundTrip(req *http.Request) (*http.Response, error) {
	token, res, err := s.send(req, req.Body)
	if err != nil || res.StatusCode != http.StatusUnauthorized || req.Body != nil && req.GetBody == nil {
		return res, err
	}
	s.forget(token)
	body := req.Body
	if req.GetBody != nil {
		if body, err = req.GetBody(); err != nil {
			return res, nil
		}
	}
	drop(res)
	_, res, err = s.send(req, body)
	return res, err
}

// send makes a request with that body, and returns the token that it had.
func (s *session) send(req *http.Request, body io.ReadCloser) (string, *http.Response, error) {
	token, _, err := s.token(req.Context())
	if err != nil {
		if body != nil {
			body.Close()
		}
		return "", nil, err
	}
	out := req.Clone(req.Context())
	out.Body = body
	out.Header.Set("Authorization", "token "+token)
	res, err := s.base.RoundTrip(out)
	return token, res, err
}
