// Checks checkpoints and proofs with the Go project's own golang.org/x/mod/sumdb.
//
//	main VKEY PROOF EVENT    a tlog-proof of the event under a checkpoint signed by the key
//	main VKEY OLD NEW PROOF  that checkpoint NEW continues OLD; PROOF has one base64 hash a line
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

func read(name string) string {
	data, err := os.ReadFile(name)
	check(err)
	return string(data)
}

func hashes(lines []string) []tlog.Hash {
	var found []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		check(err)
		found = append(found, hash)
	}
	return found
}

// A checkpoint has the three lines of a go.sum tree, under another name.
func checkpoint(vkey, text string) (int64, tlog.Hash) {
	verifier, err := note.NewVerifier(vkey)
	check(err)
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		check(fmt.Errorf("not a checkpoint of %s", verifier.Name()))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	if len(raw) != tlog.HashSize {
		check(fmt.Errorf("a root of %d bytes", len(raw)))
	}
	var root tlog.Hash
	copy(root[:], raw)
	return size, root
}

func main() {
	arguments := os.Args[1:]
	if len(arguments) == 3 {
		head, rest, _ := strings.Cut(read(arguments[1]), "\n\n")
		lines := strings.Split(head, "\n")
		if lines[0] != "c2sp.org/tlog-proof@v1" {
			check(fmt.Errorf("not a proof"))
		}
		lines = lines[1:]
		if strings.HasPrefix(lines[0], "extra ") {
			lines = lines[1:]
		}
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
		check(err)
		size, root := checkpoint(arguments[0], rest)
		leaf := tlog.RecordHash([]byte(read(arguments[2])))
		check(tlog.CheckRecord(hashes(lines[1:]), size, root, index, leaf))
	} else {
		old, oldRoot := checkpoint(arguments[0], read(arguments[1]))
		size, root := checkpoint(arguments[0], read(arguments[2]))
		check(tlog.CheckTree(hashes(strings.Fields(read(arguments[3]))), size, root, old, oldRoot))
	}
	fmt.Println("accepted")
}
