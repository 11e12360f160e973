package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A State is where a migration stands.
type State string

// The states of a migration.
const (
	Live   State = "live"   // restage works on it or waits for a merge
	Paused State = "paused" // somebody has to do something first
	Failed State = "failed" // its plan cannot be carried out; labelling the issue again starts another
	Done   State = "done"   // everything is merged
)

// A Migration is one plan being carried out on one repository for one issue.
type Migration struct {
	ID           int64  // set by StartMigration
	Delivery     string // the delivery that started it
	Installation int64
	Repository   int64 // GitHub's number of it
	Owner, Name  string
	Issue        int
	StartedBy    string // login of who put the label on
	Base         string // branch that pull requests go to
	PlanFile     string // path of the plan in the repository, "" when it is the issue
	Plan         string // text of the plan when the label was put on
	Created      time.Time
	State        State
	Message      string    // why it is paused or failed, for people
	Round        int       // from 1; goes up when all phases run again, on branches of their own
	Revision     int       // from 1; goes up when phases are to be computed anew
	Rechecks     int       // from 0; goes up when checks are to be done again
	Proving      string    // commit of the base branch that has to be green before anything is done, see Prove
	Label        string    // that started it; "" if that is not known
	LabelID      int64     // GitHub's number of it, 0 if that is not known
	Labelled     time.Time // when it was put on by GitHub's clock, to the second; zero if that is not known
	Absence      Absence
	Said         int64 // GitHub's number of the newest comment that said whether it is to go on
}

const migrationColumns = `id, ` + givenColumns + `, said`

// givenColumns are those that are given when a migration starts.
const givenColumns = `delivery, installation, repository, owner, name, issue, started_by, base,
	plan_file, plan, created_at, state, message, round, revision, rechecks, proving, label, label_id, labelled, absence`

