package store

import "slices"

// Matches reports whether the query selects the record: whether all its fields that are set match. After, Reverse, Limit
// and KeysOnly say how a search goes, not what it selects, so they do not count. It is for stores; they may narrow a
// search in any way as long as what they yield matches.
func (q Query) Matches(r Record) bool {
	if q.Kind != r.Kind || !q.AllTenants && q.Tenant != r.Tenant {
		return false
	}
	switch q.Visibility {
	case Active:
		if !r.Passive.IsZero() {
			return false
		}
	case Passive:
		if r.Passive.IsZero() {
			return false
		}
	}
	if q.Parent != "" && q.Parent != r.Parent ||
		q.Category != "" && q.Category != r.Category ||
		q.State != "" && q.State != r.State ||
		q.Subject != "" && !slices.Contains(r.Subjects, q.Subject) {
		return false
	}
	if !q.CreatedBefore.IsZero() && !r.Created.Before(q.CreatedBefore) {
		return false
	}
	return q.PassiveBefore.IsZero() || !r.Passive.IsZero() && r.Passive.Before(q.PassiveBefore)
}
