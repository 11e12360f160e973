//go:build !linux

package runner

import (
	"context"
	"errors"
	"runtime"
)

func newBubblewrap(context.Context, Settings) (Runner, error) {
	return nil, errors.New("it needs Linux, and this is " + runtime.GOOS)
}
