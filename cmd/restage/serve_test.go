package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// environment returns the settings of a server that can start.
func environment(t *testing.T) map[string]string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return map[string]string{
		"RESTAGE_APP_ID":         "12",
		"RESTAGE_PRIVATE_KEY":    strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})), "\n", `\n`),
		"RESTAGE_WEBHOOK_SECRET": "hush",
		"RESTAGE_DATABASE_URL":   "sqlite:" + filepath.Join(dir, "restage.db"),
		"RESTAGE_GITHUB_URL":     "http://127.0.0.1:1",
		"RESTAGE_WORK_DIR":       dir,
		"RESTAGE_LOG_LEVEL":      "debug",
	}
}

// ask sends a request and returns the status and the body of the answer.
func ask(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestServe(t *testing.T) {
	for name, value := range environment(t) {
		t.Setenv(name, value)
	}
	s, app, err := readSettings()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var logs bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- serve(ctx, s, app, l, &logs) }()
	url := "http://" + l.Addr().String()

	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := ask(t, request(t, "GET", url+path, "")); status != 200 || body != "ok\n" {
			t.Errorf("GET %s: %d %q", path, status, body)
		}
	}
	if status, _ := ask(t, request(t, "GET", url+"/", "")); status != 404 {
		t.Errorf("GET /: %d, want 404", status)
	}
	deliver := func(secret string) int {
		const payload = `{"zen": "Design for failure."}`
		req := request(t, "POST", url+"/webhook", payload)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(payload))
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		req.Header.Set("X-GitHub-Event", "ping")
		req.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
		req.Header.Set("Content-Type", "application/json")
		status, _ := ask(t, req)
		return status
	}
	if status := deliver("wrong"); status != 401 {
		t.Errorf("a delivery with a wrong signature: %d, want 401", status)
	}
	if status := deliver("hush"); status != 202 {
		t.Errorf("a delivery: %d, want 202", status)
	}

	stop()
	if err := <-done; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("it still answers after it has ended")
	}
	if text := logs.String(); strings.Contains(text, "hush") || strings.Contains(text, "PRIVATE") || !strings.Contains(text, "serving") {
		t.Errorf("logs:\n%s", text)
	}
}

func TestServeNeedsDatabase(t *testing.T) {
	for name, value := range environment(t) {
		t.Setenv(name, value)
	}
	t.Setenv("RESTAGE_DATABASE_URL", "mysql://user:password@host/db")
	s, app, err := readSettings()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	err = serve(t.Context(), s, app, l, io.Discard)
	if exitStatus(err) != exitUsage || !strings.Contains(err.Error(), "RESTAGE_DATABASE_URL") || strings.Contains(err.Error(), "password") {
		t.Errorf("serve ended with %v", err)
	}
}
