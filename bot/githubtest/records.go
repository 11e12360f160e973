package githubtest

import (
	"encoding/json"
	"time"
)

// The kinds of record. Fields that hold an id say of what in their name or in a
// comment.

// A user is a person, an organization or the bot of an app.
type user struct {
	base
	Login   string
	Type    string // "User", "Organization" or "Bot"
	Token   string // of a person
	Created time.Time
}

// A repository belongs to a user. What is in it is in git alone.
type repository struct {
	base          // Parent: the owner
	Owner         string
	Name          string
	Private       bool
	Archived      bool
	IssuesOff     bool
	DefaultBranch string
	Renamed       map[string]string // branches that have another name now, by the old one
	Former        []string          // owner/name that it had before, in lower case
	Roles         map[string]role   // by login
	LastNumber    int               // of issues and pull requests
	Created       time.Time
	Pushed        time.Time
}

// An app is a GitHub App.
type app struct {
	base          // Parent: the owner
	Slug          string
	Manifest      manifest
	PEM           string // private key, PKCS #1
	Bot           int64  // the user that acts for the app
	Webhook       string // the URL
	Secret        string
	ClientID      string
	Created, Seen time.Time
}

// An installation is an app on some repositories of one owner.
type installation struct {
	base            // Parent: the app
	Account int64   // the owner
	Repos   []int64 // empty means all of the account
	Created time.Time

	Suspended time.Time // zero if it is not
}

// A token is what an installation acts with. Its id is a hash of its text.
type token struct {
	base        // Parent: the installation
	Expires     time.Time
	Permissions map[string]string // of the app, or fewer
	Repos       []int64           // of the installation, or fewer; empty means all
}

// A label belongs to a repository.
type label struct {
	base                     // Parent: the repository
	Name, Color, Description string
}

// A labelling is a label that was put on an issue, or taken off.
type labelling struct {
	base  // Parent: the issue
	Label int64
	Off   bool
	User  int64
	App   int64 // that did it, if any
	At    time.Time
}

// An issue is an issue or, with Pull, a pull request.
type issue struct {
	base   // Parent: the repository
	Number int
	Title  string
	Body   string
	User   int64
	App    int64 // that opened it, if any
	Open   bool
	Reason string // why it was closed
	Labels []int64
	Pull   *pull

	Created, Updated, Closed time.Time
	ClosedBy                 int64
}

// A pull is the part of a pull request that an issue lacks. While it is open,
// its commits are those of its branches in git.
type pull struct {
	Head, Base       string // branches
	HeadSHA, BaseSHA string // as they were when it was closed
	Draft            bool
	Reviewers        []int64 // users who were asked for a review
	MergeSHA         string  // "" until merged
	Merged           time.Time
	MergedBy         int64
}

// A comment is a comment on an issue or a pull request.
type comment struct {
	base             // Parent: the issue
	Repo             int64
	Body             string
	User             int64
	App              int64 // that wrote it, if any
	Created, Updated time.Time
}

// A reaction is a reaction to a comment or an issue.
type reaction struct {
	base    // Parent: the comment or issue
	User    int64
	Content string
	Created time.Time
}

// A suite is a check suite: the check runs of one app for one commit.
type suite struct {
	base             // Parent: the repository
	App              int64
	HeadSHA          string
	HeadBranch       string
	Before           string
	Rerequested      bool // and no run of it has changed since
	Created, Updated time.Time
}

// A checkRun is one check of one commit.
type checkRun struct {
	base                 // Parent: the suite
	Repo                 int64
	Name                 string
	HeadSHA              string
	ExternalID           string
	DetailsURL           string
	Status               string
	Conclusion           string
	Started, Completed   time.Time
	Title, Summary, Text string
	Annotations          []annotation
	Actions              []json.RawMessage
}

// An annotation is a remark of a check run on lines of a file. It is in the
// form of the API.
type annotation struct {
	Path      string  `json:"path"`
	BlobHref  string  `json:"blob_href"`
	StartLine int     `json:"start_line"`
	EndLine   int     `json:"end_line"`
	StartCol  *int    `json:"start_column"`
	EndCol    *int    `json:"end_column"`
	Level     string  `json:"annotation_level"`
	Title     *string `json:"title"`
	Message   string  `json:"message"`
	Details   *string `json:"raw_details"`
}

// A status is a commit status: what a system that makes no check runs says of a
// commit.
type status struct {
	base        // Parent: the repository
	SHA         string
	State       string // error, failure, pending or success
	Context     string
	Description string
	TargetURL   string
	User        int64
	Created     time.Time
}

// A delivery is one attempt to deliver a webhook. A redelivery is another
// record with the same GUID.
type delivery struct {
	base           // Parent: the app
	GUID           string
	Event, Action  string
	Installation   int64
	Repo           int64
	Redelivery     bool
	Payload        json.RawMessage
	Delivered      time.Time // zero until it was attempted to the end
	Duration       float64   // seconds
	Status         string    // such as "OK"
	Code           int       // 0 when there was no answer
	RequestHeader  map[string]string
	ResponseHeader map[string]string
	Response       string // the body
}

// A pending is a delivery that has not been attempted to the end. Its id is that
// of the delivery, of which there are many and large ones.
type pending struct {
	base // Parent: the app
}

// A seen is a ref as it was when its last change was made known. Another value
// in git is a push that is yet to be made known.
type seen struct {
	base // Parent: the repository
	Ref  string
	SHA  string
}

// An activity is a change of a ref.
type activity struct {
	base               // Parent: the repository
	Ref, Before, After string
	Kind               string // push, force_push, branch_creation or branch_deletion
	User               int64
	At                 time.Time
}

// An intent is put before git changes a repository and removed once the
// consequences are in the store, so that they can be drawn after a crash.
type intent struct {
	base         // Parent: the repository
	User   int64 // who
	App    int64
	Issue  int64  // the pull request to merge, if any
	Commit string // what its base becomes
}
