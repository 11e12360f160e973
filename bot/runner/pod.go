package runner

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"
)

// What this file holds runs in the pod of a command, before and after it, but for
// readBack.

// Times of fetching a work tree.
const (
	dialLimit  = 5 * time.Second
	fetchAgain = time.Second
)

// FetchTree fetches the work tree that is offered at url and unpacks it to dir.
// The server may be out of reach, or may just have been started again, so it is
// asked until ctx ends; what it has begun to give is given once.
func FetchTree(ctx context.Context, url, token, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	client := &http.Client{
		// No variable of the pod says which way to go.
		Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: dialLimit}).DialContext, ResponseHeaderTimeout: dialLimit},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for {
		body, err := askTree(ctx, client, url, token)
		if err == nil {
			defer body.Close()
			return unpack(tar.NewReader(body), root)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("fetching the work tree from %s: %w", url, err)
		case <-time.After(fetchAgain):
		}
	}
}

// askTree asks the server for a work tree.
func askTree(ctx context.Context, client *http.Client, url, token string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, errors.New(resp.Status)
	}
	return resp.Body, nil
}

// unpack writes what is in an archive below root.
func unpack(archive *tar.Reader, root *os.Root) error {
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpacking the work tree: %w", err)
		}
		if err := unpackEntry(archive, h, root); err != nil {
			return fmt.Errorf("unpacking the work tree: %w", err)
		}
	}
}

func unpackEntry(archive *tar.Reader, h *tar.Header, root *os.Root) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(h.Name, 0o755)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, h.Name)
	case tar.TypeReg:
		f, err := root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, h.FileInfo().Mode().Perm()|0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, archive)
		return errors.Join(err, f.Close())
	}
	return fmt.Errorf("%s is neither a file, nor a folder, nor a link", h.Name)
}

// Ready is a file that the container which gives files back makes when it waits to
// be told to.
const Ready = "/run/restage/ready"

// filesMark begins the files in the log of their container.
const filesMark = "RESTAGE FILES"

// A file is one that a command leaves, as it is in that log.
type file struct {
	Name    string
	Data    []byte `json:",omitempty"`
	Error   string `json:",omitempty"`
	Missing bool   `json:",omitempty"`
}

// GiveFiles writes files of dir, at most limit bytes together, to w, in the way
// that a Job's log is read. Nothing of the command may run any more.
func GiveFiles(w io.Writer, dir string, names []string, limit Size) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var packed bytes.Buffer
	archive := gzip.NewWriter(&packed)
	enc := json.NewEncoder(archive)
	found, errs := readFiles(root, names, limit)
	for _, name := range names {
		f := file{Name: name, Data: found[name]}
		if err := errs[name]; err != nil {
			f.Error, f.Missing = err.Error(), errors.Is(err, fs.ErrNotExist)
		}
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return pem.Encode(w, &pem.Block{Type: filesMark, Bytes: packed.Bytes()})
}

// errNotGiven is why a file lacks when the pod ended before it could give it.
var errNotGiven = errors.New("the pod of the command ended before it could be read")

// readBack reads what GiveFiles wrote to log.
func readBack(log []byte, names []string, limit Size) (files map[string][]byte, errs map[string]error) {
	files, errs = map[string][]byte{}, map[string]error{}
	for _, name := range names {
		errs[name] = &fs.PathError{Op: "read", Path: name, Err: errNotGiven}
	}
	block, _ := pem.Decode(log)
	if block == nil || block.Type != filesMark {
		return files, errs
	}
	archive, err := gzip.NewReader(bytes.NewReader(block.Bytes))
	if err != nil {
		return files, errs
	}
	// As JSON a byte is up to 4/3 bytes; names and errors are short.
	dec := json.NewDecoder(io.LimitReader(archive, 2*int64(limit)+1<<20))
	for {
		var f file
		if dec.Decode(&f) != nil {
			return files, errs
		}
		switch _, asked := errs[f.Name]; {
		case !asked:
		case f.Missing:
			errs[f.Name] = &fs.PathError{Op: "read", Path: f.Name, Err: fs.ErrNotExist}
		case f.Error != "":
			errs[f.Name] = errors.New(f.Error)
		default:
			files[f.Name] = f.Data
			delete(errs, f.Name)
		}
	}
}
