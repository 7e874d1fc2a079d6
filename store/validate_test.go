package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

const (
	one = "01900000-0000-7000-8000-000000000001"
	two = "01900000-0000-7000-8000-000000000002"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func valid(id string) *store.Record {
	return &store.Record{Key: store.Key{Kind: "a", ID: id}, Created: day}
}

func TestFaultNamesItsField(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	with := func(spoil func(*store.Record)) *store.Record {
		r := valid(one)
		spoil(r)
		return r
	}
	for want, changes := range map[string][]store.Change{
		"store: invalid: changes[0].change: needs exactly one of put, touch, delete and check": {{}},
		"store: invalid: changes[1].put.kind: has a byte other than a-z, 0-9 and _, or starts with none of a-z": {
			{Check: valid(two)}, {Put: with(func(r *store.Record) { r.Kind = "A" })}},
		"store: invalid: changes[0].put.kind: is not 1 to 40 bytes long":       {{Put: with(func(r *store.Record) { r.Kind = "" })}},
		"store: invalid: changes[0].check.id: is not a UUID in canonical form": {{Check: with(func(r *store.Record) { r.ID = "x" })}},
		"store: invalid: changes[0].delete.version: less than 1":               {{Delete: valid(one)}},
		"store: invalid: changes[0].touch.version: less than 1":                {{Touch: valid(one)}},
		"store: invalid: changes[0].put.version: less than 0":                  {{Put: with(func(r *store.Record) { r.Version = -1 })}},
		"store: too large: changes[0].check.tenant: longer than 1024 bytes":    {{Check: with(func(r *store.Record) { r.Tenant = long })}},
		"store: invalid: changes[0].put.parent: is not valid UTF-8":            {{Put: with(func(r *store.Record) { r.Parent = "\xff" })}},
		"store: too large: changes[0].put.category: longer than 1024 bytes":    {{Put: with(func(r *store.Record) { r.Category = long })}},
		"store: too large: changes[0].put.state: longer than 1024 bytes":       {{Put: with(func(r *store.Record) { r.State = long })}},
		"store: invalid: changes[0].put.subjects[2]: stands twice": {
			{Put: with(func(r *store.Record) { r.Subjects = []string{"a", "b", "a"} })}},
		"store: invalid: changes[0].put.subjects[1]: is empty":           {{Put: with(func(r *store.Record) { r.Subjects = []string{"a", ""} })}},
		"store: invalid: changes[0].put.subjects[0]: is not valid UTF-8": {{Put: with(func(r *store.Record) { r.Subjects = []string{"\xff"} })}},
		"store: invalid: changes[0].put.created: is required":            {{Put: with(func(r *store.Record) { r.Created = time.Time{} })}},
		"store: invalid: changes[0].put.due: lies outside of 1678-01-01 to 2262-04-10": {
			{Put: with(func(r *store.Record) { r.Due = time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC) })}},
		"store: invalid: changes[0].put.passive: lies outside of 1678-01-01 to 2262-04-10": {
			{Put: with(func(r *store.Record) { r.Passive = time.Date(1677, 12, 31, 0, 0, 0, 0, time.UTC) })}},
		"store: too large: changes[0].put.body: longer than 16777216 bytes": {
			{Put: with(func(r *store.Record) { r.Body = make([]byte, store.MaxBodyBytes+1) })}},
		"store: invalid: changes[1]: a key that stands twice": {{Put: valid(one)}, {Check: valid(one)}},
	} {
		require.EqualError(t, store.Validate(changes), want)
		if len(changes) == 1 {
			require.EqualError(t, changes[0].Validate(), strings.Replace(want, "changes[0].", "", 1))
		}
	}
}

func TestValidChangesPass(t *testing.T) {
	t.Parallel()
	full := valid(one)
	full.Kind = store.Kind("k" + strings.Repeat("_", 39))
	text := strings.Repeat("é", 512)
	full.Tenant, full.Parent, full.Category, full.State, full.Subjects = text, text, text, text, []string{text, "\x00"}
	full.Created = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	full.Due = time.Date(2262, 4, 10, 23, 59, 59, 999_999_999, time.UTC)
	full.Passive = time.Unix(0, 0)
	full.Body = make([]byte, store.MaxBodyBytes)
	touched := valid(two)
	touched.Version, touched.Body = 1, make([]byte, store.MaxBodyBytes+1)
	require.NoError(t, store.Validate(nil))
	require.NoError(t, store.Validate([]store.Change{{Put: full}, {Touch: touched}}))
	for _, n := range []int{12, 13, 100} {
		var changes []store.Change
		for i := range n {
			changes = append(changes, store.Change{Check: valid(fmt.Sprintf("01900000-0000-7000-8000-%012d", i))})
		}
		require.NoError(t, store.Validate(changes))
		changes = append(changes, store.Change{Put: valid("01900000-0000-7000-8000-000000000003")})
		require.ErrorIs(t, store.Validate(changes), store.ErrInvalid)
	}
}

