package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Middleware returns a middleware that checks each request of the REST API, the
// paths under /api/v3/, and the response to it, and gives report what does not
// agree with GitHub's description. It lets everything through. A request that
// is refused with a client error need not agree.
func (d *Description) Middleware(report func(error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path, isAPI := strings.CutPrefix(r.URL.EscapedPath(), "/api/v3")
			if !isAPI {
				next.ServeHTTP(w, r)
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				report(fmt.Errorf("%s %s: %w", r.Method, path, err))
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			rec := &recorder{ResponseWriter: w, status: http.StatusOK}
			next.ServeHTTP(rec, r)
			if err := d.check(r, path, body, rec); err != nil {
				report(fmt.Errorf("%s %s: %d: %w", r.Method, path, rec.status, err))
			}
		})
	}
}

// A recorder keeps a copy of a response.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the response.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// check checks one exchange.
func (d *Description) check(r *http.Request, path string, body []byte, rec *recorder) error {
	route, params, err := d.route(r.Method, path)
	if err != nil {
		return err
	}
	body = described(path, body)
	in := &openapi3filter.RequestValidationInput{
		Request: r.Clone(context.Background()), PathParams: params, QueryParams: r.URL.Query(), Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc,
			SkipSettingDefaults: true,
		},
	}
	in.Request.Body = io.NopCloser(bytes.NewReader(body))
	if rec.status < 400 {
		if err := checkRequest(in, body); err != nil {
			return fmt.Errorf("request: %w", brief(err))
		}
	}
	if err := d.checkResponse(in, rec); err != nil {
		return fmt.Errorf("response: %w", brief(err))
	}
	return nil
}

// route finds the operation for a path without the /api/v3 in front.
func (d *Description) route(method, path string) (*routers.Route, map[string]string, error) {
	for _, t := range d.templates {
		m := t.re.FindStringSubmatch(path)
		if m == nil {
			continue
		}
		doc, err := d.item(t.path)
		if err != nil {
			return nil, nil, err
		}
		item := doc.Paths.Value(t.path)
		op := item.GetOperation(method)
		if op == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range t.names {
			if params[name], err = url.PathUnescape(m[i+1]); err != nil {
				return nil, nil, err
			}
			if params[name] == "" {
				params[name] = "/" // the path of the root, which kin-openapi takes for missing
			}
		}
		return &routers.Route{Spec: doc, Path: t.path, PathItem: item, Method: method, Operation: op}, params, nil
	}
	return nil, nil, fmt.Errorf("GitHub describes no such operation")
}

// checkRequest checks a request. The description does not forbid query
// parameters and fields that GitHub does not know, but they are mistakes.
func checkRequest(in *openapi3filter.RequestValidationInput, body []byte) error {
	op := in.Route.Operation
	for name := range in.QueryParams {
		known := slices.ContainsFunc(op.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == "query" && p.Value.Name == name })
		if !known {
			return fmt.Errorf("unknown query parameter %q", name)
		}
	}
	if len(body) > 0 {
		if op.RequestBody == nil {
			return fmt.Errorf("a body where there is none: %.100s", body)
		}
		in.Request.Header.Set("Content-Type", "application/json") // what GitHub takes everything for
		if err := checkFields(op, body); err != nil {
			return err
		}
	}
	return openapi3filter.ValidateRequest(context.Background(), in)
}

// checkFields looks for unknown fields at the top of a body.
func checkFields(op *openapi3.Operation, body []byte) error {
	media := op.RequestBody.Value.Content.Get("application/json")
	var fields map[string]json.RawMessage
	if media == nil || len(media.Schema.Value.Properties) == 0 || json.Unmarshal(body, &fields) != nil {
		return nil
	}
	for name := range fields {
		if media.Schema.Value.Properties[name] == nil {
			return fmt.Errorf("unknown field %q", name)
		}
	}
	return nil
}

// checkResponse checks a response. Most operations describe only some of the
// errors that they answer with; the others must be GitHub's usual error.
func (d *Description) checkResponse(in *openapi3filter.RequestValidationInput, rec *recorder) error {
	described := in.Route.Operation.Responses.Status(rec.status) != nil
	if !described && rec.status >= 400 {
		doc, err := d.schema("basic-error")
		if err != nil {
			return err
		}
		return checkJSON(doc, "basic-error", rec.body.Bytes())
	}
	if !described && rec.status != http.StatusNotModified {
		return fmt.Errorf("a status that GitHub does not describe")
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: rec.status, Header: rec.Header(), Options: in.Options}
	return openapi3filter.ValidateResponse(context.Background(), out.SetBodyBytes(rec.body.Bytes()))
}

// CheckWebhook checks the payload of a webhook, whose event is what its
// X-GitHub-Event header says.
func (d *Description) CheckWebhook(event string, payload []byte) error {
	var p struct{ Action string }
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("webhook %s: %w", event, err)
	}
	name := "webhook-" + strings.TrimSuffix(strings.ReplaceAll(event+"-"+p.Action, "_", "-"), "-")
	doc, err := d.schema(name)
	if err != nil {
		return err
	}
	if err := checkJSON(doc, name, payload); err != nil {
		return fmt.Errorf("%s: %w", name, brief(err))
	}
	return nil
}

// brief leaves the schema and the value out of the description of an error.
func brief(err error) error {
	var e *openapi3.SchemaError
	if !errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("/%s: %s", strings.Join(e.JSONPointer(), "/"), e.Reason)
}

func checkJSON(doc *openapi3.T, schema string, data []byte) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	return doc.Components.Schemas[schema].Value.VisitJSON(v)
}
