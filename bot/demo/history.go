package demo

import (
	"bytes"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/restage/restage/bot/githubtest"
)

// history returns the commits that led to the sample, so that there is
// something for git log --follow to follow.
func history() []githubtest.Commit {
	begin := time.Date(2025, time.September, 1, 9, 0, 0, 0, time.UTC)
	var commits []githubtest.Commit
	for i, step := range []struct {
		message string
		past    past
	}{
		{"Create jobs and watch them", past{folders: []string{"src/common/", "src/orchestration/", "src/infrastructure/", "config/"}}},
		{"Train, convert and evaluate", past{folders: []string{"src/", "config/", "scripts/"}}},
		{"Test what there is", past{folders: []string{"src/", "config/", "scripts/", "tests/", ".github/", "pyproject.toml"}}},
		{"Explain it in documents and notebooks", past{folders: []string{""}}},
		{"Describe modules by metadata blocks", past{folders: []string{""}, described: true}},
	} {
		step.past.FS = Sample()
		commits = append(commits, githubtest.Commit{
			Message: step.message + "\n",
			Author:  "Ada <ada@example.com>",
			When:    begin.AddDate(0, i, 0),
			Files:   step.past,
		})
	}
	return commits
}

// past is a folder as it was when only some of its folders were there.
type past struct {
	fs.FS
	folders   []string // and files; what begins with one of them was there
	described bool     // modules had metadata blocks
}

// metadata is a metadata block with the line before or after it.
var metadata = regexp.MustCompile(`(?s)\A(from __future__ import annotations\n\n)?"""\n@meta\n.*?"""\n+`)

// ReadFile implements fs.ReadFileFS.
func (p past) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(p.FS, name)
	if err != nil || p.described || !bytes.Contains(data, []byte("@meta")) {
		return data, err
	}
	return metadata.ReplaceAll(data, []byte("$1")), nil
}

// ReadDir implements fs.ReadDirFS.
func (p past) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(p.FS, name)
	var there []fs.DirEntry
	for _, e := range entries {
		path := strings.TrimPrefix(name+"/"+e.Name(), "./")
		if e.IsDir() {
			path += "/"
		}
		if p.has(path) {
			there = append(there, e)
		}
	}
	return there, err
}

// has reports whether path, or something below it, was there.
func (p past) has(path string) bool {
	for _, f := range p.folders {
		if strings.HasPrefix(path, f) || strings.HasPrefix(f, path) {
			return true
		}
	}
	return false
}
