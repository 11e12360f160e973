package githubtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// A role is what a person is in a repository.
type role int

const (
	nobody role = iota // leaves a route to apps
	anyone             // for routes outside of repositories
	reader
	triager
	writer
	maintainer
	admin
)

var roleNames = map[string]role{"none": nobody, "read": reader, "triage": triager, "write": writer,
	"maintain": maintainer, "admin": admin}

// String returns GitHub's name of the role.
func (r role) String() string {
	for name, other := range roleNames {
		if other == r {
			return name
		}
	}
	return "none"
}

// An actor is who makes a request: nobody, a person, an app (with its JWT) or
// an installation of an app (with its token).
type actor struct {
	user  *user // the bot, for an installation; nil for nobody and for an app
	app   *app
	inst  *installation
	token *token
}

func (a *actor) String() string {
	switch {
	case a == nil:
		return "an unknown token"
	case a.inst != nil:
		return fmt.Sprintf("installation ID %d", a.inst.ID)
	case a.app != nil:
		return fmt.Sprintf("app ID %d", a.app.ID)
	case a.user != nil:
		return fmt.Sprintf("user ID %d", a.user.ID)
	}
	return "an anonymous client"
}

// appID is the app that acts, 0 for a person.
func (a *actor) appID() int64 {
	if a.app == nil {
		return 0
	}
	return a.app.ID
}

// identify returns who makes the request r.
func (t *tx) identify(r *http.Request) (*actor, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "":
		return &actor{}, nil
	case "basic":
		name, password, ok := r.BasicAuth()
		if !ok {
			return nil, refuse(http.StatusUnauthorized, "Bad credentials")
		}
		secret = password
		if password == "" || password == "x-oauth-basic" {
			secret = name
		}
	case "bearer", "token":
	default:
		return nil, refuse(http.StatusUnauthorized, "Bad credentials")
	}
	if strings.Count(secret, ".") == 2 {
		return t.identifyApp(secret)
	}
	tok := get[token](t, tokenID(secret))
	if tok == nil || !tok.Expires.IsZero() && !t.now().Before(tok.Expires) {
		return nil, refuse(http.StatusUnauthorized, "Bad credentials")
	}
	if u := get[user](t, tok.Parent); u != nil {
		return &actor{user: u}, nil
	}
	inst := get[installation](t, tok.Parent)
	if inst == nil {
		return nil, refuse(http.StatusUnauthorized, "Bad credentials")
	}
	if !inst.Suspended.IsZero() {
		return nil, refuse(http.StatusForbidden, "This installation has been suspended")
	}
	a := get[app](t, inst.Parent)
	return &actor{user: get[user](t, a.Bot), app: a, inst: inst, token: tok}, nil
}

