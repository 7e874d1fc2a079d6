package main

import (
	"net"
	"net/http"
	"time"
)

// A server serves a handler on a free port of this machine until it is closed.
type server struct {
	*http.Server
	url string
}

func serve(handler http.Handler) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{
		Server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
		url:    "http://" + listener.Addr().String(),
	}
	go func() { _ = s.Serve(listener) }() // ends when the server is closed
	return s, nil
}
