package runner

import (
	"os"
	"path/filepath"
	"testing"
)

// What a command wrote elsewhere is in its work tree here, too. A file that was
// there keeps its mode.
func TestWriteBack(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "run.py"), []byte("long before"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeBack(dir, map[string][]byte{"run.py": []byte("after"), "out/report.xml": []byte("<ok/>")}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"run.py": "after -rwxr-xr-x", "out/report.xml": "<ok/> -rw-r--r--"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(data) + " " + info.Mode().String(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if err := writeBack(dir, map[string][]byte{"../outside": nil}); err == nil {
		t.Error("a file outside was written")
	}
}
