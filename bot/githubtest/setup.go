package githubtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The methods in this file make sure that something is there. What is there
// already is left as it is, so that they can be called again after each start.

// nameRE is what logins and names of repositories look like.
var nameRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// AddUser makes sure that there is a person with the login, and returns their
// personal access token.
func (s *Server) AddUser(login string) (token string, err error) {
	u, err := s.addUser(login, "User")
	return u.Token, err
}

// AddOrganization makes sure that there is an organization with the login.
func (s *Server) AddOrganization(login string) error {
	_, err := s.addUser(login, "Organization")
	return err
}

func (s *Server) addUser(login, kind string) (u user, err error) {
	if !nameRE.MatchString(login) {
		return user{}, fmt.Errorf("add user: %q is no login", login)
	}
	err = s.do(context.Background(), func(t *tx) error {
		if old := t.findUser(login); old != nil {
			u = *old
			return nil
		}
		u = user{Login: login, Type: kind, Created: t.now()}
		if kind == "User" {
			u.Token = newToken("ghp")
		}
		t.put(&u)
		if u.Token != "" {
			t.put(&token{base: base{ID: tokenID(u.Token), Parent: u.ID}})
		}
		return nil
	})
	return u, err
}

// A Commit is a commit to begin a repository with.
type Commit struct {
	Message string
	Author  string    // such as "Ada <ada@example.com>"
	When    time.Time // of author and committer
	Files   fs.FS     // all files of the commit, not only those that it changes
}

// CreateRepository makes sure that there is a repository owner/name, for whose
// owner AddUser or AddOrganization was called. A new one has the branch main
// with the given commits, oldest first. It sends no webhooks.
func (s *Server) CreateRepository(owner, name string, private bool, commits ...Commit) error {
	if !nameRE.MatchString(name) || strings.HasSuffix(name, ".git") {
		return fmt.Errorf("create repository: %q is no name", name)
	}
	return s.do(context.Background(), func(t *tx) error {
		u := t.findUser(owner)
		if u == nil {
			return fmt.Errorf("create repository %s/%s: there is no user %s", owner, name, owner)
		}
		_, err := t.createRepository(u, name, private, commits)
		if err != nil {
			return fmt.Errorf("create repository %s/%s: %w", owner, name, err)
		}
		return nil
	})
}

func (t *tx) createRepository(owner *user, name string, private bool, commits []Commit) (*repository, error) {
	if r := t.findRepo(owner.Login, name); r != nil {
		return r, nil
	}
	r := &repository{Owner: owner.Login, Name: name, Private: private, DefaultBranch: "main", Created: t.now(), Pushed: t.now()}
	r.Parent = owner.ID
	dir := t.repoDir(r)
	if err := os.RemoveAll(dir); err != nil { // from a process that died right here
		return nil, err
	}
	if _, err := t.run(t.command(t.dir, "init", "--quiet", "--bare", dir)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "hooks"), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "hooks", "pre-receive"), []byte(preReceive), 0o700); err != nil {
		return nil, err
	}
	if len(commits) > 0 {
		if err := t.importCommits(r, commits); err != nil {
			return nil, err
		}
	}
	t.put(r)
	refs, err := t.refs(r)
	if err != nil {
		return nil, err
	}
	for ref, sha := range refs {
		t.put(&seen{base: base{Parent: r.ID}, Ref: ref, SHA: sha})
	}
	for _, l := range defaultLabels {
		l.Parent = r.ID
		t.put(&l)
	}
	return r, nil
}

// importCommits makes commits on the default branch with git fast-import, one
// process for all of them.
func (s *Server) importCommits(r *repository, commits []Commit) error {
	var in strings.Builder
	for _, c := range commits {
		when := fmt.Sprintf("%d +0000", c.When.Unix())
		fmt.Fprintf(&in, "commit refs/heads/%s\nauthor %s %s\ncommitter %s %s\ndata %d\n%s\ndeleteall\n",
			r.DefaultBranch, c.Author, when, c.Author, when, len(c.Message), c.Message)
		err := fs.WalkDir(c.Files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return importFile(&in, c.Files, path, d)
		})
		if err != nil {
			return err
		}
	}
	cmd := s.command(s.repoDir(r), "fast-import", "--quiet", "--done")
	in.WriteString("done\n")
	cmd.Stdin = strings.NewReader(in.String())
	_, err := s.run(cmd)
	return err
}

