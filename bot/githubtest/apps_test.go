package githubtest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-github/v60/github"
	"github.com/restage/restage/bot/githubtest"
)

// restricted is a client whose tokens have fewer permissions.
func (w *world) restricted(t *testing.T, p github.InstallationPermissions) *github.Client {
	t.Helper()
	tr, err := ghinstallation.New(http.DefaultTransport, w.app.ID, w.inst, w.app.PEM)
	check(t, err)
	tr.BaseURL = w.URL() + "/api/v3"
	tr.InstallationTokenOptions = &github.InstallationTokenOptions{Permissions: &p}
	return enterprise(t, w.URL(), &http.Client{Transport: tr})
}

// get makes a request with the authorization and returns the status and the
// message of the answer.
func (w *world) get(t *testing.T, path, authorization string) string {
	t.Helper()
	r, err := http.NewRequest("GET", w.URL()+"/api/v3"+path, nil)
	check(t, err)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	check(t, err)
	var body struct{ Message string }
	json.Unmarshal(data, &body)
	return strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", body.Message))
}

func TestApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	a, _, err := w.asApp.Apps.Get(ctx, "")
	check(t, err)
	same(t, "app", []any{a.GetID() == w.app.ID, a.GetSlug(), a.GetName(), a.GetPermissions().GetChecks()}, "[true mover Mover write]")
	list, _, err := w.asApp.Apps.ListInstallations(ctx, nil)
	check(t, err)
	same(t, "installations", []any{len(list), list[0].GetID() == w.inst, list[0].GetAccount().GetLogin(), list[0].GetRepositorySelection()}, "[1 true ada selected]")
	inst, _, err := w.asApp.Apps.FindRepositoryInstallation(ctx, "ada", "engine")
	check(t, err)
	same(t, "installation", inst.GetID(), w.inst)
	_, _, err = w.asApp.Apps.FindRepositoryInstallation(ctx, "ada", "nope")
	wantError(t, err, 404, "Not Found")
	check(t, w.CreateRepository("ada", "other", true))
	_, _, err = w.asApp.Apps.FindRepositoryInstallation(ctx, "ada", "other")
	wantError(t, err, 404, "Not Found")
	repos, _, err := w.bot.Apps.ListRepos(ctx, nil)
	check(t, err)
	same(t, "repositories", []any{repos.GetTotalCount(), repos.Repositories[0].GetFullName()}, "[1 ada/engine]")
	_, _, err = w.bot.Repositories.Get(ctx, "ada", "other")
	wantError(t, err, 404, "Not Found")
	limits, _, err := w.bot.RateLimit.Get(ctx)
	check(t, err)
	same(t, "limit", limits.GetCore().Limit, 5000)
	repo, _, err := w.ada.Repositories.Get(ctx, "ada", "engine")
	check(t, err)
	same(t, "repository", []any{repo.GetDefaultBranch(), repo.GetPrivate(), repo.GetCloneURL()}, "[main true "+w.URL()+"/ada/engine.git]")
	_, _, err = w.ada.Repositories.Create(ctx, "", &github.Repository{Name: github.String("new"), AutoInit: github.Bool(true)})
	check(t, err)
	_, _, err = w.ada.Repositories.Create(ctx, "", &github.Repository{Name: github.String("new")})
	wantError(t, err, 422, "name already exists on this account")
}

