// Package github is the way out to GitHub: it acts for the app, through the
// REST API and git.
//
// An App holds the key of the app. Repo gives one repository as one
// installation of the app sees it; everything is asked and done through it. A
// Clone is one or two commits of a repository without their history: commits
// are built in it as objects, never in a working folder, and pushed.
//
// Tokens live in this package alone. They travel in the Authorization header
// of a request and nowhere else: no URL, no file, no child process, no error.
package github

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"
)

// Config says which GitHub and which app.
type Config struct {
	URL        string            // root of the GitHub; "" means https://github.com
	AppID      int64             // from the settings page of the app
	PrivateKey []byte            // PEM, as GitHub gave it out
	WorkDir    string            // where clones are kept while in use; "" means the system's folder for temporary files
	Transport  http.RoundTripper // nil means http.DefaultTransport

	// WriteInterval is the time between two writes to a repository, 0 for none.
	// GitHub asks for a second: "Best practices for using the REST API", Pause
	// between mutative requests.
	WriteInterval time.Duration

	// MayWrite, if not nil, is asked right before each write with the context of
	// the caller. Its error is returned in place of writing.
	MayWrite func(context.Context) error
}

// An App is a GitHub App: who restage is on GitHub. It is safe for use by
// several goroutines.
type App struct {
	web     *url.URL // where people look at repositories and git clones from
	api     string   // root of the REST API, with a trailing slash
	base    http.RoundTripper
	rest    *gh.Client // as the app itself
	id      int64
	key     []byte
	workDir string
	lock    *os.File // see claim; nil without a workDir

	interval time.Duration // between writes
	mayWrite func(context.Context) error

	mu            sync.Mutex
	installations map[int64]*installation
	turns         map[string]turn // by repository
	identity      *Identity
}

// An installation is a way to GitHub for one installation of the app.
// Installations share no rate limit.
type installation struct {
	limited *gate    // minds rate limits, adds no authorization
	session *session // over limited
}

// timeout bounds one request to the REST API, waiting for its turn included.
const timeout = 3 * time.Minute

// New returns the app that cfg describes. It fails if the URL or the key
// cannot be read; it asks GitHub nothing. Clones that a killed process left in
// the work folder are removed, unless a live one uses the folder too. It fails
// if there is no such folder.
func New(cfg Config) (*App, error) {
	root := strings.TrimRight(cfg.URL, "/")
	if root == "" {
		root = "https://github.com"
	}
	web, err := url.Parse(root)
	if err != nil || web.Host == "" || web.User != nil || (web.Scheme != "https" && web.Scheme != "http") {
		return nil, errors.New("the URL of GitHub must look like https://github.example.com, without user and password")
	}
	base := cfg.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	mayWrite := cfg.MayWrite
	if mayWrite == nil {
		mayWrite = func(context.Context) error { return nil }
	}
	a := &App{
		web:           web,
		api:           root + "/api/v3/",
		base:          &conditional{base: again{base, retries}},
		id:            cfg.AppID,
		key:           cfg.PrivateKey,
		workDir:       cfg.WorkDir,
		interval:      cfg.WriteInterval,
		mayWrite:      mayWrite,
		installations: map[int64]*installation{},
		turns:         map[string]turn{},
	}
	if web.Host == "github.com" {
		a.api = "https://api.github.com/"
	}
	self, err := a.asApp(&gate{base: again{base, retries}})
	if err != nil {
		return nil, err
	}
	if a.rest, err = a.client(a.paced(self, newTurn())); err != nil {
		return nil, err
	}
	if cfg.WorkDir == "" {
		sweep(os.TempDir(), false) // who else uses that is anybody's guess
		return a, nil
	}
	a.lock, err = claim(cfg.WorkDir)
	return a, err
}

// asApp returns a way to GitHub over base that proves to be the app itself.
func (a *App) asApp(base http.RoundTripper) (*ghinstallation.AppsTransport, error) {
	t, err := ghinstallation.NewAppsTransport(base, a.id, a.key)
	if err != nil { // which may quote the key
		return nil, errors.New("the private key of the GitHub App cannot be read: it must be the PEM file that GitHub gave out")
	}
	t.BaseURL = strings.TrimRight(a.api, "/")
	return t, nil
}

// A Repo is one repository as one installation of the app sees it.
type Repo struct {
	Owner, Name string

	app  *App
	inst *installation
	rest *gh.Client
	turn turn
}

