package githubtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

var checkRoutes = []route{
	{"POST /repos/{owner}/{repo}/check-runs", "checks:write", nobody, createCheckRun},
	{"GET /repos/{owner}/{repo}/check-runs/{id}", "checks:read", reader, getCheckRun},
	{"PATCH /repos/{owner}/{repo}/check-runs/{id}", "checks:write", nobody, updateCheckRun},
	{"GET /repos/{owner}/{repo}/check-runs/{id}/annotations", "checks:read", reader, listAnnotations},
	{"POST /repos/{owner}/{repo}/check-runs/{id}/rerequest", "checks:write", writer, rerequestRun},
	{"GET /repos/{owner}/{repo}/commits/{ref}/check-runs", "checks:read", reader, listRefRuns},
}

// checkRun returns the check run in the path.
func (c *call) checkRun() (*checkRun, error) {
	run := get[checkRun](c.tx, c.id("id"))
	if run == nil || run.Repo != c.repo.ID {
		return nil, errNotFound
	}
	return run, nil
}

func (t *tx) checkRunJSON(r *repository, run *checkRun) obj {
	s := get[suite](t, run.Parent)
	self := t.api("/repos/%s/check-runs/%d", r.fullName(), run.ID)
	page := t.html("/%s/runs/%d", r.fullName(), run.ID)
	return obj{
		"id": run.ID, "node_id": nodeID("CR", run.ID), "name": run.Name, "head_sha": run.HeadSHA, "external_id": run.ExternalID,
		"url": self, "html_url": page, "details_url": cmp.Or(run.DetailsURL, page), "status": run.Status,
		"conclusion": orNil(run.Conclusion), "started_at": stamp(run.Started), "completed_at": stamp(run.Completed),
		"output": obj{"title": orNil(run.Title), "summary": orNil(run.Summary), "text": orNil(run.Text),
			"annotations_count": len(run.Annotations), "annotations_url": self + "/annotations"},
		"check_suite": obj{"id": s.ID}, "app": t.appIDJSON(s.App), "pull_requests": t.pullsAt(r, run.HeadSHA),
	}
}

func (t *tx) emitRun(r *repository, run *checkRun, action string, who *user) {
	s := get[suite](t, run.Parent)
	o := t.checkRunJSON(r, run)
	o["check_suite"] = t.suiteJSON(r, s)
	t.emit(event{repo: r, name: "check_run", action: action, sender: who, only: s.App, payload: obj{"check_run": o}})
}

// A checkEdit is the body of GitHub REST, Create or Update a check run.
type checkEdit struct {
	Name       *string            `json:"name"`
	HeadSHA    *string            `json:"head_sha"`
	DetailsURL *string            `json:"details_url"`
	ExternalID *string            `json:"external_id"`
	Status     *string            `json:"status"`
	Conclusion *string            `json:"conclusion"`
	Started    *time.Time         `json:"started_at"`
	Completed  *time.Time         `json:"completed_at"`
	Output     *checkOutput       `json:"output"`
	Actions    *[]json.RawMessage `json:"actions"`
}

type checkOutput struct {
	Title       *string      `json:"title"`
	Summary     *string      `json:"summary"`
	Text        *string      `json:"text"`
	Annotations []annotation `json:"annotations"`
}

var (
	checkStatuses    = []string{"queued", "in_progress", "completed"}
	checkConclusions = []string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}
	annotationLevels = []string{"notice", "warning", "failure"}
)

// The limits of GitHub REST, Create a check run.
const (
	maxAnnotations = 50 // in a request
	maxOutput      = 65535
	maxActions     = 3
)