func TestQueryIsValidatedAndNamesItsField(t *testing.T) {
	t.Parallel()
	require.NoError(t, store.Query{Kind: "a"}.Validate())
	require.NoError(t, store.Query{Kind: "a", PassiveBefore: day, Visibility: store.Passive, After: one, Limit: 3}.Validate())
	for field, q := range map[string]store.Query{
		"query.kind":          {},
		"query.tenant":        {Kind: "a", Tenant: "t", AllTenants: true},
		"query.parent":        {Kind: "a", Parent: "\xff"},
		"query.after":         {Kind: "a", After: strings.ToUpper("0190000a-0000-7000-8000-000000000001")},
		"query.limit":         {Kind: "a", Limit: -1},
		"query.visibility":    {Kind: "a", Visibility: 3},
		"query.passiveBefore": {Kind: "a", PassiveBefore: day},
		"query.createdBefore": {Kind: "a", CreatedBefore: day.AddDate(500, 0, 0)},
	} {
		err := q.Validate()
		require.ErrorIs(t, err, store.ErrInvalid)
		require.ErrorContains(t, err, ": "+field+": ")
	}
}

func TestClaimIsValidated(t *testing.T) {
	t.Parallel()
	require.NoError(t, store.ValidateClaim("a", day, day.Add(1), 1))
	require.ErrorContains(t, store.ValidateClaim("", day, day.Add(1), 1), "claim.kind")
	require.ErrorContains(t, store.ValidateClaim("a", time.Time{}, day, 1), "claim.now")
	require.ErrorContains(t, store.ValidateClaim("a", day, time.Time{}, 1), "claim.until")
	require.ErrorContains(t, store.ValidateClaim("a", day, day, 1), "claim.until")
	require.ErrorContains(t, store.ValidateClaim("a", day, day.AddDate(400, 0, 0), 1), "claim.until")
	require.ErrorContains(t, store.ValidateClaim("a", day, day.Add(1), 0), "claim.limit")
}

func TestKeyIsValidated(t *testing.T) {
	t.Parallel()
	require.NoError(t, store.Key{Kind: "a", ID: one}.Validate())
	require.ErrorContains(t, store.Key{Kind: "a", ID: one + "0"}.Validate(), "key.id")
	require.ErrorContains(t, store.Key{Kind: "9", ID: one}.Validate(), "key.kind")
	require.NoError(t, store.Kind("gateway_log").Validate())
	require.ErrorIs(t, store.Kind("gateway-log").Validate(), store.ErrInvalid)
}

func TestMatchesLooksAtEveryField(t *testing.T) {
	t.Parallel()
	r := store.Record{Key: store.Key{Kind: "a", ID: one}, Tenant: "t", Parent: "p", Category: "c", State: "s",
		Subjects: []string{"x", "y"}, Created: day}
	whole := store.Query{Kind: "a", Tenant: "t", Parent: "p", Category: "c", State: "s", Subject: "y", CreatedBefore: day.Add(1),
		After: two, Limit: 1}
	require.True(t, whole.Matches(r))
	require.True(t, store.Query{Kind: "a", AllTenants: true}.Matches(r))
	for name, spoil := range map[string]func(*store.Query){
		"kind":           func(q *store.Query) { q.Kind = "b" },
		"tenant":         func(q *store.Query) { q.Tenant = "" },
		"parent":         func(q *store.Query) { q.Parent = "q" },
		"category":       func(q *store.Query) { q.Category = "d" },
		"state":          func(q *store.Query) { q.State = "t" },
		"subject":        func(q *store.Query) { q.Subject = "z" },
		"created before": func(q *store.Query) { q.CreatedBefore = day },
		"visibility":     func(q *store.Query) { q.Visibility = store.Passive },
		"passive before": func(q *store.Query) { q.PassiveBefore, q.Visibility = day, store.Everything },
	} {
		q := whole
		spoil(&q)
		require.False(t, q.Matches(r), name)
	}
	r.Passive = day
	require.False(t, whole.Matches(r))
	whole.Visibility = store.Everything
	require.True(t, whole.Matches(r))
	whole.Visibility, whole.PassiveBefore = store.Passive, day.Add(1)
	require.True(t, whole.Matches(r))
	whole.PassiveBefore = day
	require.False(t, whole.Matches(r))
}
