// Package webhook takes deliveries from GitHub. It verifies that GitHub signed
// them, stores them, and answers; it knows nothing of what they lead to.
//
// The order is the idea. A delivery is stored, with the job of handling it,
// before it is answered, so what GitHub was told is accepted survives a power
// cut. And a body is bytes, no more, until its signature is verified.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/sync/semaphore"

	"github.com/restage/restage/bot/store"
)

// Path is where the handler serves.
const Path = "/webhook"

// Bounds of a body and of all of them together, in bytes. Who sends is known
// only when all is there, so what anybody can make the server hold is bounded.
// Most of what GitHub sends is small and never waits for what is large.
const (
	maxBody  = 25 << 20  // GitHub's own limit of a payload
	usual    = 16 << 10  // room that is made for a body before it is there
	small    = 256 << 10 // up to here a body needs no room among the large ones
	maxLarge = 64 << 20  // for all that are larger
)

// events are those that restage acts on, by X-GitHub-Event.
var events = map[string]bool{
	"check_run":     true,
	"check_suite":   true,
	"issue_comment": true,
	"issues":        true,
	"pull_request":  true,
}

var (
	deliveryID = regexp.MustCompile(`^[0-9A-Za-z._:-]{1,100}$`) // GitHub sends a GUID
	eventName  = regexp.MustCompile(`^[0-9a-z_]{1,100}$`)
)

// New returns the handler of POST /webhook. The secret is the one that the
// GitHub App has; if it is empty every delivery is refused. The answers, each
// with one line of text, are
//
//	202 the delivery is stored; its event is handled soon, or it is one that
//	    restage does not act on: then it is stored as handled, without a job
//	200 a delivery with this id is stored already; nothing was done
//	400 a header is missing or malformed, or the payload is no JSON object
//	401 X-Hub-Signature-256 is missing or wrong; X-Hub-Signature does not count
//	404 another path
//	405 another method
//	408 the body did not arrive in time
//	413 the body is larger than 25 MB
//	415 neither JSON nor a form
//	503 the store failed, or too many large bodies are arriving: GitHub shows
//	    that, and can deliver again
func New(st *store.Store, secret []byte, log *slog.Logger) http.Handler {
	return &handler{
		store:    st,
		secret:   secret,
		log:      log,
		timeout:  10 * time.Second, // GitHub waits no longer
		large:    semaphore.NewWeighted(maxLarge),
		patience: 2 * time.Second,
	}
}

type handler struct {
	store    *store.Store
	secret   []byte
	log      *slog.Logger
	timeout  time.Duration       // for the body to arrive, and for the store to take it
	large    *semaphore.Weighted // the bytes of large bodies that may be in memory
	patience time.Duration       // how long a large body waits for its room
}

// A refusal is an error with the status to answer. Its text goes to whoever
// sent the request.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, text, err := h.receive(w, r)
	var refused refusal
	switch {
	case errors.As(err, &refused):
		status, text = refused.status, refused.text
		h.log.Info("delivery refused", "status", status, "reason", text, "remote", r.RemoteAddr)
	case err != nil:
		status, text = http.StatusServiceUnavailable, "cannot store the delivery now"
		h.log.Error("delivery not stored", "error", err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "10")
	}
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// receive does what a request asks for and returns the answer. The error is a
// refusal, or the store's.
func (h *handler) receive(w http.ResponseWriter, r *http.Request) (status int, text string, err error) {
	if r.URL.Path != Path {
		return 0, "", refusal{http.StatusNotFound, "not found"}
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return 0, "", refusal{http.StatusMethodNotAllowed, "use POST"}
	}
	d, err := fromHeaders(r.Header)
	if err != nil {
		return 0, "", err
	}
	signature, err := signatureOf(r.Header)
	if err != nil {
		return 0, "", err
	}
	body, release, err := h.read(w, r)
	defer release()
	if err != nil {
		return 0, "", err
	}
	if !h.signed(body, signature) {
		return 0, "", refusal{http.StatusUnauthorized, "X-Hub-Signature-256 does not match: is the webhook secret the same here and on GitHub?"}
	}
	d.Payload = payload(r.Header, body)
	if err := describe(&d); err != nil {
		return 0, "", err
	}
	return h.add(r.Context(), d)
}

// add stores the delivery.
func (h *handler) add(ctx context.Context, d store.Delivery) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	d.Received = time.Now()
	text = "accepted"
	if !events[d.Event] {
		d.Handled = d.Received
		text = "ignored: restage does not act on this event"
	}
	added, err := h.store.AddDelivery(ctx, d)
	if err != nil {
		return 0, "", err
	}
	if !added {
		return http.StatusOK, "received before", nil
	}
	return http.StatusAccepted, text, nil
}

