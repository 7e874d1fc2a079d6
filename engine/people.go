package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid" // random subjects: UUIDs of version 4

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
	"github.com/ebbkit/ebb/engine/internal/repo"
)

const (
	// MaxIdentifierBytes is the longest normal form of a text or number that names a person.
	MaxIdentifierBytes = 1024
	// MaxSubjects is how many people one record may name.
	MaxSubjects = 1000
)

var (
	errLongIdentifier = fmt.Errorf("%w: what is to name a person has more than %d bytes", ErrInvalid, MaxIdentifierBytes)
	errManySubjects   = fmt.Errorf("%w: one record names more than %d people", ErrInvalid, MaxSubjects)
	errInexact        = fmt.Errorf("%w: a number that is to name a person is too large to be exact: make it a text", ErrInvalid)
	errIdentifier     = errors.New("engine: Config.Identifier panicked")
)

// unnameable says that what names people cannot be kept, because nobody would find it again.
func unnameable(err error) bool {
	return errors.Is(err, errLongIdentifier) || errors.Is(err, errManySubjects) || errors.Is(err, errInexact) ||
		errors.Is(err, errIdentifier)
}

// exact is up to where a float64 has all integers: others are rounded, so that two people may have the same.
const exact = 1 << 53

// normalIdentifier is the default of Config.Identifier.
func normalIdentifier(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// normal is the normal form of what stands where an identifier is expected. Empty: it names nobody.
func (c *core) normal(value any) (text string, err error) {
	switch value := value.(type) {
	case string:
		text = value
	case int64, float64:
		if float, is := value.(float64); is && !(math.Abs(float) <= exact) {
			return "", errInexact
		}
		written, err := connector.AppendText(nil, value)
		if err != nil {
			return "", err
		}
		text = string(written)
	default:
		return "", nil
	}
	defer func() {
		if recover() != nil {
			text, err = "", errIdentifier
		}
	}()
	if text = c.cfg.Identifier(text); len(text) > MaxIdentifierBytes {
		return "", errLongIdentifier
	}
	return text, nil
}

// identifiers are the normal forms of identifiers, each once, in the order in which they came. The zero value is empty.
type identifiers struct {
	list []string
	seen map[string]struct{}
}

// add adds the identifier that a value is, if it is one.
func (i *identifiers) add(c *core, value any) error {
	text, err := c.normal(value)
	if err != nil || text == "" {
		return err
	}
	if _, known := i.seen[text]; known {
		return nil
	}
	if len(i.list) == MaxSubjects {
		return errManySubjects
	}
	if i.seen == nil {
		i.seen = make(map[string]struct{})
	}
	i.seen[text] = struct{}{}
	i.list = append(i.list, text)
	return nil
}

// addAll adds what stands in a bundle at the paths.
func (i *identifiers) addAll(c *core, paths []*expr.Locator, in connector.Bundle) (err error) {
	for _, path := range paths {
		path.Locate(in, func(value any) bool {
			err = i.add(c, value)
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// newSubject makes the ID of a subject: 122 random bits, which mean nothing.
func (c *core) newSubject() (string, error) {
	id, err := uuid.NewRandomFromReader(c.cfg.Random)
	if err != nil {
		return "", fmt.Errorf("make a subject: %w", err)
	}
	return id.String(), nil
}

// resolve returns the people whom identifiers name, each once. Those who are known cost no look at the store.
func (c *core) resolve(ctx context.Context, tenant string, named []string) ([]repo.Person, error) {
	if len(named) == 0 {
		return nil, nil
	}
	now := c.now()
	people := make([]repo.Person, len(named))
	var unknown []string
	var places []int
	for i, identifier := range named {
		var ok bool
		if people[i], ok = c.people.find(tenant, identifier); !ok || !people[i].Fresh(now) {
			unknown, places = append(unknown, identifier), append(places, i)
		}
	}
	if len(unknown) == 0 {
		return people, nil
	}
	found, err := c.repo.Resolve(ctx, tenant, unknown, c.newSubject)
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		people[place] = found[i]
		c.people.keep(tenant, unknown[i], found[i])
	}
	return people, nil
}

// again returns people as they are known now, after a write that named them has conflicted.
func (c *core) again(ctx context.Context, tenant string, people []repo.Person) ([]repo.Person, error) {
	c.people.forget(tenant, people)
	return c.repo.Standing(ctx, tenant, subjectsOf(people))
}

// subjectsOf returns what a record that names the people has as its Subjects. Nobody: nil.
func subjectsOf(people []repo.Person) []string {
	if len(people) == 0 {
		return nil
	}
	subjects := make([]string, len(people))
	for i := range people {
		subjects[i] = people[i].ID
	}
	return subjects
}

// joined returns the people of both lists, each once.
func joined(some, more []repo.Person) []repo.Person {
	if len(more) == 0 {
		return some
	}
	seen := make(map[string]struct{}, len(some)+len(more))
	all := make([]repo.Person, 0, len(some)+len(more))
	for _, list := range [...][]repo.Person{some, more} {
		for i := range list {
			if _, twice := seen[list[i].ID]; !twice {
				seen[list[i].ID] = struct{}{}
				all = append(all, list[i])
			}
		}
	}
	return all
}
