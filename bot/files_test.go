package bot_test

import (
	"fmt"
	"strings"
	"testing"
)

// What is in a repository beside plain text moves as it is: a pointer to a large
// file, a program, a name in either Unicode form. What a link leads to stays the
// same, and a submodule stays where it is.
func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- .gitattributes --
*.bin filter=lfs diff=lfs merge=lfs -text
`)
	const (
		pointer  = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
		composed = "caf\u00e9.txt"  // NFC
		apart    = "cafe\u0301.txt" // NFD
	)
	module := strings.Repeat("5", 40)
	w.git("read-tree", "main")
	for _, f := range []struct{ mode, path, data string }{
		{"100644", "src/shop/old/data/model.bin", pointer},
		{"100755", "src/shop/old/data/run.sh", "#!/bin/sh\n"},
		{"120000", "src/shop/old/data/latest", "model.bin"},
		{"120000", "src/shop/old/data/readme", "../../../../README.md"},
		{"100644", "src/shop/old/data/" + composed, "composed\n"},
		{"100644", "src/shop/old/data/" + apart, "apart\n"},
		{"160000", "vendor/lib", module},
	} {
		id := f.data
		if f.mode != "160000" {
			id = strings.TrimSpace(w.gitInput([]byte(f.data), "hash-object", "-w", "--stdin"))
		}
		w.git("update-index", "--add", "--cacheinfo", f.mode+","+id+","+f.path)
	}
	tree := strings.TrimSpace(w.git("write-tree"))
	w.git("update-ref", "refs/heads/main", strings.TrimSpace(w.git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit-tree", "-p", "main", "-m", "Special", tree)))

	w.file("ada", fenced(strings.Replace(yaml, "moves:\n", "moves:\n  - {from: shop/old/data/, to: shop/data/}\n", 1)))
	w.settle(nil)
	for _, branch := range branches {
		w.merge(branch)
		w.settle(nil)
	}
	line := func(mode, data, path string) string {
		id := strings.TrimSpace(w.gitInput([]byte(data), "hash-object", "--stdin"))
		return fmt.Sprintf("%s blob %s\t%s\n", mode, id, path)
	}
	same(t, "what moved", w.git("-c", "core.quotePath=false", "ls-tree", "-r", "main", "src/shop/data"),
		line("100644", "apart\n", "src/shop/data/"+apart)+
			line("100644", "composed\n", "src/shop/data/"+composed)+
			line("120000", "model.bin", "src/shop/data/latest")+
			line("100644", pointer, "src/shop/data/model.bin")+
			line("120000", "../../../README.md", "src/shop/data/readme")+
			line("100755", "#!/bin/sh\n", "src/shop/data/run.sh"))
	same(t, "what is left", w.git("ls-tree", "-r", "--name-only", "main", "src/shop/old/data"), "")
	same(t, "submodule", w.git("ls-tree", "main", "vendor/lib"), "160000 commit "+module+"\tvendor/lib\n")
}
