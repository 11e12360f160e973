package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// Sources returns the files that SetSources stored for a migration, nil if there
// are none yet.
func (s *Store) Sources(ctx context.Context, migration int64) ([]string, error) {
	var data []byte
	err := s.db.QueryRowContext(ctx, `SELECT files FROM sources WHERE migration = $1`, migration).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	var files []string
	if err == nil {
		err = json.Unmarshal(data, &files)
	}
	if err != nil {
		return nil, fmt.Errorf("sources of migration %d: %w", migration, err)
	}
	return files, nil
}

// SetSources stores the files that the plan of a migration moves, as they were when
// the plan was first looked at. They stay until another plan is read: what is
// stored already is not replaced, and nothing is stored when there is a later
// revision.
func (s *Store) SetSources(ctx context.Context, migration int64, revision int, files []string) error {
	data, err := json.Marshal(files)
	if err == nil {
		_, err = s.exec(ctx, `INSERT INTO sources (migration, files) SELECT id, $1 FROM migrations WHERE id = $2 AND revision = $3
			ON CONFLICT (migration) DO NOTHING`, string(data), migration, revision)
	}
	if err != nil {
		return fmt.Errorf("sources of migration %d: %w", migration, err)
	}
	return nil
}