func TestJWT(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{Now: func() time.Time { return day(10) }})
	mine, err := jwt.ParseRSAPrivateKeyFromPEM(w.app.PEM)
	check(t, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	id := fmt.Sprint(w.app.ID)
	at := func(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(day(10).Add(d)) }
	const far = "401 'Expiration time' claim ('exp') is too far in the future"
	for _, c := range []struct {
		name   string
		key    *rsa.PrivateKey
		claims jwt.RegisteredClaims
		want   string
	}{
		{"good", mine, jwt.RegisteredClaims{Issuer: id, IssuedAt: at(-time.Minute), ExpiresAt: at(9 * time.Minute)}, "200"},
		{"longest", mine, jwt.RegisteredClaims{Issuer: id, IssuedAt: at(0), ExpiresAt: at(10 * time.Minute)}, "200"},
		{"too long", mine, jwt.RegisteredClaims{Issuer: id, IssuedAt: at(0), ExpiresAt: at(11 * time.Minute)}, far},
		{"expired", mine, jwt.RegisteredClaims{Issuer: id, IssuedAt: at(-9 * time.Minute), ExpiresAt: at(0)}, "401 'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"},
		{"from the future", mine, jwt.RegisteredClaims{Issuer: id, IssuedAt: at(5 * time.Minute), ExpiresAt: at(9 * time.Minute)}, "401 'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"},
		{"no issuer", mine, jwt.RegisteredClaims{IssuedAt: at(0), ExpiresAt: at(time.Minute)}, "401 'Issuer' claim ('iss') must be an Integer"},
		{"unknown app", mine, jwt.RegisteredClaims{Issuer: "7", IssuedAt: at(0), ExpiresAt: at(time.Minute)}, "404 Integration not found"},
		{"another key", other, jwt.RegisteredClaims{Issuer: id, IssuedAt: at(0), ExpiresAt: at(time.Minute)}, "401 A JSON web token could not be decoded"},
	} {
		signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, c.claims).SignedString(c.key)
		check(t, err)
		same(t, c.name, w.get(t, "/app", "Bearer "+signed), c.want)
	}
	hmac, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{Issuer: id, IssuedAt: at(0), ExpiresAt: at(time.Minute)}).SignedString(w.app.PEM)
	check(t, err)
	same(t, "HS256", w.get(t, "/app", "Bearer "+hmac), "401 A JSON web token could not be decoded")
	same(t, "no token", w.get(t, "/app", ""), "401 A JSON web token could not be decoded")
	same(t, "a person", w.get(t, "/app", "token "+w.token["ada"]), "401 A JSON web token could not be decoded")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	now := clockAt(time.Now())
	w := newWorld(t, githubtest.Options{Now: now.read})
	tok := w.botToken(t)
	if !strings.HasPrefix(tok, "ghs_") || !strings.HasPrefix(w.token["ada"], "ghp_") {
		t.Errorf("tokens are %s and %s", tok, w.token["ada"])
	}
	const repo = "/repos/ada/engine"
	same(t, "fresh", w.get(t, repo, "token "+tok), "200")
	same(t, "as a password", w.get(t, repo, "Basic eA=="), "401 Bad credentials")
	same(t, "wrong", w.get(t, repo, "Bearer ghs_x"), "401 Bad credentials")
	same(t, "nobody", w.get(t, repo, ""), "404 Not Found")
	same(t, "who am I", w.get(t, "/user", "Bearer "+tok), "403 Resource not accessible by integration")

	_, _, err := w.asApp.Apps.CreateInstallationToken(ctx, w.inst, &github.InstallationTokenOptions{
		Permissions: &github.InstallationPermissions{Administration: github.String("write")}})
	wantError(t, err, 422, "The permissions requested are not granted to this installation.")
	_, _, err = w.asApp.Apps.CreateInstallationToken(ctx, w.inst, &github.InstallationTokenOptions{Repositories: []string{"nope"}})
	wantError(t, err, 422, "at least one repository")
	_, _, err = w.asApp.Apps.CreateInstallationToken(ctx, 7, nil)
	wantError(t, err, 404, "Not Found")
	check(t, w.CreateRepository("ada", "other", true))
	w.inst, err = w.Install(w.app.ID, "ada") // on all
	check(t, err)
	one, _, err := w.asApp.Apps.CreateInstallationToken(ctx, w.inst, &github.InstallationTokenOptions{Repositories: []string{"other"}})
	check(t, err)
	same(t, "one repository", w.get(t, repo, "Bearer "+one.GetToken())+w.get(t, "/repos/ada/other", "Bearer "+one.GetToken()), "404 Not Found200")

	now.forward(59 * time.Minute)
	same(t, "old", w.get(t, repo, "Bearer "+tok), "200")
	now.forward(time.Minute)
	same(t, "expired", w.get(t, repo, "Bearer "+tok), "401 Bad credentials")
}

// A clock goes on when a test says so. Webhooks that are under way read it beside.
type clock struct{ nanos atomic.Int64 }

func clockAt(t time.Time) *clock {
	c := new(clock)
	c.nanos.Store(t.UnixNano())
	return c
}

