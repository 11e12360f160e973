# make demo   watch the whole story on this machine
# make test   all tests and checks, with their set-up
# make build  bin/restage
# make bench  how fast it is, beside rope and ripgrep
# make bench-receiver  how many webhooks it stores a second, beside Probot
# make test-postgres  the tests of what is remembered, on PostgreSQL
# make test-proof     every crash point, 200 seeds of faults, two replicas, 10 GB of history
# make test-cluster  the Kubernetes runner with a real API server
# make test-cgroup   the sandbox's control groups, on a kernel that has them

export CGO_ENABLED = 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  = -s -w -X main.version=$(VERSION)
# What has a database of its own kind, whatever the others use.
SQLITE   = TestEffects|TestEffectsOfWeeks|TestFaults
# What takes minutes with the race detector, and does nothing side by side that
# the other tests do not.
LONG     = ^($(SQLITE)|TestKilled|TestCrash|TestCrashWithCommands|TestSampleCommands|TestLongHistory|TestRateLimits|TestRevertWhenDone|TestGuard(SeesWhatIsNew|ManyFiles|ManyPullRequests|TakenBack|PassesOver))$$
HELM     = go run helm.sh/helm/v3/cmd/helm@v3.22.0
CHART    = charts/restage

.PHONY: demo test test-postgres test-proof test-cluster test-cgroup build bench bench-receiver testdata needs

# With DIR=FOLDER the demo keeps its state there; cut short and started again with
# the same folder, it goes on where it was.
demo: needs
	go run ./cmd/restage demo $(if $(DIR),--dir "$(DIR)")

build: needs
	go build -trimpath -ldflags "$(LDFLAGS)" -o bin/restage ./cmd/restage

# What has to be there: one line says all that is missing.
needs:
	@missing=; \
	command -v go >/dev/null || missing="$$missing go"; \
	command -v git >/dev/null || missing="$$missing git"; \
	command -v python3 >/dev/null || missing="$$missing python3"; \
	if [ -n "$$missing" ]; then echo "restage needs, and this machine lacks:$$missing" >&2; exit 1; fi

test:
	.ci/setup
	@unformatted=$$(gofmt -l bot cmd phases webhook); \
	if [ -n "$$unformatted" ]; then echo "run gofmt on:" $$unformatted >&2; exit 1; fi
	go vet ./...
	go vet -tags cluster ./bot/runner
	$(HELM) lint --strict $(CHART)
	$(HELM) lint --strict $(CHART) -f $(CHART)/ci/full-values.yaml
	$(HELM) lint --strict $(CHART) -f $(CHART)/ci/postgres-values.yaml
	$(HELM) template restage $(CHART) >/dev/null
	$(HELM) template restage $(CHART) -f $(CHART)/ci/postgres-values.yaml >/dev/null
	$(HELM) template restage $(CHART) -f $(CHART)/ci/full-values.yaml >/dev/null
	dir=$$(mktemp -d) && $(MAKE) --no-print-directory demo DIR=$$dir && rm -rf "$$dir"
	go test ./phases/...
	CGO_ENABLED=1 go test -race -run TestCases ./phases # the race detector is written in C
	CGO_ENABLED=1 go test -race -timeout 20m -skip '$(LONG)' ./bot/... ./cmd/... ./webhook
	go test -timeout 10m -run '$(LONG)' ./bot ./webhook
	$(MAKE) --no-print-directory test-postgres

# Apart from the rest, because it takes a quarter of an hour: go test tries some of it.
test-proof:
	RESTAGE_TEST_PROOF=1 go test -timeout 60m -run 'TestEffects|TestFaults|TestReplicas|TestLongHistory' ./bot

# The same tests as on SQLite. Which database they use is read before Go notes
# what a result depends on, hence -count.
test-postgres:
	.ci/setup
	RESTAGE_TEST_POSTGRES=1 go test -count=1 -timeout 15m -skip '^($(SQLITE))$$' ./bot/store ./webhook ./bot

# Apart from the rest, because a quarter of an hour goes into building Kubernetes.
test-cluster:
	.ci/setup
	.ci/cluster
	go test -tags cluster -timeout 15m ./bot/runner

# Apart from the rest, because it starts a kernel of its own.
test-cgroup:
	.ci/setup
	.ci/cgroup

testdata:
	.ci/testdata

bench:
	python3 phases/bench/compare.py

bench-receiver:
	mkdir -p .cache/probot
	cd .cache/probot && npm install --silent --no-audit --no-fund --no-save probot@14.3.2
	go test ./webhook -run '^$$' -bench Receiver -benchtime 1x
