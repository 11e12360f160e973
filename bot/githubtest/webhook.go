package githubtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An event is something that apps may want to hear of.
type event struct {
	repo    *repository
	name    string // such as "issues"
	action  string
	sender  *user
	payload obj // without what all payloads have
	// only, if not 0, is the one app that hears of it.
	only int64
	// on is what a person acted on when that matters for the permission that
	// an app needs to hear of it: comments on issues and on pull requests
	// are the same event.
	on *issue
}

// emit makes a delivery of the event for each app that is installed on the
// repository and subscribes to it.
func (t *tx) emit(e event) {
	if e.action != "" {
		e.payload["action"] = e.action
	}
	e.payload["repository"] = t.repoJSON(e.repo)
	e.payload["sender"] = t.userJSON(e.sender)
	if owner := get[user](t, e.repo.Parent); owner.Type == "Organization" {
		e.payload["organization"] = t.organizationJSON(owner)
	}
	for _, inst := range all[installation](t) {
		a := get[app](t, inst.Parent)
		if t.installed(inst, e.repo) && (e.only == 0 || e.only == a.ID) && a.Manifest.hears(e) {
			t.deliver(a, inst, e)
		}
	}
}

// deliver stores a delivery, which the sender attempts soon.
func (t *tx) deliver(a *app, inst *installation, e event) {
	e.payload["installation"] = obj{"id": inst.ID, "node_id": nodeID("I", inst.ID)}
	if e.name == "installation" {
		e.payload["installation"] = t.installationJSON(inst)
	}
	data, err := json.Marshal(e.payload)
	if err != nil {
		panic(failure{err})
	}
	d := &delivery{GUID: newGUID(), Event: e.name, Action: e.action, Installation: inst.ID, Payload: data}
	d.Parent = a.ID
	if e.repo != nil {
		d.Repo = e.repo.ID
	}
	t.enqueue(d)
}

// enqueue stores a delivery that is to be attempted.
func (t *tx) enqueue(d *delivery) {
	t.put(d)
	t.put(&pending{base{ID: d.ID, Parent: d.Parent}})
}

// senders deliver the webhooks of each app, one after the other.
type senders struct {
	mu   sync.Mutex
	apps map[int64]chan struct{} // by app; a message says that there is work
	idle chan struct{}           // closed and replaced whenever a sender runs out of work
}

// wake tells all senders to look for work.
func (s *senders) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, work := range s.apps {
		select {
		case work <- struct{}{}:
		default:
		}
	}
}

// startSender starts the sender of an app unless it runs.
func (s *Server) startSender(appID int64) {
	s.senders.mu.Lock()
	defer s.senders.mu.Unlock()
	if s.senders.apps == nil {
		s.senders.apps, s.senders.idle = map[int64]chan struct{}{}, make(chan struct{})
	}
	if s.senders.apps[appID] != nil {
		return
	}
	work := make(chan struct{}, 1)
	work <- struct{}{}
	s.senders.apps[appID] = work
	s.running.Go(func() {
		for {
			select {
			case <-work:
				s.sendPending(appID)
			case <-s.ctx.Done():
				return
			}
		}
	})
}

// sendPending attempts all pending deliveries of an app, oldest first.
func (s *Server) sendPending(appID int64) {
	for s.ctx.Err() == nil {
		var a *app
		var d *delivery
		err := s.do(s.ctx, func(t *tx) error {
			a = get[app](t, appID)
			if next := list[pending](t, appID); len(next) > 0 {
				d = get[delivery](t, next[0].ID)
			}
			return nil
		})
		if err != nil {
			s.opts.Log.Error("webhook not sent", "error", err)
			return
		}
		if d == nil {
			s.senders.mu.Lock()
			close(s.senders.idle)
			s.senders.idle = make(chan struct{})
			s.senders.mu.Unlock()
			return
		}
		s.attempt(a, d)
		if s.ctx.Err() != nil {
			return // what was cut off by Close is attempted again
		}
		err = s.do(s.ctx, func(t *tx) error {
			t.put(d)
			t.remove(&pending{base{ID: d.ID}})
			return nil
		})
		if err != nil {
			s.opts.Log.Error("webhook not recorded", "error", err)
			return
		}
	}
}

// Idle waits until all webhooks of the registered apps have been attempted.
func (s *Server) Idle(ctx context.Context) error {
	for {
		s.senders.mu.Lock()
		idle := s.senders.idle
		s.senders.mu.Unlock()
		var n int
		err := s.do(ctx, func(t *tx) error { n = len(all[pending](t)); return nil })
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("%d webhooks are not delivered: %w", n, ctx.Err())
		}
	}
}

// attempt sends a webhook once and notes in d what came of it: GitHub, "Webhook
// events and payloads", Delivery headers. GitHub waits 10 seconds for an
// answer.
func (s *Server) attempt(a *app, d *delivery) {
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write(d.Payload)
	d.RequestHeader = map[string]string{
		"Accept":                                 "*/*",
		"Content-Type":                           "application/json",
		"User-Agent":                             "GitHub-Hookshot/7b3c1f0",
		"X-GitHub-Delivery":                      d.GUID,
		"X-GitHub-Event":                         d.Event,
		"X-GitHub-Hook-ID":                       strconv.FormatInt(a.hookID(), 10),
		"X-GitHub-Hook-Installation-Target-ID":   strconv.FormatInt(a.ID, 10),
		"X-GitHub-Hook-Installation-Target-Type": "integration",
		"X-Hub-Signature-256":                    "sha256=" + hex.EncodeToString(mac.Sum(nil)),
	}
	began := time.Now()
	err := s.post(ctx, a.Webhook, d)
	d.Delivered = s.now()
	d.Duration = time.Since(began).Round(10 * time.Millisecond).Seconds()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		d.Status, d.Code = "timed out", 0
	default:
		d.Status, d.Code = "failed to connect to host", 0
		s.opts.Log.Debug("webhook not delivered", "event", d.Event, "delivery", d.GUID, "error", err)
	}
}

func (s *Server) post(ctx context.Context, url string, d *delivery) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Payload))
	if err != nil {
		return err
	}
	for key, value := range d.RequestHeader {
		r.Header.Set(key, value)
	}
	noRedirect := &http.Client{Transport: s.opts.Webhooks, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := noRedirect.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	d.Code, d.Response = resp.StatusCode, string(body)
	d.Status = "OK"
	if resp.StatusCode >= 300 {
		d.Status = "Invalid HTTP Response: " + strconv.Itoa(resp.StatusCode)
	}
	d.ResponseHeader = map[string]string{}
	for key, values := range resp.Header {
		d.ResponseHeader[key] = strings.Join(values, ", ")
	}
	return nil
}

// hookID is the id of the app's one webhook.
func (a *app) hookID() int64 { return a.ID + 1_000_000 }