// fromHeaders returns the delivery as far as its headers tell.
func fromHeaders(header http.Header) (store.Delivery, error) {
	d := store.Delivery{ID: header.Get("X-GitHub-Delivery"), Event: header.Get("X-GitHub-Event")}
	if !eventName.MatchString(d.Event) {
		return d, refusal{http.StatusBadRequest, "X-GitHub-Event is missing or malformed"}
	}
	if !deliveryID.MatchString(d.ID) {
		return d, refusal{http.StatusBadRequest, "X-GitHub-Delivery is missing or malformed"}
	}
	if contentType(header) == "" {
		return d, refusal{http.StatusUnsupportedMediaType, "Content-Type must be application/json or application/x-www-form-urlencoded"}
	}
	return d, nil
}

// contentType returns the media type of the body if it is one that GitHub
// sends, else "".
func contentType(header http.Header) string {
	switch media, _, _ := mime.ParseMediaType(header.Get("Content-Type")); media {
	case "application/json", "application/x-www-form-urlencoded":
		return media
	}
	return ""
}

// signatureOf returns the HMAC in X-Hub-Signature-256. GitHub: Validating
// webhook deliveries. The older X-Hub-Signature, with SHA-1, is not looked at.
func signatureOf(header http.Header) ([]byte, error) {
	digits, ok := strings.CutPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return nil, refusal{http.StatusUnauthorized, "X-Hub-Signature-256 is missing or malformed"}
	}
	return sum, nil
}

// signed reports, in constant time, whether the signature is that of the body.
func (h *handler) signed(body, signature []byte) bool {
	if len(h.secret) == 0 {
		return false // anybody could have signed
	}
	mac := hmac.New(sha256.New, h.secret)
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), signature)
}

// read reads the body, at most maxBody bytes of it. The caller must call release
// when it is done with the body, or with the error.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	release = func() {}
	if r.ContentLength > maxBody {
		return nil, release, errTooLarge
	}
	// Whoever sends slowly must not keep what was read in memory. Where there
	// is no connection to set a deadline on, nothing is slow.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.timeout))
	in := http.MaxBytesReader(w, r.Body, maxBody)
	var buf bytes.Buffer
	buf.Grow(int(min(max(r.ContentLength, 0), usual)) + bytes.MinRead) // growing step by step copies
	if _, err := io.CopyN(&buf, in, small+1); err != nil {
		return buf.Bytes(), release, arrival(err)
	}
	size := r.ContentLength
	if size <= small { // it is not known
		size = maxBody
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.patience)
	defer cancel()
	if h.large.Acquire(ctx, size) != nil {
		return nil, release, refusal{http.StatusServiceUnavailable, "too many large deliveries at once, try again later"}
	}
	release = func() { h.large.Release(size) }
	buf.Grow(int(size) - buf.Len() + bytes.MinRead)
	_, err = buf.ReadFrom(in)
	return buf.Bytes(), release, arrival(err)
}

var errTooLarge = refusal{http.StatusRequestEntityTooLarge, "the payload is larger than 25 MB"}

// arrival returns what the error means that reading a body ended with, nil if
// it arrived whole.
func arrival(err error) error {
	var over *http.MaxBytesError
	switch {
	case err == nil || err == io.EOF:
		return nil
	case errors.As(err, &over):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusal{http.StatusRequestTimeout, "the payload did not arrive in time"}
	}
	return refusal{http.StatusBadRequest, "the payload did not arrive whole"}
}

// payload returns the JSON in a body, which is the body or the form value
// "payload". It is nil if a form has none.
func payload(header http.Header, body []byte) []byte {
	if contentType(header) == "application/json" {
		return body
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("payload") {
		return nil
	}
	return []byte(form.Get("payload"))
}

// describe fills in what the payload tells about the delivery.
func describe(d *store.Delivery) error {
	p := gjson.ParseBytes(d.Payload)
	if !valid(d.Payload) || !p.IsObject() {
		return errNotGitHubs
	}
	ok := true
	p.ForEach(func(key, value gjson.Result) bool {
		switch {
		case value.Type == gjson.Null:
		case key.Str == "action":
			d.Action, ok = value.Str, value.Type == gjson.String
		case key.Str == "installation":
			id, err := strconv.ParseInt(value.Get("id").Raw, 10, 64)
			d.Installation, ok = id, err == nil
		case key.Str == "repository":
			name := value.Get("full_name")
			d.Repository, ok = name.Str, name.Type == gjson.String
		}
		return ok
	})
	if !ok {
		return errNotGitHubs
	}
	return nil
}

var errNotGitHubs = refusal{http.StatusBadRequest, "the payload is not a JSON object of GitHub's"}

// maxOpened is how many brackets a payload may open and still be checked by gjson,
// which recurses as deep as they are nested.
const maxOpened = 10_000

// valid reports whether data is JSON. gjson finds that out sooner than encoding/json
// does, which costs the receiver more than all else but storing.
func valid(data []byte) bool {
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxOpened {
		return json.Valid(data)
	}
	return gjson.ValidBytes(data)
}