// StartMigration stores m as a new migration, at its beginning, and asks for a
// look at it, in one transaction. A paused migration of the same issue
// gives way to it. If one is live or done, nothing is stored: that one is
// returned, and started is false. The same delivery starts one migration however
// often it is handled.
func (s *Store) StartMigration(ctx context.Context, m Migration) (_ Migration, started bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		before, err := queryMigration(ctx, tx, `repository = $1 AND issue = $2 ORDER BY id DESC LIMIT 1`, m.Repository, m.Issue)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return err
		case before.Delivery == m.Delivery:
			m, started = before, true
			return nil
		case before.State == Live || before.State == Done:
			m = before
			return nil
		case before.State == Paused:
			if err := s.setState(ctx, tx, before.ID, Failed, "The issue was labelled again."); err != nil {
				return err
			}
			if err := s.enqueue(ctx, tx, before.ID, time.Now()); err != nil { // it may still do something
				return err
			}
		}
		// Pull requests of an earlier plan say nothing about this one: it gets
		// branches of its own.
		m.Revision, m.Rechecks = 1, 0
		err = tx.QueryRowContext(ctx, `SELECT 1 + coalesce(max(p.round), 0) FROM phases p JOIN migrations m ON m.id = p.migration
			WHERE m.repository = $1 AND m.issue = $2 AND p.pull != 0`, m.Repository, m.Issue).Scan(&m.Round)
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `INSERT INTO migrations (`+givenColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '', $17, $18, $19, '') RETURNING id`,
			m.Delivery, m.Installation, m.Repository, m.Owner, m.Name, m.Issue, m.StartedBy, m.Base,
			text(m.PlanFile), text(m.Plan), m.Created.UnixMilli(), m.State, m.Message, m.Round, m.Revision, m.Rechecks, text(m.Label), m.LabelID, seconds(m.Labelled)).Scan(&m.ID)
		if err != nil {
			return err
		}
		started = true
		return s.enqueue(ctx, tx, m.ID, time.Now())
	})
	if err != nil {
		return Migration{}, false, fmt.Errorf("start migration of %s/%s#%d: %w", m.Owner, m.Name, m.Issue, err)
	}
	return m, started, nil
}

// Migration returns a migration. The error wraps ErrNotFound if there is none.
func (s *Store) Migration(ctx context.Context, id int64) (Migration, error) {
	m, err := queryMigration(ctx, s.db, `id = $1`, id)
	if err != nil {
		return Migration{}, fmt.Errorf("migration %d: %w", id, err)
	}
	return m, nil
}

// MigrationOf returns the newest migration of an issue. The error wraps
// ErrNotFound if there is none.
func (s *Store) MigrationOf(ctx context.Context, repository int64, issue int) (Migration, error) {
	m, err := queryMigration(ctx, s.db, `repository = $1 AND issue = $2 ORDER BY id DESC LIMIT 1`, repository, issue)
	if err != nil {
		return Migration{}, fmt.Errorf("migration of issue %d in repository %d: %w", issue, repository, err)
	}
	return m, nil
}

// querier is what *sql.DB and *sql.Tx have in common.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func queryMigration(ctx context.Context, q querier, where string, args ...any) (Migration, error) {
	var m Migration
	var created, labelled int64
	err := q.QueryRowContext(ctx, `SELECT `+migrationColumns+` FROM migrations WHERE `+where, args...).Scan(
		&m.ID, &m.Delivery, &m.Installation, &m.Repository, &m.Owner, &m.Name, &m.Issue, &m.StartedBy, &m.Base,
		&m.PlanFile, &m.Plan, &created, &m.State, &m.Message, &m.Round, &m.Revision, &m.Rechecks, &m.Proving, &m.Label, &m.LabelID, &labelled, &m.Absence, &m.Said)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Migration{}, err
	}
	m.Created = time.UnixMilli(created)
	if labelled != 0 {
		m.Labelled = time.Unix(labelled, 0)
	}
	return m, nil
}

// seconds returns t as it is stored, 0 for the zero time.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Unfinished returns the migrations that are live or paused, oldest first.
func (s *Store) Unfinished(ctx context.Context) ([]int64, error) {
	return unfinished(ctx, s.db, "")
}

func unfinished(ctx context.Context, q querier, where string, args ...any) ([]int64, error) {
	rows, err := q.QueryContext(ctx, `SELECT id FROM migrations WHERE state IN ('live', 'paused') `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("unfinished migrations: %w", err)
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("unfinished migrations: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// SetState records where a migration stands and why. One that has ended claims
// nothing any more.
func (s *Store) SetState(ctx context.Context, id int64, state State, message string) error {
	err := s.tx(ctx, func(tx *sql.Tx) error { return s.setState(ctx, tx, id, state, message) })
	if err != nil {
		return fmt.Errorf("state of migration %d: %w", id, err)
	}
	return nil
}

func (s *Store) setState(ctx context.Context, tx *sql.Tx, id int64, state State, message string) error {
	_, err := tx.ExecContext(ctx, `UPDATE migrations SET state = $1, message = $2 WHERE id = $3`, state, text(message), id)
	if err != nil || state == Live || state == Paused {
		return err
	}
	return s.disclaim(ctx, tx, id)
}

// Rename records that the repository of a migration has another name now.
func (s *Store) Rename(ctx context.Context, id int64, owner, name string) error {
	_, err := s.exec(ctx, `UPDATE migrations SET owner = $1, name = $2 WHERE id = $3`, owner, name, id)
	if err != nil {
		return fmt.Errorf("name of the repository of migration %d: %w", id, err)
	}
	return nil
}

// SetBase records that the branch that the pull requests of a migration go to has
// another name now.
func (s *Store) SetBase(ctx context.Context, id int64, base string) error {
	_, err := s.exec(ctx, `UPDATE migrations SET base = $1 WHERE id = $2`, base, id)
	if err != nil {
		return fmt.Errorf("base of migration %d: %w", id, err)
	}
	return nil
}

// Prove records the commit of the base branch that has to be green before a
// migration begins. It stays that one while the branch goes on, until another is
// recorded, somebody asks for something, or the next round begins.
func (s *Store) Prove(ctx context.Context, id int64, commit string) error {
	_, err := s.exec(ctx, `UPDATE migrations SET proving = $1 WHERE id = $2`, commit, id)
	if err != nil {
		return fmt.Errorf("base of migration %d: %w", id, err)
	}
	return nil
}

// NextRound makes all phases of a migration run again after round, and asks
// for a look. It does nothing if the migration is past that round already.
func (s *Store) NextRound(ctx context.Context, id int64, round int) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE migrations SET round = $1, proving = '' WHERE id = $2 AND round = $3`, round+1, id, round); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, id, time.Now())
	})
	if err != nil {
		return fmt.Errorf("next round of migration %d: %w", id, err)
	}
	return nil
}

// An Answer settles a decision.
type Answer struct {
	Path     string
	Answer   string
	Question string
	Options  []string
	By       string // login
	Comment  int64  // GitHub's number of the comment that gave it
	At       time.Time
	Revision int // of the migration, that it led to; set by Request
}

