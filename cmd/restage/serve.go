package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/restage/restage/bot"
	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/webhook"
)

// Times of the server.
const (
	resyncEvery   = 5 * time.Minute  // how long a lost webhook delays a migration at most
	shutdownLimit = 20 * time.Second // for requests under way when the server stops
	readyLimit    = 2 * time.Second  // for the store to answer
)

func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the GitHub App server",
		Long: `Runs the server of the GitHub App until it is told to stop (SIGTERM, Ctrl-C). It
takes webhooks at /webhook and says how it is at /healthz and /readyz.

It is configured by the environment; docs/configuration.md lists all of it:

  RESTAGE_APP_ID            the number of the GitHub App
  RESTAGE_PRIVATE_KEY       its private key, or RESTAGE_PRIVATE_KEY_FILE
  RESTAGE_WEBHOOK_SECRET    its webhook secret
  RESTAGE_DATABASE_URL      where to remember: sqlite: and a file, or
                            postgres://USER:PASSWORD@HOST/DATABASE (sqlite:restage.db)
  RESTAGE_KEEP_DELIVERIES   how long handled deliveries are kept (720h)
  RESTAGE_LISTEN            where to listen (:8080)
  RESTAGE_GITHUB_URL        another GitHub than https://github.com
  RESTAGE_LABEL             the label that starts a migration (restage)
  RESTAGE_WORK_DIR          where clones are kept while in use
  RESTAGE_WRITE_INTERVAL    the time between two writes to a repository on GitHub (1s)
  RESTAGE_RUNNER            bubblewrap, kubernetes or none: how a repository's own
                            commands are run (bubblewrap, where that works);
                            docs/runner.md
  RESTAGE_LOG_LEVEL         debug, info, warn or error (info)`,
		Example: `  RESTAGE_APP_ID=123 RESTAGE_PRIVATE_KEY_FILE=key.pem RESTAGE_WEBHOOK_SECRET=... restage serve`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, app, err := readSettings()
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", s.Listen)
			if err != nil {
				return usageError{fmt.Errorf("RESTAGE_LISTEN: %w", err)}
			}
			return serve(cmd.Context(), s, app, l, cmd.ErrOrStderr())
		},
	}
}

// serve runs the server that s describes on l until ctx ends, and logs to logs.
func serve(ctx context.Context, s *settings, app *github.App, l net.Listener, logs io.Writer) error {
	defer l.Close()
	log := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: s.LogLevel}))
	st, err := store.Open(ctx, s.DatabaseURL, log)
	if err != nil {
		return usageError{err}
	}
	defer st.Close()
	run, err := newRunner(ctx, s, log)
	if err != nil {
		return usageError{err}
	}
	b := bot.New(bot.Config{Store: st, GitHub: app, Runner: run, Secrets: s.secrets(), Log: log, Label: s.Label})
	server := &http.Server{
		Handler:           handler(st, []byte(s.WebhookSecret), log),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}

	told := ctx // to stop
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return st.Run(ctx, store.Handlers{
			Delivery:    b.Delivery,
			Reconcile:   b.Reconcile,
			Guard:       b.Guard,
			Command:     b.Command,
			Commands:    s.limits.Parallel,
			Resync:      b.Resync,
			ResyncEvery: resyncEvery,
		})
	})
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
		defer cancel()
		return server.Shutdown(limit)
	})
	log.Info("serving", "address", l.Addr().String(), "github", s.GithubURL, "version", currentVersion())
	err = g.Wait()
	if told.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // it was still starting
	}
	log.Info("stopped")
	return err
}

// newRunner returns the runner that s asks for. If it asks for none in particular,
// and commands cannot be run here, none are run.
func newRunner(ctx context.Context, s *settings, log *slog.Logger) (runner.Runner, error) {
	s.limits.WorkDir = s.WorkDir
	r, err := runner.New(ctx, s.Runner, s.limits)
	if err != nil && s.Runner == "" {
		log.Warn("commands of repositories are not run", "reason", err)
		return runner.None{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("RESTAGE_RUNNER: %w", err)
	}
	return r, nil
}

// handler returns what the server answers with.
func handler(st *store.Store, secret []byte, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(webhook.Path, webhook.New(st, secret, log))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyLimit)
		defer cancel()
		if _, err := st.Unfinished(ctx); err != nil {
			log.Warn("the store does not answer", "error", err)
			http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
