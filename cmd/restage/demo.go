package main

import (
	"context"
	_ "embed" // for the manifest
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/restage/restage/bot/demo"
	"github.com/restage/restage/bot/github"
)

// manifest is a copy of the app.yml at the top, where go:embed does not reach.
//
//go:embed app.yml
var manifest []byte

func demoCommand() *cobra.Command {
	opt := demo.Options{Manifest: manifest}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch the whole story on this machine",
		Long: `Plays the whole story: an issue with a plan is opened on a GitHub of its own and
labelled; three pull requests come one after the other, are checked and merged;
the issue is closed. The server, its database and git are the real ones. Nothing
leaves this machine.

It needs git and python3, which runs the sample repository's own tests. With
--dir, a demo that was cut short goes on where it was.`,
		Example: `  restage demo
  restage demo --dir /tmp/story --keep-running`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if opt.GitHubURL != "" && opt.GitHubListen == "" {
				return usageError{errors.New("--github-url needs --github-listen: what stands between must know where the GitHub is")}
			}
			if _, _, err := net.SplitHostPort(opt.GitHubListen); opt.GitHubListen != "" && err != nil {
				return usageError{fmt.Errorf("--github-listen %q: write HOST:PORT, such as 127.0.0.1:9000", opt.GitHubListen)}
			}
			if opt.Dir == "" {
				dir, err := os.MkdirTemp("", "restage-demo-")
				if err != nil {
					return err
				}
				opt.Dir = dir
			}
			if err := os.MkdirAll(opt.Dir, 0o777); err != nil {
				return err
			}
			if err := checkDemoDir(opt.Dir); err != nil {
				return usageError{fmt.Errorf("--dir: %w", err)}
			}
			logs, err := os.OpenFile(filepath.Join(opt.Dir, demoLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			defer logs.Close()
			opt.Out = cmd.OutOrStdout()
			opt.Serve = func(ctx context.Context, env map[string]string, l net.Listener) error {
				s, app, err := settingsFrom(env)
				if err != nil {
					return err
				}
				return serve(ctx, s, app, l, logs)
			}
			return demo.Run(cmd.Context(), opt)
		},
	}
	cmd.Flags().StringVar(&opt.Dir, "dir", "", "keep everything in the folder `DIR` (a new temporary one)")
	cmd.Flags().StringVar(&opt.GitHubListen, "github-listen", "", "let the GitHub listen at `ADDR`, such as 127.0.0.1:9000")
	cmd.Flags().StringVar(&opt.GitHubURL, "github-url", "", "let the server reach the GitHub at `URL`: a proxy may stand between")
	cmd.Flags().BoolVar(&opt.KeepRunning, "keep-running", false, "leave everything up after the end, until Ctrl-C")
	return cmd
}

// demoLog is the log of the server in the folder of a demo. It is the first
// file there.
const demoLog = "server.log"

// checkDemoDir fails if there is something in dir and no demo made it.
func checkDemoDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, demoLog)); err != nil {
		return fmt.Errorf("%s is not empty and holds no demo; name a new folder", dir)
	}
	return nil
}

// settingsFrom reads the settings from env as if it were the environment of the
// server, and nothing else.
func settingsFrom(env map[string]string) (*settings, *github.App, error) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "RESTAGE_") {
			os.Unsetenv(name)
		}
	}
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return readSettings()
}