func (c *clock) read() time.Time         { return time.Unix(0, c.nanos.Load()) }
func (c *clock) forward(d time.Duration) { c.nanos.Add(int64(d)) }

// What the manifest does not ask for, the bot may not do.
func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	_, _, err := w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("Move")})
	check(t, err)
	dir := w.clone(t, "bob")
	head := commit(t, dir, "work", "One", "c.txt", "c\n")
	_, _, err = w.ada.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
	check(t, err)

	text := &github.IssueComment{Body: github.String("hello")}
	read, edit := github.String("read"), github.String("write")
	ops := map[string]func(*github.Client) error{
		"repository": func(c *github.Client) error { _, _, err := c.Repositories.Get(ctx, "ada", "engine"); return err },
		"permission": func(c *github.Client) error {
			_, _, err := c.Repositories.GetPermissionLevel(ctx, "ada", "engine", "bob")
			return err
		},
		"file": func(c *github.Client) error {
			_, _, _, err := c.Repositories.GetContents(ctx, "ada", "engine", "a.txt", nil)
			return err
		},
		"delete branch": func(c *github.Client) error {
			_, err := c.Git.DeleteRef(ctx, "ada", "engine", "heads/nope")
			return err
		},
		"issue":         func(c *github.Client) error { _, _, err := c.Issues.Get(ctx, "ada", "engine", 1); return err },
		"pull as issue": func(c *github.Client) error { _, _, err := c.Issues.Get(ctx, "ada", "engine", 2); return err },
		"on issue": func(c *github.Client) error {
			_, _, err := c.Issues.CreateComment(ctx, "ada", "engine", 1, text)
			return err
		},
		"on pull": func(c *github.Client) error {
			_, _, err := c.Issues.CreateComment(ctx, "ada", "engine", 2, text)
			return err
		},
		"pull": func(c *github.Client) error { _, _, err := c.PullRequests.Get(ctx, "ada", "engine", 2); return err },
		"new pull": func(c *github.Client) error {
			_, _, err := c.PullRequests.Create(ctx, "ada", "engine", newPull("x", "nope", "main"))
			return err
		},
		"merge": func(c *github.Client) error {
			_, _, err := c.PullRequests.Merge(ctx, "ada", "engine", 2, "", &github.PullRequestOptions{SHA: "x"})
			return err
		},
		"checks": func(c *github.Client) error {
			_, _, err := c.Checks.ListCheckRunsForRef(ctx, "ada", "engine", "work", nil)
			return err
		},
		"new check": func(c *github.Client) error {
			_, _, err := c.Checks.CreateCheckRun(ctx, "ada", "engine", github.CreateCheckRunOptions{Name: "x", HeadSHA: head})
			return err
		},
	}
	for _, c := range []struct {
		has  github.InstallationPermissions
		want string
	}{
		{github.InstallationPermissions{Metadata: read}, "repository permission"},
		{github.InstallationPermissions{Contents: read}, "repository permission file"},
		{github.InstallationPermissions{Contents: edit}, "repository permission file delete_branch merge"},
		{github.InstallationPermissions{Issues: read}, "repository permission issue pull_as_issue"},
		{github.InstallationPermissions{Issues: edit}, "repository permission issue pull_as_issue on_issue on_pull react"},
		{github.InstallationPermissions{PullRequests: read}, "repository permission pull"},
		{github.InstallationPermissions{PullRequests: edit}, "repository permission on_pull pull new_pull"},
		{github.InstallationPermissions{Checks: read}, "repository permission checks"},
		{github.InstallationPermissions{Checks: edit}, "repository permission checks new_check"},
	} {
		bot := w.restricted(t, c.has)
		for name, op := range ops {
			may := strings.Contains(" "+c.want+" ", " "+strings.ReplaceAll(name, " ", "_")+" ")
			err := op(bot)
			var e *github.ErrorResponse
			refused := errors.As(err, &e) && e.Response.StatusCode == 403 && e.Message == "Resource not accessible by integration"
			if refused == may {
				t.Errorf("%v: %s: %v", c.has, name, err)
			}
		}
	}
	if _, _, err := w.ada.Checks.CreateCheckRun(ctx, "ada", "engine", github.CreateCheckRunOptions{Name: "x", HeadSHA: head}); err == nil {
		t.Error("a person made a check run")
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	for _, login := range []string{"cy", "di", "flo", "gus"} {
		_, err := w.AddUser(login)
		check(t, err)
	}
	for login, role := range map[string]string{"cy": "read", "di": "triage", "flo": "maintain", "gus": "admin"} {
		check(t, w.SetPermission("ada", "engine", login, role))
	}
	for login, want := range map[string]string{"ada": "admin admin", "bob": "write write", "eve": "none none", "cy": "read read",
		"di": "read triage", "flo": "write maintain", "gus": "admin admin", "mover[bot]": "none none"} {
		p, _, err := w.bot.Repositories.GetPermissionLevel(ctx, "ada", "engine", login)
		check(t, err)
		same(t, login, p.GetPermission()+" "+p.GetUser().GetRoleName(), want)
	}
	_, _, err := w.bot.Repositories.GetPermissionLevel(ctx, "ada", "engine", "nobody")
	wantError(t, err, 404, "Not Found")
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{RateLimit: 2})
	const repo = "/repos/ada/engine"
	same(t, "first", w.get(t, repo, "token "+w.token["ada"]), "200")
	same(t, "second", w.get(t, repo, "token "+w.token["ada"]), "200")
	u, _, err := w.bob.Users.Get(ctx, "ada")
	check(t, err)
	same(t, "third", w.get(t, repo, "token "+w.token["ada"]), fmt.Sprintf("403 API rate limit exceeded for user ID %d.", u.GetID()))
	_, _, err = w.bob.Repositories.Get(ctx, "ada", "engine")
	check(t, err)
	_, _, err = w.bob.Repositories.Get(ctx, "ada", "engine")
	var limit *github.RateLimitError
	if !errors.As(err, &limit) {
		t.Errorf("error is %v, want a RateLimitError", err)
	}
}

