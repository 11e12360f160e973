package bot

import "regexp"

var linkLine = regexp.MustCompile("(?m)^Plan:[ \t]*`?([^`\r\n]+?)`?[ \t]*\r?$")

func planLink(data []byte) (string, bool) {
	m := linkLine.FindSubmatch(data)
	if m == nil {
		return "", false
	}
	return string(m[1]), true
}
