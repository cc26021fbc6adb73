// tlog DIR VKEY: reads a published log as files, with Go's own note and tlog: the checkpoint's signature, its root out of the
// tiles, and that each leaf of the entry bundles is proven by them. Prints "N leaves" or what is wrong.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type folder string

func (d folder) Height() int { return 8 }

func (d folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		// tlog's own path is tile/8/L/N; ours, as C2SP has it, is tile/L/N
		data, err := os.ReadFile(filepath.Join(string(d), strings.Replace(t.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (d folder) SaveTiles([]tlog.Tile, [][]byte) {}

func fail(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func leaves(d folder, size int64) ([][]byte, error) {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		w := size - n*256
		if w > 256 {
			w = 256
		}
		t := tlog.Tile{H: 8, L: 0, N: n, W: int(w)}
		data, err := os.ReadFile(filepath.Join(string(d), strings.Replace(t.Path(), "tile/8/0/", "tile/entries/", 1)))
		if err != nil {
			return nil, err
		}
		for len(data) >= 2 {
			size := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+size])
			data = data[2+size:]
		}
	}
	return all, nil
}

func main() {
	d := folder(os.Args[1])
	verifier, err := note.NewVerifier(os.Args[2])
	fail(err)
	text, err := os.ReadFile(filepath.Join(string(d), "checkpoint"))
	fail(err)
	signed, err := note.Open(text, note.VerifierList(verifier))
	fail(err)
	lines := strings.Split(signed.Text, "\n")
	if lines[0] != verifier.Name() {
		fail(fmt.Errorf("origin %q is not the key's name", lines[0]))
	}
	// tlog.ParseTree wants the sum database's own first line
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + lines[1] + "\n" + lines[2] + "\n"))
	fail(err)
	reader := tlog.TileHashReader(tree, d)
	all, err := leaves(d, tree.N)
	fail(err)
	if int64(len(all)) != tree.N {
		fail(fmt.Errorf("%d leaves in the bundles, %d in the tree", len(all), tree.N))
	}
	for i, leaf := range all {
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		fail(err)
		if hashes[0] != tlog.RecordHash(leaf) {
			fail(fmt.Errorf("leaf %d is not the one in the tree", i))
		}
		if i%97 == 0 {
			proof, err := tlog.ProveRecord(tree.N, int64(i), reader)
			fail(err)
			fail(tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(leaf)))
		}
	}
	old := tree.N / 2
	if old > 0 {
		oldHash, err := tlog.TreeHash(old, reader)
		fail(err)
		proof, err := tlog.ProveTree(tree.N, old, reader)
		fail(err)
		fail(tlog.CheckTree(proof, tree.N, tree.Hash, old, oldHash))
	}
	fmt.Printf("%d leaves\n", len(all))
}
