//go:build tools

// Package tools names the parts of Kubernetes that tests of bot/runner run
// commands in. They are a module of their own, so that restage depends on none of
// what they need.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
)
