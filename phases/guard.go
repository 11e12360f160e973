package phases

import (
	"context"
	"fmt"

	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// NewGuard returns a guard of the old paths of a plan. Before is the tree that
// the imports phase started from. What a decision is open about is not guarded.
func NewGuard(ctx context.Context, before tree.Tree, p *plan.Plan, opt Options) (*check.Guard, error) {
	parse := newParser()
	src, err := readSources(ctx, before, p, parse)
	if err != nil {
		return nil, err
	}
	was, err := look(ctx, src, p, Imports, opt)
	if err != nil {
		return nil, fmt.Errorf("look at the tree before: %w", err)
	}
	v := &verifier{stage: check.Rewritten, was: was, now: was}
	open, err := v.decisions(ctx, Imports)
	if err != nil {
		return nil, err
	}
	e := v.expect(open)
	e.Before, e.Parse = before, parse.parse
	return check.NewGuard(ctx, e)
}
