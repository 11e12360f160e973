package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/store"
)

// minKeepDeliveries is more than the three days for which GitHub may send a
// delivery again.
const minKeepDeliveries = 96 * time.Hour

// settings is the configuration of the server. Each field is read from the
// environment: AppID from RESTAGE_APP_ID and so on.
type settings struct {
	AppID          int64         `split_words:"true"`
	PrivateKey     string        `split_words:"true"`
	PrivateKeyFile string        `split_words:"true"`
	WebhookSecret  string        `split_words:"true"`
	DatabaseURL    string        `split_words:"true" default:"sqlite:restage.db"`
	Listen         string        `split_words:"true" default:":8080"`
	GithubURL      string        `split_words:"true" default:"https://github.com"`
	Label          string        `split_words:"true" default:"restage"`
	WorkDir        string        `split_words:"true"`
	LogLevel       slog.Level    `split_words:"true" default:"info"`
	WriteInterval  time.Duration `split_words:"true" default:"1s"`
	KeepDeliveries time.Duration `split_words:"true" default:"720h"`
	Runner         string
	limits         runner.Settings // from RESTAGE_RUNNER_PARALLEL and so on
}

// readSettings reads the environment and makes the GitHub App from it. The
// error is one line that names every variable that is wrong, and the value of
// none that is secret.
func readSettings() (*settings, *github.App, error) {
	var s settings
	err := envconfig.Process("restage", &s)
	if err == nil {
		err = envconfig.Process("restage_runner", &s.limits)
	}
	if err != nil {
		var parse *envconfig.ParseError
		if errors.As(err, &parse) {
			what := map[string]string{"int": "a number", "int64": "a number", "bool": "true or false", "slog.Level": "debug, info, warn or error",
				"time.Duration": "a time such as 90s or 20m", "runner.Size": "a size such as 512MiB or 2GiB"}[parse.TypeName]
			err = fmt.Errorf("%s is %q: it must be %s", parse.KeyName, parse.Value, what)
		}
		return nil, nil, usageError{err}
	}
	var wrong []string
	mustBe := func(ok bool, name, what string) {
		if !ok {
			wrong = append(wrong, "RESTAGE_"+name+" must be "+what)
		}
	}
	mustBe(s.AppID > 0, "APP_ID", "the number of the GitHub App")
	mustBe(s.WebhookSecret != "", "WEBHOOK_SECRET", "the webhook secret of the GitHub App")
	_, _, err = net.SplitHostPort(s.Listen)
	mustBe(err == nil, "LISTEN", "HOST:PORT or :PORT")
	mustBe(isURL(s.GithubURL), "GITHUB_URL", "a URL such as https://github.example.com")
	mustBe(s.Label != "" && len(s.Label) <= 50, "LABEL", "the name of a label, of 1 to 50 characters")
	mustBe(s.KeepDeliveries >= minKeepDeliveries, "KEEP_DELIVERIES", "a time of 96h or more")
	mustBe(s.WriteInterval >= 0 && s.WriteInterval <= time.Minute, "WRITE_INTERVAL", "a time from 0s to 1m")
	info, err := os.Stat(s.WorkDir)
	mustBe(slices.Contains([]string{"", "bubblewrap", "kubernetes", "none"}, s.Runner), "RUNNER", "bubblewrap, kubernetes or none")
	mustBe(s.WorkDir == "" || err == nil && info.IsDir(), "WORK_DIR", "a folder that exists")

	key, err := s.privateKey()
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	if len(wrong) > 0 {
		return nil, nil, usageError{errors.New(strings.Join(wrong, "; "))}
	}
	app, err := github.New(github.Config{URL: s.GithubURL, AppID: s.AppID, PrivateKey: key, WorkDir: s.WorkDir, WriteInterval: s.WriteInterval, MayWrite: store.Held})
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("RESTAGE_PRIVATE_KEY, RESTAGE_GITHUB_URL: %w", err)}
	}
	return &s, app, nil
}

// privateKey returns the PEM text of the App's private key.
func (s *settings) privateKey() ([]byte, error) {
	switch {
	case s.PrivateKey != "" && s.PrivateKeyFile != "":
		return nil, errors.New("only one of RESTAGE_PRIVATE_KEY and RESTAGE_PRIVATE_KEY_FILE may be set")
	case s.PrivateKeyFile != "":
		key, err := os.ReadFile(s.PrivateKeyFile)
		if err != nil {
			return nil, fmt.Errorf("RESTAGE_PRIVATE_KEY_FILE: %w", err)
		}
		return key, nil
	case s.PrivateKey != "":
		// Many ways to set a variable cannot hold a line break.
		return []byte(strings.ReplaceAll(s.PrivateKey, `\n`, "\n")), nil
	}
	return nil, errors.New("RESTAGE_PRIVATE_KEY must be the private key of the GitHub App, or RESTAGE_PRIVATE_KEY_FILE the file that holds it")
}

// secrets returns what no log may show.
func (s *settings) secrets() []string {
	key, _ := s.privateKey() // it was read before
	all := []string{s.WebhookSecret, string(key), s.DatabaseURL}
	return slices.DeleteFunc(all, func(secret string) bool { return secret == "" || strings.HasPrefix(secret, "sqlite:") })
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
