package githubtest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A signature is an author or a committer.
type signature struct {
	Name, Email string
	When        time.Time
}

// A commit is a commit as git has it.
type commit struct {
	SHA, Tree         string
	Parents           []string
	Author, Committer signature
	Message           string
}

const commitFormat = "--format=tformat:%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B"

// readCommits returns the commits that git log with the given arguments lists.
func (s *Server) readCommits(r *repository, args ...string) ([]commit, error) {
	out, err := s.git(r, append([]string{"log", "-z", commitFormat}, args...)...)
	if err != nil {
		return nil, err
	}
	var commits []commit
	for text := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		if text == "" {
			continue
		}
		f := strings.SplitN(text, "\x1f", 10)
		if len(f) != 10 {
			return nil, fmt.Errorf("git log prints %q", text)
		}
		c := commit{SHA: f[0], Tree: f[1], Parents: strings.Fields(f[2]), Message: strings.TrimRight(f[9], "\n")}
		c.Author = signature{f[3], f[4], parseDate(f[5])}
		c.Committer = signature{f[6], f[7], parseDate(f[8])}
		commits = append(commits, c)
	}
	return commits, nil
}

// readCommit returns one commit.
func (s *Server) readCommit(r *repository, sha string) (commit, error) {
	commits, err := s.readCommits(r, "--no-walk", sha)
	if err != nil {
		return commit{}, err
	}
	return commits[0], nil
}

func parseDate(text string) time.Time {
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return when.UTC()
}

// A diffEntry is one file in the difference of two commits.
type diffEntry struct {
	Path, From     string // From only when renamed
	Status         string // as in the API
	SHA            string // of the blob; of the old one when removed
	Added, Removed int
}

var diffStatus = map[byte]string{'A': "added", 'D': "removed", 'M': "modified", 'T': "changed", 'R': "renamed", 'C': "copied"}

// diff returns the files that differ between two commits.
func (s *Server) diff(r *repository, from, to string) ([]diffEntry, error) {
	raw, err := s.git(r, "diff", "--raw", "--no-abbrev", "-z", "-M", from, to)
	if err != nil {
		return nil, err
	}
	stat, err := s.git(r, "diff", "--numstat", "-z", "-M", from, to)
	if err != nil {
		return nil, err
	}
	entries := parseRaw(raw)
	byPath := map[string]int{}
	for i, e := range entries {
		byPath[e.Path] = i
	}
	fields := strings.Split(stat, "\x00")
	for len(fields) > 0 && fields[0] != "" {
		f := strings.SplitN(fields[0], "\t", 3)
		fields = fields[1:]
		path := f[2]
		if path == "" { // renamed: the old and the new path follow
			path = fields[1]
			fields = fields[2:]
		}
		if i, ok := byPath[path]; ok {
			entries[i].Added, _ = strconv.Atoi(f[0]) // "-" for a binary file
			entries[i].Removed, _ = strconv.Atoi(f[1])
		}
	}
	return entries, nil
}

// parseRaw reads what git diff --raw -z prints.
func parseRaw(raw string) []diffEntry {
	var entries []diffEntry
	fields := strings.Split(raw, "\x00")
	for len(fields) > 1 {
		f := strings.Fields(fields[0]) // :100644 100644 OLD NEW R100
		e := diffEntry{Path: fields[1], SHA: f[3], Status: diffStatus[f[4][0]]}
		fields = fields[2:]
		if f[4][0] == 'R' || f[4][0] == 'C' {
			e.From, e.Path = e.Path, fields[0]
			fields = fields[1:]
		}
		if e.Status == "removed" {
			e.SHA = f[2]
		}
		entries = append(entries, e)
	}
	return entries
}

// patch returns the hunks of one file of a difference; "" when it is binary or
// longer than GitHub shows.
func (s *Server) patch(r *repository, from, to string, e diffEntry) (string, error) {
	if e.Added+e.Removed == 0 || e.Added+e.Removed > 3000 {
		return "", nil
	}
	paths := []string{e.Path}
	if e.From != "" {
		paths = append(paths, e.From)
	}
	out, err := s.git(r, append([]string{"diff", "-M", from, to, "--"}, paths...)...)
	if err != nil {
		return "", err
	}
	_, hunks, found := strings.Cut(out, "\n@@ ")
	if !found {
		return "", nil
	}
	return "@@ " + hunks, nil
}
