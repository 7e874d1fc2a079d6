package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/engine/blueprint"
)

// A picture shows verdicts as trees.
type picture struct {
	width int
	color bool
}

func (p picture) show(w io.Writer, bp *blueprint.Blueprint, v verdict) error {
	if _, err := fmt.Fprintf(w, "%s\n", shown(v.File)); err != nil {
		return err
	}
	if bp == nil {
		bp = &blueprint.Blueprint{Name: "Not a blueprint"}
	}
	if err := blueprint.Draw(w, bp, blueprint.DrawOptions{Problems: v.Problems, Unknown: v.Unknown, Width: p.width, Color: p.color}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// shown quotes a text that would do something to the terminal.
func shown(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// width reads the number of columns that the environment says.
func width(columns string) int {
	n, err := strconv.Atoi(columns)
	if err != nil {
		return 100
	}
	return min(max(n, 80), 120)
}

// terminal reports whether somebody is likely to look at what is written to the file.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
