package githubtest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// An obj is a JSON object to send.
type obj = map[string]any

// A route is one operation of the API.
type route struct {
	pattern string // of http.ServeMux
	// app is the permission that the token of an installation must have, such
	// as "checks:write", as GitHub documents it in "Permissions required for
	// GitHub Apps". Any one of several separated by | will do. "jwt" is for an
	// app itself, "installation" for any of its tokens, "" for nobody.
	app string
	// user is the role that a person must have in the repository. nobody
	// leaves the route to apps; anyone needs no repository.
	user   role
	handle func(*call) (reply, error)
}

// A call is one request to the API.
type call struct {
	*tx
	r     *http.Request
	route *route
	who   *actor
	repo  *repository // when the route has {owner}/{repo}
	link  string      // the Link header to send
	moved string      // the Location header to send
}

// A reply is what a request is answered with.
type reply struct {
	status int
	body   any // as JSON; nil for none
}

func ok(body any) reply      { return reply{http.StatusOK, body} }
func created(body any) reply { return reply{http.StatusCreated, body} }

var noContent = reply{status: http.StatusNoContent}

// An apiError is a request that GitHub would refuse. Errors is for 422.
type apiError struct {
	Status  int
	Message string
	Errors  []any
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Message) }

func refuse(status int, format string, args ...any) error {
	return &apiError{Status: status, Message: fmt.Sprintf(format, args...)}
}

var (
	errNotFound     = refuse(http.StatusNotFound, "Not Found")
	errNotForApps   = refuse(http.StatusForbidden, "Resource not accessible by integration")
	errNotForPeople = refuse(http.StatusForbidden, "You must authenticate via a GitHub App.")
	errLogin        = refuse(http.StatusUnauthorized, "Requires authentication")
)

// invalid is GitHub's answer to a field it does not accept. Code is one of
// missing, missing_field, invalid, already_exists or, with a message, custom.
func invalid(resource, field, code, message string) error {
	e := obj{"resource": resource, "code": code}
	if field != "" {
		e["field"] = field
	}
	if message != "" {
		e["message"] = message
	}
	return &apiError{http.StatusUnprocessableEntity, "Validation Failed", []any{e}}
}

// gitPath is a request of the smart HTTP protocol.
var gitPath = regexp.MustCompile(`^/([^/]+)/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)$`)

// slashRef is a path with a ref in its middle, which clients send with plain
// slashes.
var slashRef = regexp.MustCompile(`^(/repos/[^/]+/[^/]+/commits/)(.+)(/(?:check-runs|check-suites|pulls|status))$`)

var commentPath = regexp.MustCompile(`^(/repos/[^/]+/[^/]+)/issues/comments/`)

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-GitHub-Request-Id", strings.ToUpper(newGUID()))
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v3")
	if path == r.URL.EscapedPath() && gitPath.MatchString(path) {
		s.serveGit(w, r)
		return
	}
	if m := slashRef.FindStringSubmatch(path); m != nil {
		path = m[1] + strings.ReplaceAll(m[2], "/", "%2F") + m[3]
	}
	// A comment is found by its id alone, but for http.ServeMux the path could
	// also mean something of the issue "comments".
	path = commentPath.ReplaceAllString(path, "$1/comments/")
	u, err := url.ParseRequestURI(path)
	if err != nil {
		writeError(w, errNotFound)
		return
	}
	u.RawQuery = r.URL.RawQuery
	r2 := r.Clone(r.Context())
	r2.URL = u
	s.mux.ServeHTTP(w, r2)
}

// routes returns the multiplexer for all operations.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, table := range [][]route{appRoutes, hookRoutes, userRoutes, repoRoutes, refRoutes, issueRoutes,
		commentRoutes, labelRoutes, pullRoutes, reviewerRoutes, checkRoutes, suiteRoutes, statusRoutes} {
		for _, rt := range table {
			mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(&rt, w, r) })
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { writeError(w, errNotFound) })
	return mux
}

