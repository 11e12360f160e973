package runner_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kelseyhightower/envconfig"

	"github.com/restage/restage/bot/runner"
)

func TestSettings(t *testing.T) {
	read := func() (s runner.Settings, err error) {
		err = envconfig.Process("restage_runner", &s)
		return s, err
	}
	s, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if s.Limits != runner.DefaultLimits || s.Parallel != 2 || s.Network || s.Path == "" {
		t.Errorf("the defaults are %+v, want %+v", s, runner.DefaultLimits)
	}
	for name, value := range map[string]string{
		"NETWORK": "true", "PARALLEL": "8", "READ": "/opt/a,/opt/b", "MEMORY": "512MiB", "FILE_SIZE": "64 KiB", "CPU": "90s", "PROCESSES": "64",
	} {
		t.Setenv("RESTAGE_RUNNER_"+name, value)
	}
	s, err = read()
	if err != nil {
		t.Fatal(err)
	}
	if !s.Network || s.Parallel != 8 || len(s.Read) != 2 || s.Memory != 512<<20 || s.FileSize != 64<<10 || s.CPU != 90*time.Second || s.Processes != 64 {
		t.Errorf("got %+v", s)
	}
	for _, value := range []string{"4 GB", "-1", "0", "1.5GiB", "99999999999GiB"} {
		t.Setenv("RESTAGE_RUNNER_MEMORY", value)
		if _, err := read(); err == nil || !strings.Contains(err.Error(), value) {
			t.Errorf("%s is taken for a size: %v", value, err)
		}
	}
}