// Repo returns the repository owner/name as the installation with that id sees
// it. It asks GitHub nothing.
func (a *App) Repo(id int64, owner, name string) (*Repo, error) {
	inst, err := a.installation(id)
	if err != nil {
		return nil, err
	}
	turn := a.turn(owner + "/" + name)
	rest, err := a.client(a.paced(inst.session, turn))
	if err != nil {
		return nil, err
	}
	return &Repo{Owner: owner, Name: name, app: a, inst: inst, rest: rest, turn: turn}, nil
}

// turn returns the turn to write to a repository.
func (a *App) turn(repo string) turn {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := strings.ToLower(repo)
	if a.turns[name] == nil {
		a.turns[name] = newTurn()
	}
	return a.turns[name]
}

func (a *App) installation(id int64) (*installation, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if inst, ok := a.installations[id]; ok {
		return inst, nil
	}
	limited := &gate{base: a.base}
	apps, err := a.asApp(limited)
	if err != nil {
		return nil, err
	}
	inst := &installation{limited: limited, session: newSession(limited, apps, id)}
	a.installations[id] = inst
	return inst, nil
}

func (a *App) client(auth http.RoundTripper) (*gh.Client, error) {
	c := gh.NewClient(&http.Client{Transport: auth, Timeout: timeout})
	base, err := url.Parse(a.api)
	if err != nil {
		return nil, fmt.Errorf("reading the address of the REST API: %w", err)
	}
	c.BaseURL = base
	return c, nil
}

// errReused says that a name belongs to another repository now.
var errReused = errors.New("the name belongs to another repository now")

// Find returns the repository under the name it has now, which may have changed
// since. GitHub leads from an old name to the new one until another
// repository takes the old name: IsGone tells of the error if that one's
// number is not id. OutOfReach tells of one that is archived.
//
// GitHub REST: Get a repository.
func (r *Repo) Find(ctx context.Context, id int64) (*Repo, error) {
	now, _, err := r.rest.Repositories.Get(ctx, r.Owner, r.Name)
	if err == nil && now.GetID() != id {
		err = errReused
	}
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", r, err)
	}
	if now.GetArchived() {
		return nil, fmt.Errorf("looking for %s: %w", r, errArchived)
	}
	found := *r
	found.Owner, found.Name = now.GetOwner().GetLogin(), now.GetName()
	return &found, nil
}

// URL returns the address of the repository for people.
func (r *Repo) URL() string { return r.app.web.JoinPath(r.Owner, r.Name).String() }

// String returns owner/name.
func (r *Repo) String() string { return r.Owner + "/" + r.Name }

// An Identity is who the app is when it comments and commits.
type Identity struct {
	Login string // such as "restage[bot]"
	Email string // the address that GitHub links to the login
}

// Identity returns the app's own user. It asks once and remembers.
//
// GitHub REST: Get the authenticated app; Get a user.
func (r *Repo) Identity(ctx context.Context) (Identity, error) {
	a := r.app
	a.mu.Lock()
	known := a.identity
	a.mu.Unlock()
	if known != nil {
		return *known, nil
	}

	app, _, err := a.rest.Apps.Get(ctx, "")
	if err != nil {
		return Identity{}, fmt.Errorf("asking who the app is: %w", err)
	}
	login := app.GetSlug() + "[bot]"
	user, _, err := r.rest.Users.Get(ctx, login)
	if err != nil {
		return Identity{}, fmt.Errorf("asking for the user of the app: %w", err)
	}
	id := &Identity{
		Login: login,
		Email: fmt.Sprintf("%d+%s@users.noreply.%s", user.GetID(), login, a.web.Hostname()),
	}
	a.mu.Lock()
	a.identity = id
	a.mu.Unlock()
	return *id, nil
}