// A Request is what somebody asked of a migration.
type Request struct {
	ID      string   // tells it from all others: "comment N" or "delivery GUID"
	Answers []Answer // to decisions; the newest for a path counts
	Rerun   bool     // compute phases anew
	Plan    *Plan    // the plan was read again and differs; nil if not
	Recheck bool     // do checks again:
	Check   string   // the one called so, "" for all
	Wish    *Wish    // nil: as it was
	Said    int64    // GitHub's number of the comment that gave the wish, or said what holds already; 0 if none did
	Skips   []Skip   // that of the newest comment counts for a phase
	Reverts []Revert // phases to take back; Round, Number and By count
	Label   string   // was put on the issue again; "" if none was
	LabelID int64    // GitHub's number of it
	Discard *Tip     // what people committed to a branch may be replaced; nil: nothing
}

// A Plan is the text of a plan and where it is from.
type Plan struct {
	File string // path in the repository, "" when the plan is the issue
	Text string
}

// Request takes a request in and asks for a look at the migration, in one
// transaction. A request that was taken in before changes nothing.
func (s *Store) Request(ctx context.Context, migration int64, r Request) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO requests (id, migration) VALUES ($1, $2) ON CONFLICT DO NOTHING`, r.ID, migration)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if r.Wish, err = heard(ctx, tx, migration, r); err != nil {
			return err
		}
		anew, err := s.takeWish(ctx, tx, migration, r.Wish)
		if err != nil {
			return err
		}
		unskipped, err := takeSkips(ctx, tx, migration, r.Skips)
		if err != nil {
			return err
		}
		if err := takeReverts(ctx, tx, migration, r.Reverts); err != nil {
			return err
		}
		if err := takeLabel(ctx, tx, migration, r); err != nil {
			return err
		}
		if r.Discard != nil {
			_, err := tx.ExecContext(ctx, `INSERT INTO pushes (repository, branch, commit_id) SELECT repository, $1, $2 FROM migrations WHERE id = $3
				ON CONFLICT (repository, branch, commit_id) DO NOTHING`, r.Discard.Branch, r.Discard.Commit, migration)
			if err != nil {
				return err
			}
		}
		var revisions, rechecks int
		if anew || unskipped || r.Rerun || len(r.Answers) > 0 || r.Plan != nil {
			revisions = 1
		}
		if r.Recheck {
			rechecks = 1
		}
		var revision int
		err = tx.QueryRowContext(ctx, `UPDATE migrations SET revision = revision + $1, rechecks = rechecks + $2, proving = ''
			WHERE id = $3 RETURNING revision`, revisions, rechecks, migration).Scan(&revision)
		if err != nil {
			return err
		}
		if r.Plan != nil {
			if _, err := tx.ExecContext(ctx, `DELETE FROM sources WHERE migration = $1`, migration); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE migrations SET plan_file = $1, plan = $2 WHERE id = $3`, text(r.Plan.File), text(r.Plan.Text), migration)
			if err != nil {
				return err
			}
		}
		if r.Recheck {
			_, err := tx.ExecContext(ctx, `INSERT INTO rechecks (migration, name, number) SELECT id, $1, rechecks FROM migrations WHERE id = $2
				ON CONFLICT (migration, name) DO UPDATE SET number = excluded.number`, text(r.Check), migration)
			if err != nil {
				return err
			}
		}
		for _, a := range r.Answers {
			a.Revision = revision
			if err := saveAnswer(ctx, tx, migration, a); err != nil {
				return err
			}
		}
		return s.enqueue(ctx, tx, migration, time.Now())
	})
	if err != nil {
		return fmt.Errorf("request %s of migration %d: %w", r.ID, migration, err)
	}
	return nil
}

// saveAnswer stores an answer unless a newer comment gave another.
func saveAnswer(ctx context.Context, tx *sql.Tx, migration int64, a Answer) error {
	options, err := json.Marshal(a.Options)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO answers
		(migration, path, answer, question, options, answered_by, comment, answered_at, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (migration, path) DO UPDATE SET answer = excluded.answer, answered_by = excluded.answered_by,
			comment = excluded.comment, answered_at = excluded.answered_at, revision = excluded.revision
		WHERE excluded.comment >= answers.comment`,
		migration, text(a.Path), text(a.Answer), text(a.Question), string(options), a.By, a.Comment, a.At.UnixMilli(), a.Revision)
	return err
}

// Answers returns the answers that a migration has, by path.
func (s *Store) Answers(ctx context.Context, migration int64) ([]Answer, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT path, answer, question, options, answered_by, comment, answered_at, revision
		FROM answers WHERE migration = $1 ORDER BY path`, migration)
	if err != nil {
		return nil, fmt.Errorf("answers of migration %d: %w", migration, err)
	}
	defer rows.Close()
	var answers []Answer
	for rows.Next() {
		var a Answer
		var options []byte
		var at int64
		err := rows.Scan(&a.Path, &a.Answer, &a.Question, &options, &a.By, &a.Comment, &at, &a.Revision)
		if err == nil {
			err = json.Unmarshal(options, &a.Options)
		}
		if err != nil {
			return nil, fmt.Errorf("answers of migration %d: %w", migration, err)
		}
		a.At = time.UnixMilli(at)
		answers = append(answers, a)
	}
	return answers, rows.Err()
}

