package retention

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ebbkit/ebb/store"
)

var (
	// ErrPolicy says that a policy is not sound. Each problem is an error of its own that wraps it and names the
	// category, the field and what to do.
	ErrPolicy = errors.New("retention: invalid policy")
	// ErrPeriod says that a text is not a period.
	ErrPeriod = errors.New("retention: invalid period")
	// ErrNoStore says that a Keeper has no store.
	ErrNoStore = errors.New("retention: no store")
	// ErrNoKinds says that a Keeper cannot know which kinds of records there are: its store is no store.Lister, and
	// Keeper.Kinds is empty.
	ErrNoKinds = errors.New("retention: no kinds")

	errTooLong = errors.New("longer than a thousand years")
)

// A Rule says how long the records of a category are kept, and why they are kept at all. The zero Rule erases nothing.
//
// A record has three lives. It is active from its Created until Active is over; then it is out of every normal read, but
// passive: still there for whoever has a duty to look; and after Passive it is deleted.
type Rule struct {
	// Active is how long a record is in active use. Zero: without limit, until somebody takes it out of use or deletes it.
	Active Period `json:"active,omitzero"`
	// Passive is how long a record is still kept after it left active use. Zero: without limit, and then a rule with an
	// Active period is not valid unless SkipPassive is set.
	Passive Period `json:"passive,omitzero"`
	// SkipPassive deletes a record as soon as it leaves active use. Passive must then be zero. Default: false.
	SkipPassive bool `json:"skip_passive,omitzero"`

	// Role is the role in which the data is processed. Required.
	Role Role `json:"role"`
	// Purpose says what the data is for (GDPR article 5(1)(b)). Required.
	Purpose string `json:"purpose"`
	// Basis says on what legal ground it is processed (GDPR article 6, or 28 for a processor). Required.
	Basis string `json:"basis"`
}

// A Policy says how long each category of records is kept. The zero Policy is Default(). Any number of goroutines may
// use a policy as long as nobody changes its rules.
//
// A change of policy holds for the records that are there already: a shorter period takes effect at once. A record that
// is passive stays passive, however long its rule's Active becomes.
type Policy struct {
	// Rules has a rule for every category. Records of a category without a rule never expire, and every sweep reports
	// them. Default: those of Default().
	Rules map[Category]Rule `json:"rules,omitempty"`
	// Removal is within what time data is removed from live storage when a person asks for it. Default: one calendar
	// month.
	Removal Period `json:"removal,omitzero"`
	// Irrevocable is within what time that data cannot be brought back by anybody, from passive storage, backups or
	// backups of keys. Default: 60 days.
	Irrevocable Period `json:"irrevocable,omitzero"`
}

// Default returns the policy that holds when a host names none. Each call makes a new one, which the caller may change.
//
//	gateway_log, incomplete, activity, access             30 days, then passive for 6 calendar months
//	confidential                                          as gateway_log, but never passive
//	notification                                          7 days, then passive for 6 calendar months
//	execution_detail                                      60 days, then passive for 6 calendar months
//	datastore_record, connection, scenario, account       until deleted; passive for 6 calendar months if taken out of use
//	key, subject                                          no time of their own, see Key and Subject
//	removal from live storage when asked                  1 calendar month
//	irrevocable everywhere                                60 days
func Default() Policy {
	p := Policy{Rules: make(map[Category]Rule), Removal: Period{Months: 1}, Irrevocable: Period{Days: 60}}
	for _, c := range []Category{
		GatewayLog, Incomplete, Notification, Activity, ExecutionDetail, DatastoreRecord, Connection, Scenario, Account, Access,
	} {
		p.Rules[c], _ = defaultRule(c)
	}
	return p
}

func defaultRule(c Category) (Rule, bool) {
	const (
		instructed = "GDPR Art. 28(3)(a): the controller's documented instruction, the deployed scenario"
		contract   = "GDPR Art. 6(1)(b): performance of the contract with the user"
		interest   = "GDPR Art. 6(1)(f): legitimate interest in the security of accounts"
	)
	r := Rule{Passive: Period{Months: 6}, Role: Processor, Basis: instructed}
	switch c {
	case GatewayLog:
		r.Active, r.Purpose = Period{Days: 30}, "receive what other services send to hooks, and show what came in"
	case Incomplete:
		r.Active, r.Purpose = Period{Days: 30}, "resume executions that failed"
	case Notification:
		r.Active, r.Purpose = Period{Days: 7}, "inform users about their executions"
	case Activity:
		r.Active, r.Purpose = Period{Days: 30}, "show which executions a scenario had and how they ended"
	case ExecutionDetail:
		r.Active, r.Purpose = Period{Days: 60}, "show what each module of an execution took and gave"
	case DatastoreRecord:
		r.Purpose = "keep what scenarios and their users put into data stores"
	case Connection:
		r.Purpose = "sign in to other services on the user's behalf"
	case Scenario:
		r.Purpose = "run scenarios as users configured them"
	case Account:
		r.Role, r.Basis = Controller, contract
		r.Purpose = "log in, reset passwords, and inform about executions, business matters and features"
	case Access:
		r.Role, r.Basis = Controller, interest
		r.Active, r.Purpose = Period{Days: 30}, "show users who used their account, and find misuse"
	case Confidential:
		r.Active, r.Passive, r.SkipPassive = Period{Days: 30}, Period{}, true
		r.Purpose = "run confidential scenarios on what other services sent"
	case Key:
		return Rule{Role: Processor, Basis: instructed, Purpose: "open what is sealed, until it is to be forgotten"}, true
	case Subject:
		return Rule{Role: Processor, Basis: instructed, Purpose: "find, and forget, what is kept of a person"}, true
	default:
		return Rule{}, false
	}
	return r, true
}

