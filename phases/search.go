package phases

import "bytes"

// A search finds many words in one pass (Wu and Manber, "A fast algorithm for
// multi-pattern searching", 1994): the two bytes under its window say how far
// the window can move without missing any word, most often by nearly its width.
type search struct {
	words [][]byte
	width int // of the window: the length of the shortest word that has two bytes or more
	skip  [slots]uint8
	ends  [slots][]int // the words whose first width bytes end in these two
}

const slots = 1 << 12

func slot(a, b byte) int { return int(a)<<4 ^ int(b) }

func newSearch(words [][]byte) *search {
	s := &search{words: words, width: 32}
	for _, w := range words {
		s.width = min(s.width, max(2, len(w)))
	}
	for i := range s.skip {
		s.skip[i] = uint8(s.width - 1)
	}
	for k, w := range words {
		if len(w) == 1 {
			continue
		}
		for i := 1; i < s.width; i++ {
			at := slot(w[i-1], w[i])
			s.skip[at] = min(s.skip[at], uint8(s.width-1-i))
		}
		at := slot(w[s.width-2], w[s.width-1])
		s.ends[at] = append(s.ends[at], k)
	}
	return s
}

// each calls found for every place in text where one of the words stands, with
// the number of the word, in no order. Two windows move at a time, one in each
// half: how far one moves is known while the other's is being looked up.
func (s *search) each(text []byte, found func(word, at int)) {
	a, b := s.width-1, len(text)/2+s.width-1
	half := min(b, len(text))
	for a < half && b < len(text) {
		da, db := s.skip[slot(text[a-1], text[a])], s.skip[slot(text[b-1], text[b])]
		if da == 0 {
			da = s.check(text, a, found)
		}
		if db == 0 {
			db = s.check(text, b, found)
		}
		a, b = a+int(da), b+int(db)
	}
	for _, rest := range [][2]int{{a, half}, {b, len(text)}} {
		for end := rest[0]; end < rest[1]; {
			d := s.skip[slot(text[end-1], text[end])]
			if d == 0 {
				d = s.check(text, end, found)
			}
			end += int(d)
		}
	}
	for k, w := range s.words {
		for at := 0; len(w) == 1; at++ {
			i := bytes.IndexByte(text[at:], w[0])
			if i < 0 {
				break
			}
			at += i
			found(k, at)
		}
	}
}

// check compares the text with the words that may have their window's end at
// end, and returns how far the window can move.
func (s *search) check(text []byte, end int, found func(word, at int)) uint8 {
	start := end + 1 - s.width
	for _, k := range s.ends[slot(text[end-1], text[end])] {
		if bytes.HasPrefix(text[start:], s.words[k]) {
			found(k, start)
		}
	}
	return 1
}