// File returns the content of the file at path on the default branch, at most
// 1 MB of it, which is as much as GitHub hands out. A file that is not there
// gives an error that wraps fs.ErrNotExist; one that GitHub does not hand out,
// and a path that leaves the repository, one that wraps fs.ErrInvalid.
//
// GitHub REST: Get repository content.
func (r *Repo) File(ctx context.Context, path string) ([]byte, error) {
	if !fs.ValidPath(path) || strings.Contains(path, "..") {
		return nil, fmt.Errorf("reading %q: not a path inside the repository: %w", path, fs.ErrInvalid)
	}
	file, _, res, err := r.rest.Repositories.GetContents(ctx, r.Owner, r.Name, path, nil)
	switch {
	case res != nil && res.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("reading %s: %w", path, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", path, err)
	case file == nil || file.GetType() != "file":
		return nil, fmt.Errorf("reading %s: not a file: %w", path, fs.ErrNotExist)
	case file.GetEncoding() == "none":
		return nil, fmt.Errorf("reading %s: larger than 1 MB: %w", path, fs.ErrInvalid)
	}
	text, err := file.GetContent()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return []byte(text), nil
}

// Contains reports whether a commit is part of the history of another.
//
// GitHub REST: Compare two commits.
func (r *Repo) Contains(ctx context.Context, tip, commit string) (bool, error) {
	c, _, err := r.rest.Repositories.CompareCommits(ctx, r.Owner, r.Name, commit, tip, &gh.ListOptions{PerPage: 1})
	if IsGone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("comparing %s with %s: %w", commit, tip, err)
	}
	return c.GetStatus() == "ahead" || c.GetStatus() == "identical", nil
}

// Renamed returns the name that a branch has now which was called otherwise
// before, "" if it has none. GitHub leads from an old name to the new one.
//
// GitHub REST: Get a branch.
func (r *Repo) Renamed(ctx context.Context, branch string) (string, error) {
	req, err := r.rest.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/branches/%s", r.Owner, r.Name, url.PathEscape(branch)), nil)
	if err != nil {
		return "", fmt.Errorf("looking for the branch %s: %w", branch, err)
	}
	var now gh.Branch
	_, err = r.rest.Do(ctx, req, &now)
	if isStatus(err, http.StatusNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking for the branch %s: %w", branch, err)
	}
	return now.GetName(), nil
}

// DefaultBranch returns the name of the default branch.
//
// GitHub REST: Get a repository.
func (r *Repo) DefaultBranch(ctx context.Context) (string, error) {
	repo, _, err := r.rest.Repositories.Get(ctx, r.Owner, r.Name)
	if err != nil {
		return "", fmt.Errorf("looking at the repository: %w", err)
	}
	return repo.GetDefaultBranch(), nil
}

// CanWrite reports whether the user login may push to the repository.
//
// GitHub REST: Get repository permissions for a user. Its "maintain" is shown
// as "write".
func (r *Repo) CanWrite(ctx context.Context, login string) (bool, error) {
	level, res, err := r.rest.Repositories.GetPermissionLevel(ctx, r.Owner, r.Name, login)
	if res != nil && res.StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking what %s may do: %w", login, err)
	}
	return level.GetPermission() == "admin" || level.GetPermission() == "write", nil
}

// MayWriteWorkflows reports whether the app may push changes to
// .github/workflows: who installed it must have granted that by itself, beside
// the permission to write contents.
//
// GitHub REST: Create an installation access token for an app.
func (r *Repo) MayWriteWorkflows(ctx context.Context) (bool, error) {
	_, granted, err := r.inst.session.token(ctx)
	if err != nil {
		return false, fmt.Errorf("asking what the app may do: %w", err)
	}
	return granted.GetWorkflows() == "write", nil
}

// all returns the items of all pages of a list.
func all[T any](list func(gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	var items []T
	for page := 1; page != 0; {
		more, res, err := list(gh.ListOptions{Page: page, PerPage: 100})
		if err != nil {
			return nil, err
		}
		items = append(items, more...)
		page = res.NextPage
	}
	return items, nil
}

// IsGone reports whether err says that what was asked for is not there, or not
// for this app any more: the issue or the repository was deleted, its name is
// that of another repository, the app was uninstalled.
func IsGone(err error) bool {
	var e *ghinstallation.HTTPError
	if errors.As(err, &e) {
		return e.Response != nil && e.Response.StatusCode == http.StatusNotFound
	}
	return isStatus(err, http.StatusNotFound) || isStatus(err, http.StatusGone) || errors.Is(err, errReused)
}

// IsTaken reports whether err says that the name of a repository is that of
// another one now.
func IsTaken(err error) bool { return errors.Is(err, errReused) }

// IsRefused reports whether err is an answer of GitHub by which it does not do
// what it was asked for, and will not do it the next time.
func IsRefused(err error) bool {
	return IsGone(err) || isStatus(err, http.StatusBadRequest) || isStatus(err, http.StatusUnprocessableEntity)
}

// isStatus reports whether err is an answer of GitHub with the given status.
func isStatus(err error, status int) bool {
	var e *gh.ErrorResponse
	return errors.As(err, &e) && e.Response != nil && e.Response.StatusCode == status
}
