package githubtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A manifest says what an app is and what it asks for: GitHub, "Registering a
// GitHub App from a manifest", GitHub App Manifest parameters.
type manifest struct {
	Name           string            `yaml:"name"`
	Description    string            `yaml:"description"`
	URL            string            `yaml:"url"`
	HookAttributes map[string]any    `yaml:"hook_attributes"`
	RedirectURL    string            `yaml:"redirect_url"`
	CallbackURLs   []string          `yaml:"callback_urls"`
	SetupURL       string            `yaml:"setup_url"`
	SetupOnUpdate  bool              `yaml:"setup_on_update"`
	RequestOAuth   bool              `yaml:"request_oauth_on_install"`
	Public         bool              `yaml:"public"`
	Permissions    map[string]string `yaml:"default_permissions"`
	Events         []string          `yaml:"default_events"`
}

// grants says which permission an app needs for an event, at least at level
// read: GitHub, "Webhook events and payloads".
var grants = map[string][]string{
	"check_run":     {"checks"},
	"check_suite":   {"checks"},
	"create":        {"contents"},
	"delete":        {"contents"},
	"issue_comment": {"issues", "pull_requests"},
	"issues":        {"issues"},
	"label":         {"metadata"},
	"pull_request":  {"pull_requests"},
	"push":          {"contents"},
	"repository":    {"metadata"},
}

// parseManifest reads a manifest and checks it as GitHub does.
func parseManifest(data []byte) (manifest, error) {
	var m manifest
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil {
		return m, fmt.Errorf("app manifest: %w", err)
	}
	if m.Name == "" || m.URL == "" {
		return m, fmt.Errorf("app manifest: name and url must be set")
	}
	if m.Permissions == nil {
		m.Permissions = map[string]string{}
	}
	m.Permissions["metadata"] = "read" // every app has it
	for name, level := range m.Permissions {
		if level != "read" && level != "write" && level != "admin" {
			return m, fmt.Errorf("app manifest: default_permissions: %s: %q is not read, write or admin", name, level)
		}
	}
	for _, event := range m.Events {
		needs, ok := grants[event]
		if !ok {
			return m, fmt.Errorf("app manifest: default_events: %q is no event that this GitHub has", event)
		}
		if !m.grantsAny(needs) {
			return m, fmt.Errorf("app manifest: default_events: %s needs the permission %s", event, strings.Join(needs, " or "))
		}
	}
	return m, nil
}

func (m *manifest) grantsAny(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return m.Permissions[name] != "" })
}

// events returns the events in order, never nil.
func (m *manifest) events() []string {
	return slices.Sorted(slices.Values(append([]string{}, m.Events...)))
}

// hears reports whether an app gets the event. It need not ask for those about
// its own installation.
func (m *manifest) hears(e event) bool {
	if strings.HasPrefix(e.name, "installation") {
		return true
	}
	if !slices.Contains(m.Events, e.name) {
		return false
	}
	if e.on != nil && e.on.Pull == nil {
		return m.Permissions["issues"] != ""
	}
	return true
}

// slug is the name of an app in URLs and in the name of its bot.
func (m *manifest) slug() string {
	keep := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return ' '
	}
	return strings.Join(strings.Fields(strings.Map(keep, strings.ToLower(m.Name))), "-")
}