// identifyApp checks the JSON web token of an app: GitHub, "Generating a JSON
// Web Token (JWT) for a GitHub App".
func (t *tx) identifyApp(secret string) (*actor, error) {
	const status = http.StatusUnauthorized
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(secret, claims); err != nil {
		return nil, refuse(status, "A JSON web token could not be decoded")
	}
	iss, err := strconv.ParseInt(fmt.Sprint(claims["iss"]), 10, 64)
	if err != nil {
		return nil, refuse(status, "'Issuer' claim ('iss') must be an Integer")
	}
	a := get[app](t, iss)
	if a == nil {
		return nil, refuse(http.StatusNotFound, "Integration not found")
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(a.PEM))
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(jwt.WithJSONNumber(), jwt.WithoutClaimsValidation(), jwt.WithValidMethods([]string{"RS256"}))
	if _, err := parser.Parse(secret, func(*jwt.Token) (any, error) { return &key.PublicKey, nil }); err != nil {
		return nil, refuse(status, "A JSON web token could not be decoded")
	}
	now := t.opts.Now()
	iat, err := strconv.ParseInt(fmt.Sprint(claims["iat"]), 10, 64)
	if err != nil || time.Unix(iat, 0).After(now.Add(time.Minute)) {
		return nil, refuse(status, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	}
	exp, err := strconv.ParseInt(fmt.Sprint(claims["exp"]), 10, 64)
	if err != nil || !now.Before(time.Unix(exp, 0)) {
		return nil, refuse(status, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	}
	if exp-iat > 660 || time.Unix(exp, 0).After(now.Add(10*time.Minute)) {
		return nil, refuse(status, "'Expiration time' claim ('exp') is too far in the future")
	}
	return &actor{app: a}, nil
}

// tokenID returns the id of the record for a token.
func tokenID(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// newToken returns a token's text, such as "ghs_...".
func newToken(prefix string) string {
	b := make([]byte, 27)
	rand.Read(b)
	text := base64.RawURLEncoding.EncodeToString(b)
	return prefix + "_" + strings.NewReplacer("-", "a", "_", "b").Replace(text)
}

// authorize finds out who calls and which repository it is about, and whether
// they may.
func (c *call) authorize() error {
	who, err := c.identify(c.r)
	if err != nil {
		return err
	}
	c.who = who
	owner, name := c.r.PathValue("owner"), c.r.PathValue("repo")
	if owner == "" {
		return c.authorizeOutside()
	}
	c.repo = c.findRepo(owner, name)
	if c.repo == nil || c.route.app != "jwt" && !c.canSee(who, c.repo) {
		return errNotFound
	}
	if c.repo.Archived && c.r.Method != http.MethodGet && c.route.app != "jwt" {
		return refuse(http.StatusForbidden, "Repository was archived so is read-only.")
	}
	if who.app != nil {
		return c.authorizeApp()
	}
	read := c.r.Method == http.MethodGet
	switch has := c.roleOf(who.user, c.repo); {
	case c.route.user == nobody && who.user == nil:
		return errLogin
	case c.route.user == nobody && c.route.app == "jwt":
		return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	case c.route.user == nobody:
		return errNotForPeople
	case who.user == nil && (!read || c.route.user > reader):
		return errLogin
	case who.user != nil && has < c.route.user && c.route.user == admin:
		return refuse(http.StatusForbidden, "Must have admin rights to Repository.")
	case who.user != nil && has < c.route.user:
		return refuse(http.StatusForbidden, "Must have push access to repository.")
	}
	return nil
}

// authorizeOutside is for routes without a repository.
func (c *call) authorizeOutside() error {
	switch who := c.who; c.route.app {
	case "jwt":
		if who.app == nil || who.inst != nil {
			return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
		}
	case "installation":
		if who.inst == nil {
			return refuse(http.StatusForbidden, "You must authenticate with an installation access token in order to list repositories for an installation.")
		}
	case "any":
	default:
		if who.app != nil {
			return errNotForApps
		}
		if who.user == nil {
			return errLogin
		}
	}
	return nil
}

func (c *call) authorizeApp() error {
	if c.route.app == "jwt" {
		if c.who.inst != nil {
			return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
		}
		return nil
	}
	if c.who.inst == nil {
		return errNotForApps
	}
	if !c.covers(c.who, c.repo) && c.r.Method != http.MethodGet {
		return errNotForApps
	}
	if !c.who.permits(c.route.app) {
		return errNotForApps
	}
	return nil
}

// permits reports whether the installation token has one of the permissions in
// want, such as "issues:write|pull_requests:write".
func (a *actor) permits(want string) bool {
	return slices.ContainsFunc(strings.Split(want, "|"), func(one string) bool {
		name, level, _ := strings.Cut(one, ":")
		has := a.token.Permissions[name]
		return has == level || has == "write" && level == "read" || has == "admin"
	})
}

// covers reports whether an installation token is for the repository.
func (t *tx) covers(who *actor, r *repository) bool {
	return t.installed(who.inst, r) && (len(who.token.Repos) == 0 || slices.Contains(who.token.Repos, r.ID))
}

// installed reports whether an installation is on the repository.
func (t *tx) installed(inst *installation, r *repository) bool {
	return inst.Account == r.Parent && (len(inst.Repos) == 0 || slices.Contains(inst.Repos, r.ID))
}

func (t *tx) canSee(who *actor, r *repository) bool {
	if !r.Private {
		return true
	}
	if who.inst != nil {
		return t.covers(who, r)
	}
	return who.user != nil && t.roleOf(who.user, r) >= reader
}

// roleOf returns what a user, who may be nil, is in a repository.
func (t *tx) roleOf(u *user, r *repository) role {
	least := nobody
	if !r.Private {
		least = reader
	}
	if u == nil {
		return least
	}
	if u.ID == r.Parent {
		return admin
	}
	return max(least, r.Roles[strings.ToLower(u.Login)])
}
