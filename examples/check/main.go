// Check says what is wrong with blueprint files, one JSON line a file:
//
//	go run ./examples/check FILE...
//
//	{"file":"a.json","ok":true,"modules":7,"unknown":["slack:CreateMessage"],"problems":[]}
//
// A problem is {"module","field","column","severity","message"} and a stable "code". A file is ok when no problem is an
// error. Modules of apps for which there is no connector here are listed as unknown and are no problem of the file. The exit
// code is 1 when any file is not ok, and 2 when nothing could be checked.
//
// With -v it draws each file as a tree instead, with the problems in their places. The picture is 100 columns wide, or as
// wide as the environment's COLUMNS says, from 80 to 120. It has colours on a terminal unless NO_COLOR is set.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/ebbkit/ebb/connector/apps"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: check [-v] FILE...")
		flag.PrintDefaults()
	}
	verbose := flag.Bool("v", false, "draw each file as a tree with its problems")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	var show shower = lines
	if *verbose {
		show = picture{width: width(os.Getenv("COLUMNS")), color: os.Getenv("NO_COLOR") == "" && terminal(os.Stdout)}.show
	}
	ok, err := check(flag.Args(), os.Stdout, show)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// A verdict is one line of the output.
type verdict struct {
	File     string              `json:"file"`
	OK       bool                `json:"ok"`
	Modules  int                 `json:"modules"`
	Unknown  []string            `json:"unknown"`
	Problems []blueprint.Problem `json:"problems"`
}

// A shower writes the verdict on one file. The blueprint is nil when the file could not be read.
type shower func(w io.Writer, bp *blueprint.Blueprint, v verdict) error

func check(files []string, w io.Writer, show shower) (ok bool, err error) {
	e, err := engine.New(engine.Config{Connectors: apps.All()})
	if err != nil {
		return false, err
	}
	defer e.Close()
	ok = true
	for _, file := range files {
		bp, v := judge(e, file)
		ok = ok && v.OK
		if err := show(w, bp, v); err != nil {
			return false, err
		}
	}
	return ok, nil
}

func judge(e *engine.Engine, file string) (*blueprint.Blueprint, verdict) {
	v := verdict{File: file, Unknown: []string{}, Problems: []blueprint.Problem{}}
	data, err := os.ReadFile(file)
	var bp *blueprint.Blueprint
	if err == nil {
		bp, err = blueprint.Parse(data)
	}
	if err != nil {
		v.Problems = append(v.Problems, blueprint.Unreadable(err))
		return nil, v
	}
	for range bp.All() {
		v.Modules++
	}
	problems, unknown := e.Check(bp)
	v.Problems, v.Unknown = append(v.Problems, problems...), append(v.Unknown, unknown...)
	v.OK = blueprint.OK(problems)
	return bp, v
}

// lines shows a verdict as one line of JSON.
func lines(w io.Writer, _ *blueprint.Blueprint, v verdict) error {
	line := json.NewEncoder(w)
	line.SetEscapeHTML(false)
	return line.Encode(v)
}