// timeless says how the records of a category end that have no time of their own. Empty: they have one.
func timeless(c Category) string {
	switch c {
	case Key:
		return "keys end by being destroyed"
	case Subject:
		return "what leads to a person ends with the last record that names the person"
	}
	return ""
}

// Resolve returns the policy that p stands for: p with each field that is zero taken from Default(). All methods of a
// Policy, and the Keeper, work on what p resolves to.
func (p Policy) Resolve() Policy {
	d := Default()
	if p.Rules == nil {
		p.Rules = d.Rules
	}
	if p.Removal.IsZero() {
		p.Removal = d.Removal
	}
	if p.Irrevocable.IsZero() {
		p.Irrevocable = d.Irrevocable
	}
	return p
}

// Rule returns the rule of a category, and whether there is one. Key and Subject always have one. Confidential has one wherever GatewayLog
// has: without a rule of its own, its records are active as long as those of GatewayLog, and never passive.
func (p Policy) Rule(c Category) (Rule, bool) {
	if p.Rules == nil {
		return defaultRule(c)
	}
	r, ok := p.Rules[c]
	if ok {
		return r, true
	}
	switch c {
	case Key, Subject:
		return defaultRule(c)
	case Confidential:
		like, ok := p.Rules[GatewayLog]
		r, _ = defaultRule(c)
		r.Active = like.Active
		return r, ok
	}
	return Rule{}, false
}

// categories returns the categories that have a rule by which records end, sorted.
func (p Policy) categories() []Category {
	all := slices.Collect(maps.Keys(p.Rules))
	if _, ok := p.Rules[Confidential]; !ok {
		if _, ok := p.Rule(Confidential); ok {
			all = append(all, Confidential)
		}
	}
	slices.Sort(all)
	return all
}

// Until returns the instant at which a record of category c, created at that instant, leaves active use: it still is in
// active use a nanosecond earlier. The bool is false when the record stays without limit.
func (p Policy) Until(c Category, created time.Time) (time.Time, bool) {
	r, ok := p.Rule(c)
	if !ok || r.Active.IsZero() {
		return time.Time{}, false
	}
	return r.Active.Add(created), true
}

// Gone returns the instant at which a record of category c that left active use at passive is due to be deleted. The
// bool is false when the record stays without limit. For a record that is still active, pass what Until returns.
func (p Policy) Gone(c Category, passive time.Time) (time.Time, bool) {
	r, ok := p.Rule(c)
	if !ok || r.Passive.IsZero() && !r.SkipPassive {
		return time.Time{}, false
	}
	return r.Passive.Add(passive), true
}

// Visible reports whether a normal read at now may show rec: its active time is not over, and it is not passive. Whoever
// reads or claims records asks it, so that what has expired is out of sight at that instant, whether or not a sweep
// has been there. Only the record's Category, Created and Passive matter.
func (p Policy) Visible(rec store.Record, now time.Time) bool {
	if !rec.Passive.IsZero() {
		return false
	}
	until, limited := p.Until(Category(rec.Category), rec.Created)
	return !limited || now.Before(until)
}

// Validate returns nil when the policy is sound, and otherwise all of its problems at once, joined. Each wraps ErrPolicy
// and names the category, the field and what to do.
func (p Policy) Validate() error {
	p = p.Resolve()
	var problems []error
	report := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrPolicy}, args...)...))
	}
	period := func(where string, q Period) bool {
		err := q.check()
		if err != nil {
			report("%s %w", where, err)
		}
		return err == nil
	}

	sound := period("Removal", p.Removal)
	sound = period("Irrevocable", p.Irrevocable) && sound
	if sound && p.Removal.mayExceed(p.Irrevocable) {
		report("Removal is %v, which may be longer than Irrevocable, %v: shorten it, or lengthen Irrevocable",
			p.Removal, p.Irrevocable)
	}
	for _, c := range slices.Sorted(maps.Keys(p.Rules)) {
		r, at := p.Rules[c], fmt.Sprintf("category %q: ", c)
		if ends := timeless(c); ends != "" && (!r.Active.IsZero() || !r.Passive.IsZero() || r.SkipPassive) {
			report("%s%s, not by time: leave Active, Passive and SkipPassive out", at, ends)
		}
		if c == "" {
			report("%sthe name is empty: give it one", at)
		}
		period(at+"Active", r.Active)
		period(at+"Passive", r.Passive)
		switch {
		case r.SkipPassive && !r.Passive.IsZero():
			report("%sSkipPassive is set although Passive is %v: drop one of them", at, r.Passive)
		case !r.SkipPassive && r.Passive.IsZero() && !r.Active.IsZero():
			report("%sPassive is zero although Active is %v: name a period, or set SkipPassive to delete at once", at, r.Active)
		}
		switch r.Role {
		case Controller, Processor, Joint:
		case "":
			report("%sRole is missing: set controller, processor or joint", at)
		default:
			report("%sRole is %q: set controller, processor or joint", at, r.Role)
		}
		if strings.TrimSpace(r.Purpose) == "" {
			report("%sPurpose is missing: say what the data is for", at)
		}
		if strings.TrimSpace(r.Basis) == "" {
			report("%sBasis is missing: say on what legal ground it is processed", at)
		}
	}
	return errors.Join(problems...)
}
