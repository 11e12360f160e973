package input

import "testing"

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err  Error
		want string
	}{
		{Error{"plan.md", 3, 4, "wrong"}, "plan.md:3:4: wrong"},
		{Error{"plan.md", 3, 0, "wrong"}, "plan.md:3: wrong"},
		{Error{"plan.md", 0, 0, "wrong"}, "plan.md: wrong"},
		{Error{"", 3, 4, "wrong"}, "line 3:4: wrong"},
		{Error{"", 3, 0, "wrong"}, "line 3: wrong"},
		{Error{"", 0, 0, "wrong"}, "wrong"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"baseline", "exclude", "include", "label"}
	for word, want := range map[string]string{
		"baselin":  `; did you mean "baseline"?`,
		"Baseline": `; did you mean "baseline"?`,
		"lable":    `; did you mean "label"?`,
		"exlcude":  `; did you mean "exclude"?`,
		"inklude":  `; did you mean "include"?`,
		"x":        "; known are baseline, exclude, include, label",
		"":         "; known are baseline, exclude, include, label",
		"labelslabelslabelslabelslabelslabelslabelslabelslabelslabelslabels": "; known are baseline, exclude, include, label",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestErrorsAreBoundedAndSorted(t *testing.T) {
	errs := &Errors{File: "f"}
	if errs.Err() != nil {
		t.Error("an error without a mistake")
	}
	for line := 30; line > 0; line-- {
		errs.Add(line, 1, "wrong\n%s", "again")
		errs.Add(line, 1, "wrong\n%s", "again")
	}
	want := ""
	for line := 10; line < 30; line++ {
		want += (&Error{"f", line, 1, "wrong again"}).Error() + "\n"
	}
	if got := errs.Err().Error(); got != want+"more mistakes follow" {
		t.Errorf("got\n%s", got)
	}
}
