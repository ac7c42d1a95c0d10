// A witness of one log (C2SP tlog-witness, cosignature/v1), for the tests: it cosigns what continues what it cosigned last. It
// keeps that in memory alone, so it is no witness for anything else.
//
//	gowitness <name> <log vkey>
//
// Prints its vkey and its address, a line each, and serves until it is killed.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type witness struct {
	name   string
	id     uint32
	key    ed25519.PrivateKey
	log    note.Verifier
	lock   sync.Mutex
	newest tlog.Tree
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("expected a name and a log's vkey")
	}
	log, err := note.NewVerifier(args[1])
	if err != nil {
		return err
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	typed := append([]byte{4}, public...)
	sum := sha256.Sum256(append([]byte(args[0]+"\n"), typed...))
	w := &witness{name: args[0], id: binary.BigEndian.Uint32(sum[:]), key: key, log: log}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("%s+%08x+%s\n%s\n", w.name, w.id, base64.StdEncoding.EncodeToString(typed), listener.Addr())
	http.HandleFunc("/add-checkpoint", w.add)
	return http.Serve(listener, nil)
}

// refusal is an answer that is not 200.
type refusal struct {
	status int
	body   string
}

func (w *witness) add(out http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<16))
	if err != nil || request.Method != http.MethodPost {
		http.Error(out, "expected a POST", http.StatusBadRequest)
		return
	}
	line, refused := w.cosign(string(body))
	if refused != nil {
		if refused.status == http.StatusConflict {
			out.Header().Set("Content-Type", "text/x.tlog.size")
		}
		out.WriteHeader(refused.status)
		fmt.Fprint(out, refused.body)
		return
	}
	fmt.Fprint(out, line)
}

func (w *witness) cosign(body string) (string, *refusal) {
	bad := &refusal{http.StatusBadRequest, "malformed\n"}
	parts := strings.SplitN(body, "\n\n", 2)
	if len(parts) != 2 {
		return "", bad
	}
	lines := strings.Split(parts[0], "\n")
	older, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil || !strings.HasPrefix(lines[0], "old ") {
		return "", bad
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return "", bad
		}
		proof = append(proof, hash)
	}
	if !strings.HasPrefix(parts[1], w.log.Name()+"\n") {
		return "", &refusal{http.StatusNotFound, "another log\n"}
	}
	opened, err := note.Open([]byte(parts[1]), note.VerifierList(w.log))
	if err != nil {
		return "", &refusal{http.StatusForbidden, "not signed by the log\n"}
	}
	text := strings.Split(opened.Text, "\n")
	if len(text) != 4 {
		return "", bad
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	if err != nil {
		return "", bad
	}
	root, err := tlog.ParseHash(text[2])
	if err != nil {
		return "", bad
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	if older != w.newest.N {
		return "", &refusal{http.StatusConflict, fmt.Sprintf("%d\n", w.newest.N)}
	}
	if older > size || !w.continues(tlog.Tree{N: size, Hash: root}, proof) {
		return "", &refusal{http.StatusUnprocessableEntity, "it does not continue what was cosigned\n"}
	}
	w.newest = tlog.Tree{N: size, Hash: root}
	return w.sign(opened.Text), nil
}

func (w *witness) continues(newer tlog.Tree, proof tlog.TreeProof) bool {
	switch w.newest.N {
	case 0:
		return len(proof) == 0
	case newer.N:
		return len(proof) == 0 && newer.Hash == w.newest.Hash
	}
	return tlog.CheckTree(proof, newer.N, newer.Hash, w.newest.N, w.newest.Hash) == nil
}

func (w *witness) sign(text string) string {
	now := uint64(time.Now().Unix())
	signature := ed25519.Sign(w.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", now, text)))
	bytes := binary.BigEndian.AppendUint32(nil, w.id)
	bytes = binary.BigEndian.AppendUint64(bytes, now)
	return fmt.Sprintf("— %s %s\n", w.name, base64.StdEncoding.EncodeToString(append(bytes, signature...)))
}
