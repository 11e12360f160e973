package store

import "sync"

// A busy knows which migrations are being worked on in this process, so that
// each is worked on by one worker at a time.
type busy struct {
	mu   sync.Mutex
	done map[int64]chan struct{} // closed when the work ends
}

func newBusy() *busy {
	return &busy{done: make(map[int64]chan struct{})}
}

// claim waits until nobody works on the migration and returns what ends the
// work of the caller. It returns false if stop is closed first.
func (b *busy) claim(migration int64, stop <-chan struct{}) (release func(), ok bool) {
	for {
		b.mu.Lock()
		other, taken := b.done[migration]
		if !taken {
			done := make(chan struct{})
			b.done[migration] = done
			b.mu.Unlock()
			return func() { b.release(migration, done) }, true
		}
		b.mu.Unlock()
		select {
		case <-other:
		case <-stop:
			return nil, false
		}
	}
}

func (b *busy) release(migration int64, done chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.done, migration)
	close(done)
}
