// Checks an audit log with packages that are not ours: golang.org/x/mod/sumdb/{note,tlog}, as Debian packages them.
//
//	gocheck log   <log directory> <vkey> [<older checkpoint>...]
//	gocheck view  <copy of a view> <vkey> [<older checkpoint>...]
//	gocheck proof <proof of an entry> <vkey>
//	gocheck bundle <directory of an evidence bundle> <vkey>
//
// log and view: the checkpoint's signature, every tile and every entry against the signed root, an inclusion proof of every
// entry (of 500 all over the log where it is longer), consistency between any two of many sizes, and with each older checkpoint.
// log: also that the leaves are heads of views that follow from one another; it prints the last of each view, `view <tag> <size> <root>`.
// view: it prints the checkpoint's, `head <size> <root>`. Where size and root are the same, the copy is all of the view.
// proof: both proofs in the file.
// bundle: the manifest's signature, the digest of every file, and of every entry both proofs, that they lead to the bundle's
// checkpoint, that the body in entries.ndjson and in events.ndjson is the proven one, and that it commits to each opening.
//
// Without modules: GO111MODULE=off GOPATH=/usr/share/gocode go run main.go ...
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height    = 8
	width     = 1 << height
	mostProof = 500
	mostSizes = 24
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "REFUSED:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return errors.New("expected log, view, proof or bundle, what to check, and a vkey")
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(args[2]))
	if err != nil {
		return err
	}
	switch args[0] {
	case "log", "view":
		return checkLog(args[1], verifier, args[3:], args[0] == "log")
	case "proof":
		return checkProof(args[1], strings.TrimSpace(args[2]), verifier)
	case "bundle":
		return checkBundle(args[1], strings.TrimSpace(args[2]), verifier)
	}
	return fmt.Errorf("unknown: %s", args[0])
}

// head is the size and root of a checkpoint that the key has signed.
func head(data []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// files reads tiles from a directory, by the names of C2SP tlog-tiles.
type files struct{ dir string }

func (f files) Height() int                                { return height }
func (f files) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (f files) name(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		bytes, err := os.ReadFile(filepath.Join(f.dir, f.name(tile)))
		if errors.Is(err, os.ErrNotExist) && tile.W < width {
			full := tile
			full.W = width
			bytes, err = os.ReadFile(filepath.Join(f.dir, f.name(full)))
			if err == nil && len(bytes) >= tile.W*tlog.HashSize {
				bytes = bytes[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

// entries reads a bundle: each entry behind its length, as two bytes.
func (f files) entries(n int64, count int) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: 0, N: n, W: count}
	path := strings.Replace(f.name(tile), "tile/0/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(f.dir, path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends inside an entry", path)
		}
		length := int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(entries) != count {
		return nil, fmt.Errorf("%s has %d entries instead of %d", path, len(entries), count)
	}
	return entries, nil
}

func checkLog(dir string, verifier note.Verifier, older []string, leaves bool) error {
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := head(data, verifier)
	if err != nil {
		return err
	}
	source := files{dir}
	reader := tlog.TileHashReader(tree, source)
	views := map[string]*view{}
	var hashes []tlog.Hash
	for n := int64(0); n*width < tree.N; n++ {
		count := int(min(width, tree.N-n*width))
		entries, err := source.entries(n, count)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			index := n*width + int64(i)
			read, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
			if err != nil {
				return err
			}
			if read[0] != tlog.RecordHash(entry) {
				return fmt.Errorf("entry %d is not the one in the tree", index)
			}
			hashes = append(hashes, read[0])
			if leaves {
				if err := follow(views, index, entry); err != nil {
					return fmt.Errorf("entry %d: %w", index, err)
				}
			}
		}
	}
	fmt.Printf("ok: checkpoint of %s, %d entries lead to its root\n", verifier.Name(), tree.N)
	step := tree.N/mostProof + 1
	for index := int64(0); index < tree.N; index += step {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, hashes[index]); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	fmt.Printf("ok: inclusion of every %d. entry\n", step)
	if err := checkSizes(tree, reader); err != nil {
		return err
	}
	for _, name := range older {
		if err := checkOlder(name, verifier, tree, reader); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if leaves {
		fmt.Printf("ok: the heads of %d views follow from one another\n", len(views))
		var tags []string
		for tag := range views {
			tags = append(tags, tag)
		}
		sort.Strings(tags)
		for _, tag := range tags {
			fmt.Printf("view %s %d %s\n", tag, views[tag].size, views[tag].root)
		}
	} else {
		fmt.Printf("head %d %s\n", tree.N, tree.Hash)
	}
	return nil
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

// checkSizes proves consistency between any two of many sizes.
func checkSizes(tree tlog.Tree, reader tlog.HashReader) error {
	step := tree.N/mostSizes + 1
	roots := map[int64]tlog.Hash{}
	var sizes []int64
	for size := int64(1); size <= tree.N; size += step {
		root, err := tlog.TreeHash(size, reader)
		if err != nil {
			return err
		}
		roots[size], sizes = root, append(sizes, size)
	}
	for i, newer := range sizes {
		for _, older := range sizes[:i] {
			proof, err := tlog.ProveTree(newer, older, reader)
			if err != nil {
				return err
			}
			if err := tlog.CheckTree(proof, newer, roots[newer], older, roots[older]); err != nil {
				return err
			}
		}
	}
	fmt.Printf("ok: consistency between any two of %d sizes\n", len(sizes))
	return nil
}

func checkOlder(name string, verifier note.Verifier, tree tlog.Tree, reader tlog.HashReader) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	older, err := head(data, verifier)
	if err != nil {
		return err
	}
	if older.N > tree.N {
		return fmt.Errorf("%d entries were signed, and now there are %d", older.N, tree.N)
	}
	if older.N > 0 {
		proof, err := tlog.ProveTree(tree.N, older.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
			return err
		}
	}
	fmt.Printf("ok: continues the checkpoint at %d entries\n", older.N)
	return nil
}

// leaf is the head of a view, as an entry of the host's log.
type leaf struct {
	Entry string `json:"entry"`
	Index int64  `json:"index"`
	Root  string `json:"root"`
	Size  int64  `json:"size"`
	View  string `json:"view"`
}

// view is all stored hashes of one, as sumdb counts them.
type view struct {
	size   int64
	root   tlog.Hash
	hashes []tlog.Hash
}

func (v *view) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(v.hashes)) {
			return nil, errors.New("beyond the view")
		}
		out[i] = v.hashes[index]
	}
	return out, nil
}

