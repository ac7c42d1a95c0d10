package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// manifest is what a bundle says of itself, as far as it is checked here.
type manifest struct {
	Size    int64             `json:"size"`
	Root    string            `json:"root"`
	Entries int               `json:"entries"`
	Files   map[string]string `json:"files"`
}

// line is one of entries.ndjson.
type line struct {
	Index    int64  `json:"index"`
	Body     string `json:"body"`
	Openings []struct {
		Field string `json:"field"`
		Salt  string `json:"salt"`
		Value string `json:"value"`
	} `json:"openings"`
}

// event is one of events.ndjson.
type event struct {
	Data struct {
		Raw string `json:"raw_data"`
	} `json:"data"`
}

func checkBundle(dir, vkey string, verifier note.Verifier) error {
	said, err := readManifest(dir, vkey)
	if err != nil {
		return fmt.Errorf("manifest.note: %w", err)
	}
	if err := checkFiles(dir, said); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := head(data, verifier)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if tree.N != said.Size || tree.Hash.String() != said.Root {
		return errors.New("checkpoint: another than the manifest names")
	}
	var lines [3][][]byte
	for i, name := range []string{"entries.ndjson", "proofs.ndjson", "events.ndjson"} {
		if lines[i], err = readLines(filepath.Join(dir, name)); err != nil {
			return err
		}
		if len(lines[i]) != said.Entries {
			return fmt.Errorf("%s: %d lines, and the manifest says %d", name, len(lines[i]), said.Entries)
		}
	}
	openings := 0
	for i := range lines[0] {
		proof, at, err := proven(lines[1][i], vkey, verifier)
		if err != nil {
			return fmt.Errorf("proofs.ndjson, line %d: %w", i+1, err)
		}
		if at != tree {
			return fmt.Errorf("proofs.ndjson, line %d: leads to another checkpoint", i+1)
		}
		var entry line
		if err := json.Unmarshal(lines[0][i], &entry); err != nil {
			return fmt.Errorf("entries.ndjson, line %d: %w", i+1, err)
		}
		if entry.Index != proof.Index || entry.Body != proof.Entry {
			return fmt.Errorf("entries.ndjson, line %d: another entry than is proven", i+1)
		}
		var told event
		if err := json.Unmarshal(lines[2][i], &told); err != nil || told.Data.Raw != proof.Entry {
			return fmt.Errorf("events.ndjson, line %d: another entry than is proven", i+1)
		}
		if err := checkOpenings(entry); err != nil {
			return fmt.Errorf("entries.ndjson, line %d: %w", i+1, err)
		}
		openings += len(entry.Openings)
	}
	fmt.Printf("ok: %d files are as the manifest says, which the key of %s has signed\n", len(said.Files), verifier.Name())
	fmt.Printf("ok: %d entries and %d openings at %d entries, root %s\n", said.Entries, openings, tree.N, tree.Hash)
	return nil
}

func readManifest(dir, vkey string) (manifest, error) {
	var said manifest
	data, err := os.ReadFile(filepath.Join(dir, "manifest.note"))
	if err != nil {
		return said, err
	}
	signer, err := named(vkey, "evidence")
	if err != nil {
		return said, err
	}
	opened, err := note.Open(data, note.VerifierList(signer))
	if err != nil {
		return said, err
	}
	return said, json.Unmarshal([]byte(opened.Text), &said)
}

// checkFiles compares the digest of every file, and finds those that are not named.
func checkFiles(dir string, said manifest) error {
	found := 0
	err := filepath.WalkDir(dir, func(path string, file fs.DirEntry, err error) error {
		if err != nil || file.IsDir() || file.Name() == "manifest.note" {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(data)
		if said.Files[name] != hex.EncodeToString(digest[:]) {
			return fmt.Errorf("%s: not the file that the manifest names", name)
		}
		found++
		return nil
	})
	if err == nil && found != len(said.Files) {
		return fmt.Errorf("%d files, and the manifest names %d", found, len(said.Files))
	}
	return err
}

func readLines(path string) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	scanner := bufio.NewScanner(bytes.NewReader(data))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines = append(lines, append([]byte(nil), scanner.Bytes()...))
	}
	return lines, scanner.Err()
}

// checkOpenings computes the commitment of each opening, and looks for it in the body.
func checkOpenings(entry line) error {
	for _, opening := range entry.Openings {
		salt, err := hex.DecodeString(opening.Salt)
		if err != nil {
			return err
		}
		text := "portcullis audit commitment 1\n" + opening.Field + "\n" + string(salt) + opening.Value
		digest := sha256.Sum256([]byte(text))
		commitment := fmt.Sprintf(`{"committed":"%s"}`, base64.StdEncoding.EncodeToString(digest[:]))
		if !strings.Contains(entry.Body, commitment) {
			return fmt.Errorf("the body does not commit to the opening of '%s'", opening.Field)
		}
	}
	return nil
}
