package bot

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/tree"
)

// Bounds of a formatter.
const (
	formatLimit   = 5 * time.Minute
	maxFormatArgs = 500 // files for one call of it
)

// format runs the formatters of the configuration on the files that each commit of
// a stage writes, and makes what they change part of the commit. A formatter that
// fails, or gives another result the second time, changes nothing: a warning says
// so.
func (l *look) format(ctx context.Context, s *stage, before tree.Tree, cfg *config.Config) error {
	if len(cfg.Format) == 0 || l.runner.Name() == "none" {
		return nil
	}
	at := before
	for i := range s.report.Commits {
		c := &s.report.Commits[i]
		after, err := tree.Apply(at, c.Edits)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Title, err)
		}
		f := formatter{look: l, record: &s.report, files: written(at, c), image: cfg.Image}
		if err := f.run(ctx, after, cfg.Format); err != nil {
			return err
		}
		for j := range c.Edits {
			if data, ok := f.changed[c.Edits[j].Path]; ok && !c.Edits[j].Delete {
				c.Edits[j].Data = data
			}
		}
		if at, err = tree.Apply(at, c.Edits); err != nil {
			return fmt.Errorf("%s: %w", c.Title, err)
		}
	}
	return nil
}

// written returns the files that a commit on t writes with new content. One that
// only moves is none: git is to see that it is the same.
func written(t tree.Tree, c *phases.Commit) []string {
	var files []string
	for _, e := range c.Edits {
		if old, err := t.Read(cmp.Or(e.From, e.Path)); err == nil && bytes.Equal(old, e.Data) {
			continue
		}
		if !e.Delete && e.Mode != tree.Symlink && strings.HasSuffix(e.Path, ".py") {
			files = append(files, e.Path)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// A formatter is what formatters do to the files of one commit.
type formatter struct {
	*look
	record  *record
	files   []string
	image   string
	changed map[string][]byte
}

func (f *formatter) run(ctx context.Context, t tree.Tree, commands []string) error {
	if len(f.files) == 0 {
		return nil
	}
	once, err := f.formatted(ctx, t, commands)
	if err != nil || once == nil {
		return err
	}
	twice, err := f.formatted(ctx, t, commands)
	if err != nil || twice == nil {
		return err
	}
	f.changed = map[string][]byte{}
	for _, name := range f.files {
		switch old, err := t.Read(name); {
		case err != nil:
			return err
		case !bytes.Equal(once[name], twice[name]):
			f.warn(name, "the formatters gave another result the second time, so what they changed is left out")
		case !bytes.Equal(once[name], old):
			f.changed[name] = once[name]
		}
	}
	return nil
}

// formatted returns the files after the commands have run on them, nil if one
// failed.
func (f *formatter) formatted(ctx context.Context, t tree.Tree, commands []string) (map[string][]byte, error) {
	dir, err := f.clone.Export(t)
	if err != nil {
		return nil, err
	}
	defer runner.RemoveAll(dir)
	var res *runner.Result
	for _, command := range commands {
		for files := range slices.Chunk(f.files, maxFormatArgs) {
			args := []string{"/bin/sh", "-c", strings.ReplaceAll(command, "{files}", `"$@"`), "sh"}
			for _, name := range files {
				args = append(args, "./"+name) // no name is an option
			}
			res, err = f.look.runner.Run(ctx, runner.Command{
				Image:   f.image,
				Args:    args,
				Dir:     dir,
				Timeout: formatLimit,
				Files:   f.files,
				Secrets: f.secrets,
			})
			if err != nil {
				return nil, err
			}
			if !res.OK() {
				f.warn(f.files[0], fmt.Sprintf("the formatter %q failed, so nothing is formatted: %s", command, lastLine(res.Log)))
				return nil, nil
			}
		}
	}
	for _, name := range f.files {
		if err := res.FileErrors[name]; err != nil {
			f.warn(name, fmt.Sprintf("the formatters left no file to read, so nothing is formatted: %v", err))
			return nil, nil
		}
	}
	return res.Files, nil
}

func lastLine(log string) string {
	log = strings.TrimSpace(log)
	return log[strings.LastIndexByte(log, '\n')+1:]
}

func (f *formatter) warn(path, message string) {
	f.record.Warnings = append(f.record.Warnings, phases.Warning{Path: path, Rule: "format", Message: message})
}
