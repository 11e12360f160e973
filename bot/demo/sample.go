package demo

import (
	"embed"
	"io/fs"
	"slices"
)

// The folders that begin with a dot belong to it, hence all.
//
//go:embed all:sample
var sampleFiles embed.FS

//go:embed plan.md
var planText []byte

// Sample returns the files of the sample repository. It holds no links and
// nothing executable.
func Sample() fs.FS {
	files, err := fs.Sub(sampleFiles, "sample")
	if err != nil {
		panic(err) // the name above is a valid path
	}
	return files
}

// Plan returns the plan for the sample, Markdown as somebody would write it
// into an issue. The caller may change it.
func Plan() []byte { return slices.Clone(planText) }
