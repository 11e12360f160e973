package demo

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/restage/restage/bot/githubtest"
)

// A world is where the story takes place: a GitHub with a repository and an
// app, and what the server of the app must know.
type world struct {
	github   *githubtest.Server
	token    string // of the maintainer
	url      string // where people reach the GitHub
	listener net.Listener
	env      map[string]string
}

// openWorld makes sure that everything is there.
func openWorld(opt Options) (*world, error) {
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	gh, err := githubtest.Open(filepath.Join(opt.Dir, "github"), githubtest.Options{
		URL:        opt.GitHubURL,
		Middleware: opt.Middleware,
		RateLimit:  1_000_000, // a maintainer who looks five times a second
	})
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("start the GitHub: %w", err)
	}
	w := &world{github: gh, listener: listener}
	if err := w.fill(opt); err != nil {
		listener.Close()
		gh.Close()
		return nil, err
	}
	return w, nil
}

// start lets the GitHub listen: where it did before, if nothing else is said,
// so that the links in what was written keep leading to it.
func (w *world) start(opt Options) error {
	if opt.GitHubListen != "" {
		return w.github.Start(opt.GitHubListen)
	}
	file := filepath.Join(opt.Dir, "github", "address")
	before, err := os.ReadFile(file)
	if err == nil && w.github.Start(string(before)) == nil {
		return nil
	}
	if err := w.github.Start("127.0.0.1:0"); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(strings.TrimPrefix(w.github.URL(), "http://")), 0o600)
}

func (w *world) fill(opt Options) error {
	gh := w.github
	if err := w.start(opt); err != nil {
		return fmt.Errorf("start the GitHub: %w", err)
	}
	w.url = gh.URL()
	if opt.GitHubURL != "" {
		w.url = "http://" + opt.GitHubListen
	}
	if err := gh.AddOrganization(owner); err != nil {
		return err
	}
	var err error
	if w.token, err = gh.AddUser(maintainer); err != nil {
		return err
	}
	if err := gh.CreateRepository(owner, repository, false, history()...); err != nil {
		return err
	}
	if err := gh.SetPermission(owner, repository, maintainer, "maintain"); err != nil {
		return err
	}
	secret := rand.Text() // a new one each time: the app is registered anew each time
	hook := "http://" + w.listener.Addr().String() + "/webhook"
	app, err := gh.RegisterApp(owner, opt.Manifest, hook, secret)
	if err != nil {
		return err
	}
	if _, err := gh.Install(app.ID, owner, repository); err != nil {
		return err
	}
	work := filepath.Join(opt.Dir, "work")
	w.env = map[string]string{
		"RESTAGE_APP_ID":         strconv.FormatInt(app.ID, 10),
		"RESTAGE_PRIVATE_KEY":    string(app.PEM),
		"RESTAGE_WEBHOOK_SECRET": secret,
		"RESTAGE_DATABASE_URL":   "sqlite:" + filepath.Join(opt.Dir, "restage.db"),
		"RESTAGE_GITHUB_URL":     gh.URL(),
		"RESTAGE_LABEL":          label,
		"RESTAGE_LISTEN":         w.listener.Addr().String(),
		"RESTAGE_LOG_LEVEL":      "warn",
		"RESTAGE_WORK_DIR":       work,
		"RESTAGE_WRITE_INTERVAL": "0s", // this GitHub asks for none
	}
	if os.Geteuid() == 0 { // commands run as somebody else, who has to get through
		if err := os.Chmod(opt.Dir, 0o711); err != nil {
			return err
		}
	}
	return os.MkdirAll(work, 0o711)
}