// check returns what GitHub does not accept in an edit.
func (e *checkEdit) check() error {
	bad := func(format string, args ...any) error {
		return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n"+format, args...)
	}
	switch {
	case e.Status != nil && !slices.Contains(checkStatuses, *e.Status):
		return bad("%q is not a member of [\"queued\", \"in_progress\", \"completed\"].", *e.Status)
	case e.Conclusion != nil && !slices.Contains(checkConclusions, *e.Conclusion):
		return bad("%q is no conclusion.", *e.Conclusion)
	case e.Status != nil && *e.Status == "completed" && e.Conclusion == nil:
		return bad("\"conclusion\" wasn't supplied.")
	case e.Actions != nil && len(*e.Actions) > maxActions:
		return bad("No more than %d items are allowed; %d were supplied.", maxActions, len(*e.Actions))
	case e.Output == nil:
		return nil
	case e.Output.Summary == nil:
		return bad("\"summary\" wasn't supplied.")
	case len([]rune(*e.Output.Summary)) > maxOutput:
		return bad("Only %d characters are allowed in \"summary\"; %d were supplied.", maxOutput, len([]rune(*e.Output.Summary)))
	case e.Output.Text != nil && len([]rune(*e.Output.Text)) > maxOutput:
		return bad("Only %d characters are allowed in \"text\"; %d were supplied.", maxOutput, len([]rune(*e.Output.Text)))
	case len(e.Output.Annotations) > maxAnnotations:
		return bad("No more than %d items are allowed; %d were supplied.", maxAnnotations, len(e.Output.Annotations))
	}
	for n, a := range e.Output.Annotations {
		switch {
		case a.Path == "" || a.Message == "" || a.StartLine < 1 || a.EndLine < a.StartLine:
			return bad("Annotation %d needs path, message, start_line and end_line.", n)
		case !slices.Contains(annotationLevels, a.Level):
			return bad("Annotation %d: %q is not a member of [\"notice\", \"warning\", \"failure\"].", n, a.Level)
		case (a.StartCol != nil || a.EndCol != nil) && a.StartLine != a.EndLine:
			return bad("Annotation %d: columns need start_line and end_line to be the same.", n)
		case len(a.Message) > 64<<10, a.Title != nil && len([]rune(*a.Title)) > 255:
			return bad("Annotation %d: message or title is too long.", n)
		}
	}
	return nil
}

func createCheckRun(c *call) (reply, error) {
	var want checkEdit
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	for name, field := range map[string]*string{"name": want.Name, "head_sha": want.HeadSHA} {
		if field == nil || *field == "" {
			return reply{}, refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n%q wasn't supplied.", name)
		}
	}
	if want.Output != nil && want.Output.Title == nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"title\" wasn't supplied.")
	}
	if err := want.check(); err != nil {
		return reply{}, err
	}
	if c.mustBeCommit(*want.HeadSHA) != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", *want.HeadSHA)
	}
	run := &checkRun{Repo: c.repo.ID, HeadSHA: *want.HeadSHA, Status: "queued"}
	run.Parent = c.ensureSuite(c.repo, c.who.app, *want.HeadSHA, "", zeroSHA).ID
	c.apply(run, want)
	if run.Started.IsZero() {
		run.Started = c.now()
	}
	c.put(run)
	c.emitRun(c.repo, run, "created", c.who.user)
	c.completed(run, "")
	return created(c.checkRunJSON(c.repo, run)), nil
}

// apply sets in a check run what an edit has. Annotations are added to those
// that are there.
func (c *call) apply(run *checkRun, want checkEdit) {
	set := func(field *string, value *string) {
		if value != nil {
			*field = *value
		}
	}
	set(&run.Name, want.Name)
	set(&run.DetailsURL, want.DetailsURL)
	set(&run.ExternalID, want.ExternalID)
	set(&run.Status, want.Status)
	if want.Started != nil {
		run.Started = *want.Started
	}
	if want.Output != nil {
		set(&run.Title, want.Output.Title)
		set(&run.Summary, want.Output.Summary)
		set(&run.Text, want.Output.Text)
		for _, a := range want.Output.Annotations {
			a.BlobHref = c.html("/%s/blob/%s/%s", c.repo.fullName(), run.HeadSHA, a.Path)
			run.Annotations = append(run.Annotations, a)
		}
	}
	if want.Actions != nil {
		run.Actions = *want.Actions
	}
	switch {
	case want.Conclusion != nil:
		run.Status, run.Conclusion, run.Completed = "completed", *want.Conclusion, c.now()
		if want.Completed != nil {
			run.Completed = *want.Completed
		}
	case want.Status != nil:
		run.Conclusion, run.Completed = "", time.Time{}
	}
}

