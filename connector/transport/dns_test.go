package transport_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// names is a name server in memory: it answers each question about a name with the next list of addresses, the last one
// for ever, and says of all other names that they do not exist.
type names struct {
	mu      sync.Mutex
	answers map[string][][]string
	asked   map[string]int
}

// resolver returns a resolver that asks names and nobody else.
func resolver(t *testing.T, answers map[string][][]string) *net.Resolver {
	t.Helper()
	n := &names{answers: answers, asked: map[string]int{}}
	var served sync.WaitGroup
	t.Cleanup(served.Wait)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		served.Go(func() {
			defer ours.Close()
			for n.answer(ours) == nil {
			}
		})
		return theirs, nil
	}}
}

// answer reads one question in the framing of DNS over TCP and answers it (RFC 1035, section 4).
func (n *names) answer(conn io.ReadWriter) error {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, query); err != nil {
		return err
	}
	var labels []string
	end := 12
	for query[end] != 0 {
		labels = append(labels, string(query[end+1:end+1+int(query[end])]))
		end += 1 + int(query[end])
	}
	end += 5 // the root label, type and class
	kind := binary.BigEndian.Uint16(query[end-4:])
	known, addresses := n.next(strings.Join(labels, "."), kind)

	reply := append([]byte(nil), query[:end]...)
	reply[2], reply[3] = 0x81, 0x80
	if !known {
		reply[3] |= 3 // no such name
	}
	clear(reply[6:12])
	for _, address := range addresses {
		reply[7]++
		reply = append(reply, 0xc0, 12)
		reply = binary.BigEndian.AppendUint16(reply, kind)
		reply = append(reply, 0, 1, 0, 0, 0, 0)
		reply = binary.BigEndian.AppendUint16(reply, uint16(len(address)))
		reply = append(reply, address...)
	}
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	return err
}

// next returns the addresses of one kind: A or AAAA. The list moves on when both were asked for.
func (n *names) next(name string, kind uint16) (known bool, addresses [][]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lists, known := n.answers[name]
	if !known {
		return false, nil
	}
	key := name + map[uint16]string{1: " A", 28: " AAAA"}[kind]
	list := lists[min(n.asked[key], len(lists)-1)]
	n.asked[key]++
	for _, text := range list {
		address := netip.MustParseAddr(text)
		if address.Is4() == (kind == 1) {
			addresses = append(addresses, address.AsSlice())
		}
	}
	return true, addresses
}
