package expr

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // expressions name time zones, and the machine may have no zone database

	"github.com/ebbkit/ebb/connector/pattern"
)

const (
	defaultMaxTextBytes = 16 << 20
	defaultMaxItems     = 1 << 20
	defaultMaxMatchTime = time.Second
)

// Options says what a Language is made of. The zero Options is the built-in language with its default limits.
type Options struct {
	// Functions are the host's own functions, beside the built-in ones. Default: none.
	Functions []Function

	// MaxTextBytes limits a text or buffer that an expression produces. Default: 16 MiB.
	MaxTextBytes int64

	// MaxItems limits an array that an expression produces. Default: 1 048 576.
	MaxItems int

	// MaxMatchTime limits how long one replacement or one match with a regular expression may take; the clock behind it
	// ticks every 100 ms. Default: one second.
	MaxMatchTime time.Duration
}

// A Language compiles templates and filters. Make one with New and keep it: it holds the compiled regular expressions
// that could not be compiled beforehand. It may be used from many goroutines at once.
type Language struct {
	functions map[string]*Function
	maxText   int
	maxItems  int

	patterns pattern.Cache
	zones    zoneCache
	memories sync.Pool
}

// New makes a Language. It fails with an error that wraps ErrFunction, listing every custom function that is not
// complete, stands twice, or has a built-in function's or a keyword's name.
func New(options Options) (*Language, error) {
	l := &Language{
		functions: make(map[string]*Function, 96),
		maxText:   defaultMaxTextBytes,
		maxItems:  defaultMaxItems,
		patterns:  pattern.Cache{Limit: defaultMaxMatchTime},
	}
	if options.MaxTextBytes > 0 {
		l.maxText = int(min(options.MaxTextBytes, 1<<40))
	}
	if options.MaxItems > 0 {
		l.maxItems = options.MaxItems
	}
	if options.MaxMatchTime > 0 {
		l.patterns.Limit = options.MaxMatchTime
	}
	for _, family := range [][]Function{
		generalFunctions(), mathFunctions(), textFunctions(), encodingFunctions(), hashFunctions(), dateFunctions(), arrayFunctions(),
	} {
		for i := range family {
			l.functions[family[i].Name] = &family[i]
		}
	}
	var problems []string
	for _, function := range options.Functions {
		switch {
		case !isName(function.Name) || function.Call == nil:
			problems = append(problems, fmt.Sprintf("%q needs a name of letters and digits, and a Call", function.Name))
		case l.functions[function.Name] != nil || isKeyword(function.Name) || function.Name == "and" || function.Name == "or" || function.Name == "var":
			problems = append(problems, fmt.Sprintf("the name %q is taken", function.Name))
		default:
			function.custom = true
			l.functions[function.Name] = &function
		}
	}
	if problems != nil {
		return nil, fmt.Errorf("%w: %s", ErrFunction, strings.Join(problems, "; "))
	}
	l.memories.New = func() any {
		m := &memory{}
		m.call.lang, m.call.memory = l, m
		return m
	}
	return l, nil
}

// Functions lists all functions by name, with what a reference page needs.
func (l *Language) Functions() []Function {
	list := make([]Function, 0, len(l.functions))
	known := notes()
	for _, function := range l.functions {
		f := *function
		if !f.custom {
			f.Note = known[f.Name]
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// maxZones is more than there are; some file systems know each in many spellings.
const maxZones = 1000

// A zoneCache keeps the time zones that were asked for and exist.
type zoneCache struct {
	known sync.Map // name to *time.Location
	count atomic.Int32
}

// find returns the zone of an IANA name. The caller's error must not repeat the name, which is a value.
func (c *zoneCache) find(name string) (*time.Location, bool) {
	if loc, ok := c.known.Load(name); ok {
		return loc.(*time.Location), true
	}
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, false
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, false
	}
	if c.count.Add(1) <= maxZones {
		c.known.Store(name, loc)
	}
	return loc, true
}