func importFile(in *strings.Builder, files fs.FS, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := fs.ReadLink(files, path)
		fmt.Fprintf(in, "M 120000 inline %q\ndata %d\n%s\n", path, len(target), target)
		return err
	}
	data, err := fs.ReadFile(files, path)
	if err != nil {
		return err
	}
	mode := "100644"
	if info.Mode()&0o111 != 0 {
		mode = "100755"
	}
	fmt.Fprintf(in, "M %s inline %q\ndata %d\n%s\n", mode, path, len(data), data)
	return nil
}

// SetPermission makes login a collaborator of the repository owner/name, with
// the role read, triage, write, maintain or admin; none takes it away.
func (s *Server) SetPermission(owner, name, login, permission string) error {
	has, ok := roleNames[permission]
	if !ok {
		return fmt.Errorf("set permission: %q is not read, triage, write, maintain, admin or none", permission)
	}
	return s.do(context.Background(), func(t *tx) error {
		r, u := t.findRepo(owner, name), t.findUser(login)
		if r == nil || u == nil {
			return fmt.Errorf("set permission of %s on %s/%s: no such user or repository", login, owner, name)
		}
		if r.Roles == nil {
			r.Roles = map[string]role{}
		}
		r.Roles[strings.ToLower(login)] = has
		t.put(r)
		return nil
	})
}

// An App is a registered GitHub App.
type App struct {
	ID    int64
	Slug  string // its bot is called Slug[bot]
	Owner string
	PEM   []byte // its private key, PKCS #1
}

// RegisterApp makes sure that owner has an app with the name in the manifest,
// which is YAML with the keys of GitHub's. An app that is there is brought up to
// date with the manifest and the webhook, and keeps its id and key. From now on
// its webhooks are delivered to hookURL, signed with secret.
func (s *Server) RegisterApp(owner string, manifest []byte, hookURL, secret string) (App, error) {
	m, err := parseManifest(manifest)
	if err != nil {
		return App{}, err
	}
	if u, err := url.Parse(hookURL); err != nil || u.Host == "" {
		return App{}, fmt.Errorf("register app: %q is no URL for webhooks", hookURL)
	}
	var a *app
	err = s.do(context.Background(), func(t *tx) error {
		u := t.findUser(owner)
		if u == nil {
			return fmt.Errorf("register app: there is no user %s", owner)
		}
		a = first(all[app](t), func(a *app) bool { return a.Slug == m.slug() })
		if a == nil {
			if a, err = t.newApp(u, m.slug()); err != nil {
				return err
			}
		}
		a.Manifest, a.Webhook, a.Secret = m, hookURL, secret
		t.put(a)
		return nil
	})
	if err != nil {
		return App{}, err
	}
	s.startSender(a.ID)
	return App{ID: a.ID, Slug: a.Slug, Owner: owner, PEM: []byte(a.PEM)}, nil
}

func (t *tx) newApp(owner *user, slug string) (*app, error) {
	key := t.opts.Key
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
	}
	bot := &user{Login: slug + "[bot]", Type: "Bot", Created: t.now()}
	t.put(bot)
	a := &app{Slug: slug, Bot: bot.ID, Created: t.now(), ClientID: "Iv23li" + newGUID()[:8]}
	a.Parent = owner.ID
	a.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	return a, nil
}

// Install makes sure that an app is installed on repositories of one owner, on
// all of them if none is named, and returns the id of the installation. The app
// gets an installation event for a new installation.
func (s *Server) Install(appID int64, owner string, repos ...string) (int64, error) {
	var inst *installation
	err := s.do(context.Background(), func(t *tx) error {
		a, u := get[app](t, appID), t.findUser(owner)
		if a == nil || u == nil {
			return fmt.Errorf("install app %d for %s: no such app or user", appID, owner)
		}
		var ids []int64
		for _, name := range repos {
			r := t.findRepo(owner, name)
			if r == nil {
				return fmt.Errorf("install app %d: there is no repository %s/%s", appID, owner, name)
			}
			ids = append(ids, r.ID)
		}
		inst = first(list[installation](t, appID), func(i *installation) bool { return i.Account == u.ID })
		if inst != nil && slices.Equal(inst.Repos, ids) {
			return nil
		}
		if inst != nil {
			inst.Repos = ids
			t.put(inst)
			return nil
		}
		inst = &installation{Account: u.ID, Repos: ids, Created: t.now()}
		inst.Parent = appID
		t.put(inst)
		t.deliverInstallation(inst, "created")
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.senders.wake()
	return inst.ID, nil
}

// RepositoryDir returns the folder of the bare git repository of owner/name. It
// is for looking at; what is changed there without the server counts as a push
// of the owner when the server opens the folder again.
func (s *Server) RepositoryDir(owner, name string) (string, error) {
	dir := filepath.Join(s.dir, "repositories", owner, name+".git")
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no repository %s/%s", owner, name)
	}
	return dir, err
}