// Who writes too often has to wait for the next minute, but may read.
func TestWriteLimit(t *testing.T) {
	t.Parallel()
	now := clockAt(time.Date(2026, 2, 3, 4, 5, 20, 0, time.UTC))
	w := newWorld(t, githubtest.Options{WriteLimit: 2, Now: now.read})
	write := func() error {
		client, err := github.NewClient(nil).WithAuthToken(w.token["ada"]).WithEnterpriseURLs(w.URL(), w.URL())
		check(t, err)
		_, _, err = client.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("Move")})
		return err
	}
	check(t, write())
	check(t, write())
	err := write()
	var limit *github.AbuseRateLimitError
	if !errors.As(err, &limit) || limit.GetRetryAfter() != 40*time.Second {
		t.Errorf("error is %v, want one that says to wait for the next minute", err)
	}
	same(t, "reading", w.get(t, "/repos/ada/engine", "token "+w.token["ada"]), "200")
	now.forward(40 * time.Second)
	check(t, write())
}

// What was not modified is not sent again, and does not count.
func TestETag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	_, resp, err := w.ada.Repositories.Get(ctx, "ada", "engine")
	check(t, err)
	left := resp.Rate.Remaining
	r, err := w.ada.NewRequest("GET", "repos/ada/engine", nil)
	check(t, err)
	r.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	resp, err = w.ada.BareDo(ctx, r)
	if err == nil || resp.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", resp.StatusCode)
	}
	same(t, "remaining", resp.Rate.Remaining, left)
}

func TestManifest(t *testing.T) {
	t.Parallel()
	s, err := githubtest.Open(t.TempDir(), githubtest.Options{})
	check(t, err)
	defer s.Close()
	_, err = s.AddUser("ada")
	check(t, err)
	for text, want := range map[string]string{
		"name: A":                 "name and url must be set",
		"name: A\nurl: u\nfoo: 1": "foo",
		"name: A\nurl: u\ndefault_events: [issues]":           "issues needs the permission issues",
		"name: A\nurl: u\ndefault_events: [tea]":              `"tea" is no event`,
		"name: A\nurl: u\ndefault_permissions: {issues: all}": `"all" is not read, write or admin`,
	} {
		if _, err := s.RegisterApp("ada", []byte(text), "http://127.0.0.1:1", "s"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
