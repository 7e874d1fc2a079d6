package blueprint

// Settings are the scenario's settings, metadata.scenario in the file.
type Settings struct {
	Roundtrips            int  // most cycles in one run of a polling trigger; default 1
	MaxErrors             int  // runs in a row that may end in an error before the schedule is switched off; default 3
	AutoCommit            bool // each module commits right after its operation; default true
	AutoCommitTriggerLast bool // but the trigger commits at the end; default true
	Sequential            bool // one run after the other, also for webhooks; default false
	Confidential          bool // the content of bundles is not kept; default false
	DataLoss              bool // goes on when an incomplete execution cannot be stored; default false
	DLQ                   bool // stores incomplete executions; default false
	FreshVariables        bool // not documented by Make; default false
	Slots                 any  // not documented by Make; default nil
}

// DefaultSettings returns the settings that Make gives a new scenario.
func DefaultSettings() Settings {
	return Settings{Roundtrips: 1, MaxErrors: 3, AutoCommit: true, AutoCommitTriggerLast: true}
}

// Settings returns the scenario's settings. A setting that is missing, not readable or below 1 has its default; Check reports the
// latter two.
func (b *Blueprint) Settings() Settings {
	s := DefaultSettings()
	scenario := b.Metadata.object("scenario")
	for _, number := range s.numbers() {
		value, _ := scenario.Get(number.name)
		if read, ok := readInt(value); ok && read >= 1 {
			*number.value = read
		}
	}
	for _, toggle := range s.toggles() {
		value, _ := scenario.Get(toggle.name)
		if read, ok := readBool(value); ok {
			*toggle.value = read
		}
	}
	s.Slots, _ = scenario.Get("slots")
	return s
}

// SetSettings changes the settings that differ from what Settings returns, and leaves the other ones as they are in the file.
func (b *Blueprint) SetSettings(s Settings) {
	if b.Metadata == nil {
		b.Metadata = &Object{}
		b.Metadata.Set("version", 1)
	}
	scenario := b.Metadata.object("scenario")
	if scenario == nil {
		scenario = &Object{}
		b.Metadata.Set("scenario", scenario)
	}
	now := b.Settings()
	before := now.numbers()
	for i, number := range s.numbers() {
		if *number.value != *before[i].value {
			scenario.Set(number.name, *number.value)
		}
	}
	was := now.toggles()
	for i, toggle := range s.toggles() {
		if *toggle.value != *was[i].value {
			scenario.Set(toggle.name, *toggle.value)
		}
	}
	if s.Slots != nil || now.Slots != nil {
		scenario.Set("slots", s.Slots)
	}
}

// setting is one setting under the name that it has in the file.
type setting[T int | bool] struct {
	name  string
	value *T
}

func (s *Settings) numbers() []setting[int] {
	return []setting[int]{{"roundtrips", &s.Roundtrips}, {"maxErrors", &s.MaxErrors}}
}

func (s *Settings) toggles() []setting[bool] {
	return []setting[bool]{
		{"autoCommit", &s.AutoCommit},
		{"autoCommitTriggerLast", &s.AutoCommitTriggerLast},
		{"sequential", &s.Sequential},
		{"confidential", &s.Confidential},
		{"dataloss", &s.DataLoss},
		{"dlq", &s.DLQ},
		{"freshVariables", &s.FreshVariables},
	}
}