// completed makes known that a check run, whose status was before, is complete,
// and its suite if it was the last.
func (c *call) completed(run *checkRun, before string) {
	s := get[suite](c.tx, run.Parent)
	s.Rerequested, s.Updated = false, c.now()
	c.put(s)
	if run.Status != "completed" || before == "completed" {
		return
	}
	c.emitRun(c.repo, run, "completed", c.who.user)
	if status, _ := c.suiteState(s); status == "completed" {
		c.emitSuite(c.repo, s, "completed", c.who.user)
	}
}

func getCheckRun(c *call) (reply, error) {
	run, err := c.checkRun()
	if err != nil {
		return reply{}, err
	}
	return ok(c.checkRunJSON(c.repo, run)), nil
}

func updateCheckRun(c *call) (reply, error) {
	run, err := c.checkRun()
	if err != nil {
		return reply{}, err
	}
	if s := get[suite](c.tx, run.Parent); s.App != c.who.app.ID {
		return reply{}, refuse(http.StatusForbidden,
			"Invalid app_id `%d` - check run can only be modified by the GitHub App that created it.", c.who.app.ID)
	}
	var want checkEdit
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if err := want.check(); err != nil {
		return reply{}, err
	}
	before := run.Status
	c.apply(run, want)
	c.put(run)
	c.completed(run, before)
	return ok(c.checkRunJSON(c.repo, run)), nil
}

func listAnnotations(c *call) (reply, error) {
	run, err := c.checkRun()
	if err != nil {
		return reply{}, err
	}
	return ok(append([]annotation{}, page(c, run.Annotations)...)), nil
}

// rerequestRun asks the app of a check run to do it again. The run stays as it
// is: GitHub REST, Rerequest a check run.
func rerequestRun(c *call) (reply, error) {
	run, err := c.checkRun()
	if err != nil {
		return reply{}, err
	}
	if run.Status != "completed" {
		return reply{}, refuse(http.StatusUnprocessableEntity, "This check run is not rerequestable")
	}
	s := get[suite](c.tx, run.Parent)
	s.Rerequested = true
	c.put(s)
	c.emitRun(c.repo, run, "rerequested", c.who.user)
	return created(obj{}), nil
}

func listRefRuns(c *call) (reply, error) {
	sha, err := c.resolve(c.repo, c.r.PathValue("ref"))
	if err != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", c.r.PathValue("ref"))
	}
	var runs []*checkRun
	for _, s := range list[suite](c.tx, c.repo.ID) {
		if app := c.query("app_id"); s.HeadSHA == sha && (app == "" || app == fmt.Sprint(s.App)) {
			runs = append(runs, list[checkRun](c.tx, s.ID)...)
		}
	}
	return c.listRuns(runs)
}

// listRuns answers with those runs that the request asks for; of several of one
// name in a suite only the latest, unless filter is all.
func (c *call) listRuns(runs []*checkRun) (reply, error) {
	type key struct {
		suite int64
		name  string
	}
	latest := map[key]int64{}
	for _, run := range runs {
		latest[key{run.Parent, run.Name}] = run.ID
	}
	name, status, filter := c.query("check_name"), c.query("status"), c.query("filter")
	runs = slices.DeleteFunc(runs, func(run *checkRun) bool {
		return name != "" && name != run.Name || status != "" && status != run.Status ||
			filter != "all" && latest[key{run.Parent, run.Name}] != run.ID
	})
	slices.SortFunc(runs, func(a, b *checkRun) int { return cmp.Compare(b.ID, a.ID) })
	return ok(obj{"total_count": len(runs), "check_runs": each(page(c, runs), func(run *checkRun) obj { return c.checkRunJSON(c.repo, run) })}), nil
}