func readLeaf(entry []byte) (leaf, tlog.Hash, tlog.Hash, error) {
	var l leaf
	decoder := json.NewDecoder(bytes.NewReader(entry))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		return l, tlog.Hash{}, tlog.Hash{}, err
	}
	hash, err := tlog.ParseHash(l.Entry)
	if err != nil {
		return l, hash, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(l.Root)
	return l, hash, root, err
}

func follow(views map[string]*view, index int64, entry []byte) error {
	l, hash, root, err := readLeaf(entry)
	if err != nil {
		return err
	}
	if l.Index != index {
		return fmt.Errorf("it says that it is entry %d", l.Index)
	}
	v := views[l.View]
	if v == nil {
		v = &view{}
		views[l.View] = v
	}
	if l.Size != v.size+1 {
		return fmt.Errorf("view %s has %d entries, and had %d", l.View, l.Size, v.size)
	}
	stored, err := tlog.StoredHashesForRecordHash(v.size, hash, v)
	if err != nil {
		return err
	}
	v.hashes, v.size = append(v.hashes, stored...), v.size+1
	computed, err := tlog.TreeHash(v.size, v)
	if err != nil {
		return err
	}
	if computed != root {
		return fmt.Errorf("the root of view %s is another", l.View)
	}
	v.root = root
	return nil
}

// entryProof is the form of `portcullis audit proof`.
type entryProof struct {
	Index int64  `json:"index"`
	Entry string `json:"entry"`
	Leaf  string `json:"leaf"`
	Proof string `json:"proof"`
	View  struct {
		Tag      string `json:"tag"`
		Position int64  `json:"position"`
		Proof    string `json:"proof"`
	} `json:"view"`
}

func checkProof(file, vkey string, verifier note.Verifier) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	proof, _, err := proven(data, vkey, verifier)
	if err != nil {
		return err
	}
	fmt.Printf("ok: entry %d of %s is entry %d of view %s\n", proof.Index, verifier.Name(), proof.View.Position, proof.View.Tag)
	return nil
}

// proven is a proof of an entry that holds, and the head of the log that it leads to.
func proven(data []byte, vkey string, verifier note.Verifier) (entryProof, tlog.Tree, error) {
	var proof entryProof
	if err := json.Unmarshal(data, &proof); err != nil {
		return proof, tlog.Tree{}, err
	}
	tree, err := checkText(proof.Proof, verifier, proof.Index, tlog.RecordHash([]byte(proof.Leaf)))
	if err != nil {
		return proof, tree, fmt.Errorf("in the log: %w", err)
	}
	l, hash, _, err := readLeaf([]byte(proof.Leaf))
	if err != nil {
		return proof, tree, err
	}
	named := l.Index == proof.Index && l.View == proof.View.Tag && l.Size == proof.View.Position+1
	if !named || hash != tlog.RecordHash([]byte(proof.Entry)) {
		return proof, tree, errors.New("the leaf is not that of the entry")
	}
	ofView, err := viewVerifier(vkey, l.View)
	if err != nil {
		return proof, tree, err
	}
	if _, err := checkText(proof.View.Proof, ofView, proof.View.Position, hash); err != nil {
		return proof, tree, fmt.Errorf("in the view: %w", err)
	}
	return proof, tree, nil
}

// viewVerifier is the log's key under the name of a view.
func viewVerifier(vkey, tag string) (note.Verifier, error) {
	return named(vkey, tag)
}

// named is the log's key under its name and another behind it.
func named(vkey, tag string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("no vkey")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) < 1 {
		return nil, errors.New("no vkey")
	}
	text, err := note.NewEd25519VerifierKey(parts[0]+"/"+tag, key[1:])
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(text)
}

// checkText checks a C2SP tlog-proof.
func checkText(text string, verifier note.Verifier, index int64, hash tlog.Hash) (tlog.Tree, error) {
	parts := strings.SplitN(text, "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) != 2 || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return tlog.Tree{}, errors.New("no tlog-proof")
	}
	if lines[1] != fmt.Sprintf("index %d", index) {
		return tlog.Tree{}, errors.New("a proof of another place")
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		sibling, err := tlog.ParseHash(line)
		if err != nil {
			return tlog.Tree{}, err
		}
		proof = append(proof, sibling)
	}
	tree, err := head([]byte(parts[1]), verifier)
	if err != nil {
		return tlog.Tree{}, err
	}
	return tree, tlog.CheckRecord(proof, tree.N, tree.Hash, index, hash)
}
