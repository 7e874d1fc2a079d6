// Check says what is wrong with blueprint files, one JSON line a file:
//
//	go run ./examples/check FILE...
//
//	{"file":"a.json","ok":true,"modules":7,"unknown":["slack:CreateMessage"],"problems":[]}
//
// A problem is {"module","field","column","severity","message"} and a stable "code". A file is ok when no problem is an
// error. Modules of apps for which there is no connector here are listed as unknown and are no problem of the file. The exit
// code is 1 when any file is not ok.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: check FILE...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ok, err := check(flag.Args(), os.Stdout)
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

func check(files []string, w io.Writer) (ok bool, err error) {
	e, err := engine.New(engine.Config{})
	if err != nil {
		return false, err
	}
	defer e.Close()
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	ok = true
	for _, file := range files {
		v := judge(e, file)
		ok = ok && v.OK
		if err := lines.Encode(v); err != nil {
			return false, err
		}
	}
	return ok, nil
}

func judge(e *engine.Engine, file string) verdict {
	v := verdict{File: file, Unknown: []string{}, Problems: []blueprint.Problem{}}
	data, err := os.ReadFile(file)
	var bp *blueprint.Blueprint
	if err == nil {
		bp, err = blueprint.Parse(data)
	}
	if err != nil {
		v.Problems = append(v.Problems, blueprint.Problem{Code: "unreadable", Message: err.Error()})
		return v
	}
	for range bp.All() {
		v.Modules++
	}
	problems, unknown := e.Check(bp)
	v.Problems, v.Unknown = append(v.Problems, problems...), append(v.Unknown, unknown...)
	v.OK = blueprint.OK(problems)
	return v
}
