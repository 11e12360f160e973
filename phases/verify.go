package phases

import (
	"context"

	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// Verify runs the static checks of a phase on its result. Before is the tree
// that the phase started from; it may be nil if that is not known, and then
// nothing is forgiven for having been wrong before.
func Verify(ctx context.Context, before, after tree.Tree, p *plan.Plan, phase Phase, opt Options) ([]check.Result, error) {
	j, err := look(ctx, after, p, opt)
	if err != nil {
		return nil, err
	}
	e := check.Expectation{Roots: j.index.Roots(), Before: before, After: after}
	_ = e
	return nil, nil
}
