package openapi

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// Where GitHub takes more than its description says, and clients count on it.
var (
	// The labels of an issue may come as a list without an object around it.
	// The text of the description says so, its schema does not.
	issueLabels = regexp.MustCompile(`^/repos/[^/]+/[^/]+/issues/\d+/labels$`)

	// ghinstallation asks for a token with the body null when it wants all
	// permissions and repositories.
	accessTokens = regexp.MustCompile(`^/app/installations/\d+/access_tokens$`)
)

// described returns the body of a request to path in the form that the
// description has for it.
func described(path string, body []byte) []byte {
	switch text := bytes.TrimSpace(body); {
	case issueLabels.MatchString(path) && bytes.HasPrefix(text, []byte("[")):
		wrapped, err := json.Marshal(map[string]json.RawMessage{"labels": text})
		if err != nil {
			return body
		}
		return wrapped
	case accessTokens.MatchString(path) && string(text) == "null":
		return nil
	}
	return body
}

// mendAccount mends the list of an app's installations, where the description
// wants the account to be a user and an enterprise at once (allOf). A single
// installation has it right (anyOf).
func mendAccount(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			mendAccount(e)
		}
	case map[string]any:
		if account, ok := v["account"].(map[string]any); ok && account["allOf"] != nil {
			account["anyOf"] = account["allOf"]
			delete(account, "allOf")
		}
		for _, e := range v {
			mendAccount(e)
		}
	}
}