// A Phase is what came of a phase when it was last computed.
type Phase struct {
	Migration int64
	Round     int
	Number    int    // 1 moves, 2 imports, 3 cleanup
	Revision  int    // of the migration, that this was computed for
	Rechecks  int    // likewise
	Pull      int    // number of the pull request, 0 if none
	Base      string // commit that the branch starts from
	Head      string // commit that restage pushed, "" if none
	Checked   string // commit that the check results in the report are about
	Skipped   bool   // there was nothing to do
	Error     string // why it could not be carried out, for people; "" if it could
	Tried     string // newest commit of the base branch that this, or Error, holds for
	Report    []byte // JSON: what was done, asked and found
}

// SavePhase stores what came of a phase, in place of what was stored before.
func (s *Store) SavePhase(ctx context.Context, p Phase) error {
	skipped := 0
	if p.Skipped {
		skipped = 1
	}
	_, err := s.exec(ctx, `INSERT INTO phases
		(migration, round, number, revision, rechecks, pull, base, head, checked, skipped, error, tried, report)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (migration, round, number) DO UPDATE SET revision = excluded.revision, rechecks = excluded.rechecks,
			pull = excluded.pull, base = excluded.base, head = excluded.head, checked = excluded.checked,
			skipped = excluded.skipped, error = excluded.error, tried = excluded.tried, report = excluded.report`,
		p.Migration, p.Round, p.Number, p.Revision, p.Rechecks, p.Pull, p.Base, p.Head, p.Checked, skipped, text(p.Error), p.Tried, string(p.Report))
	if err != nil {
		return fmt.Errorf("save phase %d of migration %d: %w", p.Number, p.Migration, err)
	}
	return nil
}

// Phases returns what came of the phases of a migration in a round, by number.
// A phase that was not computed yet is not among them.
func (s *Store) Phases(ctx context.Context, migration int64, round int) (map[int]Phase, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT number, revision, rechecks, pull, base, head, checked, skipped, error, tried, report
		FROM phases WHERE migration = $1 AND round = $2`, migration, round)
	if err != nil {
		return nil, fmt.Errorf("phases of migration %d: %w", migration, err)
	}
	defer rows.Close()
	phases := map[int]Phase{}
	for rows.Next() {
		p := Phase{Migration: migration, Round: round}
		err := rows.Scan(&p.Number, &p.Revision, &p.Rechecks, &p.Pull, &p.Base, &p.Head, &p.Checked, &p.Skipped, &p.Error, &p.Tried, &p.Report)
		if err != nil {
			return nil, fmt.Errorf("phases of migration %d: %w", migration, err)
		}
		phases[p.Number] = p
	}
	return phases, rows.Err()
}

// AddPush records a commit that is about to be pushed to a branch.
func (s *Store) AddPush(ctx context.Context, repository int64, branch, commit string) error {
	_, err := s.exec(ctx, `INSERT INTO pushes (repository, branch, commit_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		repository, branch, commit)
	if err != nil {
		return fmt.Errorf("record push to %s: %w", branch, err)
	}
	return nil
}

// Pushes returns the commits that AddPush recorded for a branch.
func (s *Store) Pushes(ctx context.Context, repository int64, branch string) (map[string]bool, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT commit_id FROM pushes WHERE repository = $1 AND branch = $2`, repository, branch)
	if err != nil {
		return nil, fmt.Errorf("pushes to %s: %w", branch, err)
	}
	defer rows.Close()
	commits := map[string]bool{}
	for rows.Next() {
		var commit string
		if err := rows.Scan(&commit); err != nil {
			return nil, fmt.Errorf("pushes to %s: %w", branch, err)
		}
		commits[commit] = true
	}
	return commits, rows.Err()
}