// serve answers one request to the API, in one transaction.
func (s *Server) serve(rt *route, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10<<20))
	if err != nil {
		writeError(w, refuse(http.StatusRequestEntityTooLarge, "Payload too large"))
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))

	var answer reply
	c := &call{r: r, route: rt}
	err = s.do(context.WithoutCancel(r.Context()), func(t *tx) error {
		c.tx = t
		err := c.authorize()
		if !s.limits.count(w.Header(), c.who, s) {
			return refuse(http.StatusForbidden, "API rate limit exceeded for %s.", c.who)
		}
		if r.Method != http.MethodGet && c.repo != nil {
			if wait := s.limits.countWrite(c.who, s); wait > 0 {
				return &tooSoon{wait}
			}
		}
		if err != nil {
			return err
		}
		answer, err = rt.handle(c)
		return err
	})
	if c.link != "" {
		w.Header().Set("Link", c.link)
	}
	if c.moved != "" {
		w.Header().Set("Location", c.moved)
	}
	var early *tooSoon
	if errors.As(err, &early) {
		SecondaryLimit(w, http.StatusForbidden, early.wait)
		return
	}
	if err != nil {
		var refused *apiError
		if !errors.As(err, &refused) {
			s.opts.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		writeError(w, err)
		return
	}
	s.senders.wake()
	c.answer(w, answer)
}

func (c *call) answer(w http.ResponseWriter, a reply) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	if raw, ok := a.body.(rawBody); ok {
		w.Header().Set("Content-Type", raw.contentType)
		w.WriteHeader(a.status)
		w.Write(raw.data)
		return
	}
	data, err := json.Marshal(a.body)
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if c.r.Method == http.MethodGet && a.status == http.StatusOK {
		etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(data))
		w.Header().Set("ETag", etag)
		if c.r.Header.Get("If-None-Match") == etag {
			c.limits.forgive(w.Header(), c.who, c.Server)
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(a.status)
	w.Write(data)
}

// A rawBody is a body that is not JSON.
type rawBody struct {
	contentType string
	data        []byte
}

const documentation = "https://docs.github.com/rest"

func writeError(w http.ResponseWriter, err error) {
	e := &apiError{Status: http.StatusInternalServerError, Message: "Server Error"}
	errors.As(err, &e)
	body := obj{"message": e.Message, "documentation_url": documentation, "status": strconv.Itoa(e.Status)}
	if e.Errors != nil {
		body["errors"] = e.Errors
	}
	data, _ := json.Marshal(body)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(e.Status)
	w.Write(data)
}

// decode reads the JSON body of the request into v. An empty body is an empty
// object.
func (c *call) decode(v any) error {
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return nil
	}
	err = json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\nFor 'properties/%s', %s is not a %s.",
			wrong.Field, wrong.Value, wrong.Type)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	return nil
}

// id returns the number in the path under name; -1, which nothing has, for
// anything else.
func (c *call) id(name string) int64 {
	n, err := strconv.ParseInt(c.r.PathValue(name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// page returns the part of items that the request asks for with page and
// per_page, and sets the Link header to the others.
func page[T any](c *call, items []T) []T {
	per := c.number("per_page", 30)
	if per > 100 {
		per = 100
	}
	n, last := c.number("page", 1), max(1, (len(items)+per-1)/per)
	var links []string
	path, _, _ := strings.Cut(c.r.RequestURI, "?")
	path = strings.TrimPrefix(path, "/api/v3")
	link := func(rel string, n int) {
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(n))
		q.Set("per_page", strconv.Itoa(per))
		links = append(links, fmt.Sprintf(`<%s?%s>; rel="%s"`, c.api("%s", path), q.Encode(), rel))
	}
	if n > 1 {
		link("prev", n-1)
	}
	if n < last {
		link("next", n+1)
		link("last", last)
	}
	if n > 1 {
		link("first", 1)
	}
	c.link = strings.Join(links, ", ")
	from := min((n-1)*per, len(items))
	return items[from:min(from+per, len(items))]
}

// number returns a query parameter that is a positive number.
func (c *call) number(name string, otherwise int) int {
	n, err := strconv.Atoi(c.query(name))
	if err != nil || n < 1 || n > 1<<30 {
		return otherwise
	}
	return n
}

// each returns f of each item, never nil.
func each[T, J any](items []T, f func(T) J) []J {
	out := make([]J, 0, len(items))
	for _, item := range items {
		out = append(out, f(item))
	}
	return out
}
