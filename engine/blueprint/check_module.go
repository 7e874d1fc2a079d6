package blueprint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// moduleName is the form that Make's own linter asks for, and the one of custom apps (app#slug).
var moduleName = regexp.MustCompile(`^(?:[a-z]|app#[a-z0-9])[a-z0-9-]*:[A-Za-z0-9]+$`)

func (c *checker) checkID(at *site) {
	value, has := at.source.Get("id")
	read, ok := readInt(value)
	switch {
	case at.ID <= 0 && has && !ok:
		c.error(at, "id", CodeBadID, "the id is a whole number from 1 on, this is "+typeName(value))
	case at.ID <= 0:
		c.error(at, "id", CodeBadID, "the module needs an id: a whole number from 1 on that no other module has")
	case c.byID[at.ID] != at.ordinal:
		other := c.byID[at.ID]
		c.error(at, "id", CodeDuplicateID, fmt.Sprintf("the module at %s, a %s, has the id %d too; give one of them another id",
			c.places[other].Path(), c.modules[other].Name, at.ID))
	}
	if _, isText := value.(string); isText && ok && read == at.ID {
		c.warn(at, "id", CodeWrongType, "the id is a number, this is the text of one; take the quotes away")
	}
}

// checkName looks at name and version, and asks the catalog.
func (c *checker) checkName(at *site) {
	if at.Name == Placeholder {
		c.warn(at, "module", CodePlaceholder, "this is an empty place of the editor and does nothing; choose a module or delete it")
		return
	}
	switch value, _ := at.source.Get("module"); {
	case at.Name == "" && value != nil && value != "":
		c.error(at, "module", CodeBadModuleName, `the module's name is a text of the form "app:Module", this is `+typeName(value))
		return
	case at.Name == "":
		c.error(at, "module", CodeBadModuleName, `the module needs a name of the form "app:Module"`)
		return
	case !moduleName.MatchString(at.Name):
		severity := SeverityError
		if app, module, ok := strings.Cut(at.Name, ":"); ok && app != "" && module != "" {
			severity = SeverityWarning // no connector can have it, but something may stand in for the module
		}
		c.report(at, Problem{
			Field: "module", Severity: severity, Code: CodeBadModuleName,
			Message: `a module's name has the form "app:Module": the app in lower case, digits and hyphens, the module in letters and digits`,
		})
	}
	c.checkVersion(at)
	if c.opts.Catalog == nil {
		return
	}
	names, ok := c.opts.Catalog.Modules(at.App())
	if !ok {
		c.checkApp(at)
		return
	}
	info, ok := c.opts.Catalog.Module(at.Name, at.Version)
	if ok {
		at.info = info
		if info.Kind != KindOther {
			at.kind = info.Kind
		}
		return
	}
	if slices.Contains(names, at.Name) {
		c.error(at, "version", CodeUnknownVersion, fmt.Sprintf("the connector has no version %d of %s", at.Version, at.Name))
		return
	}
	message := fmt.Sprintf("the connector of app %q has no such module", at.App())
	if suggestion := c.suggest(at.Name, names); suggestion != "" {
		message += fmt.Sprintf("; did you mean %q?", suggestion)
	}
	c.error(at, "module", CodeUnknownModule, message)
}

func (c *checker) checkVersion(at *site) {
	value, has := at.source.Get("version")
	read, ok := readInt(value)
	switch {
	case at.Version < 0, at.Version == 0 && has && !ok:
		c.error(at, "version", CodeBadVersion, "the version is the app's major version, a whole number from 0 on")
	case at.Version == 0 && !has && at.source != nil:
		c.error(at, "version", CodeBadVersion, "the module needs the major version of its app; most modules have version 1")
	}
	if _, isText := value.(string); isText && ok && read == at.Version {
		c.warn(at, "version", CodeWrongType, "the version is a number, this is the text of one; take the quotes away")
	}
}

// checkPosition looks at modules that may stand in certain places only.
func (c *checker) checkPosition(at *site) {
	if at.place.First() && at.Filter.filters() {
		c.error(at, "filter", CodeFirstFilter, "the first module of a scenario cannot have a filter; put it on the next module")
	}
	if at.kind == KindTrigger && !at.place.First() {
		c.error(at, "module", CodeTriggerNotFirst, "a trigger starts a scenario, so it can only be the first module of the flow")
	}
	if at.kind == KindDirective && at.place.ErrorOf() == nil {
		c.error(at, "module", CodeStrayDirective,
			"an error directive only has a meaning in an error route; move it into the onerror of the module whose errors it handles")
	}
	if at.Name == Break && !c.settings.DLQ {
		c.warn(at, "module", CodeBreakWithoutDLQ,
			"Break stores incomplete executions, which the scenario's settings do not allow; set metadata.scenario.dlq to true")
	}
	if at.kind == KindRouter && len(at.OnError) > 0 {
		c.warn(at, "onerror", CodeRouterOnError, "a router cannot fail, so its error route never runs; put it on the modules of the routes")
	}
	if at.before == nil {
		return
	}
	switch at.before.Kind() {
	case KindRouter:
		c.error(at, "", CodeUnreachable, fmt.Sprintf(
			"the router %d is before it in the same list, and bundles only go on in its routes; move the module into a route", at.before.ID))
	case KindConditional:
		if at.Name != Merge {
			c.error(at, "", CodeUnreachable, fmt.Sprintf(
				"the if-else %d is before it in the same list, and bundles only go on in its branches or in a %s right behind it; move the module into one",
				at.before.ID, Merge))
		}
	case KindDirective:
		c.warn(at, "", CodeUnreachable, fmt.Sprintf("%s is before it and ends the error route, so it never runs", at.before.Name))
	case KindReturner:
		c.warn(at, "", CodeUnreachable, fmt.Sprintf("%s is before it and ends the run, so it never runs", at.before.Name))
	}
}

// apps are names that people and language models write for apps that have another one.
var apps = map[string]string{
	"array": "builtin", "core": "builtin", "flow": "builtin", "flow-control": "builtin", "iterator": "builtin", "router": "builtin",
	"csv-parser": "csv", "data-store": "datastore", "data-stores": "datastore", "datastores": "datastore", "store": "datastore",
	"hook": "gateway", "webhook": "gateway", "webhooks": "gateway", "custom-webhook": "gateway",
	"text-parser": "regexp", "textparser": "regexp", "regex": "regexp",
	"tool": "util", "tools": "util", "utils": "util", "variable": "util", "variables": "util",
}

// checkApp looks at a module of an app that nobody knows. It may well be one of the host's, unless it has the name of one of the generic
// apps as people misremember them.
func (c *checker) checkApp(at *site) {
	app, ok := apps[at.App()]
	if !ok {
		return
	}
	names, ok := c.opts.Catalog.Modules(app)
	if !ok {
		return
	}
	message := fmt.Sprintf("there is no connector %q", at.App())
	if meant := c.suggest(app+strings.TrimPrefix(at.Name, at.App()), names); meant != "" {
		message += fmt.Sprintf("; did you mean %q?", meant)
	} else {
		message += fmt.Sprintf("; did you mean a module of %q?", app)
	}
	c.warn(at, "module", CodeUnknownApp, message)
}

// mistaken are names, in lower case, that people and language models write for modules that have another one.
var mistaken = map[string]string{
	"builtin:arrayaggregator":       "builtin:BasicAggregator",
	"builtin:basiciterator":         Iterator,
	"builtin:callsubscenario":       "scenario-service:CallSubscenario",
	"builtin:compose":               "util:ComposeTransformer",
	"builtin:getvariable":           "util:GetVariable2",
	"builtin:ifelse":                IfElse,
	"builtin:iterator":              Iterator,
	"builtin:repeater":              Repeater,
	"builtin:retry":                 Break,
	"builtin:return":                "scenario-service:ReturnData",
	"builtin:router":                Router,
	"builtin:setmultiplevariables":  "util:SetVariables",
	"builtin:setvariable":           "util:SetVariable2",
	"builtin:setvariables":          "util:SetVariables",
	"builtin:sleep":                 "util:FunctionSleep",
	"builtin:switch":                "util:Switcher",
	"builtin:textaggregator":        "util:TextAggregator",
	"gateway:customwebhookrespond":  "gateway:WebhookRespond",
	"gateway:customwebhookresponse": "gateway:WebhookRespond",
	"gateway:response":              "gateway:WebhookRespond",
	"gateway:webhook":               "gateway:CustomWebHook",
	"gateway:webhookresponse":       "gateway:WebhookRespond",
	"http:request":                  "http:MakeRequest",
	"util:aggregator":               "builtin:BasicAggregator",
	"util:arrayaggregator":          "builtin:BasicAggregator",
	"util:basicaggregator":          "builtin:BasicAggregator",
	"util:basicfeeder":              Iterator,
	"util:basicrepeater":            Repeater,
	"util:basicrouter":              Router,
	"util:compose":                  "util:ComposeTransformer",
	"util:createjson":               "json:CreateJSON",
	"util:getmultiplevariables":     "util:GetVariables",
	"util:getvariable":              "util:GetVariable2",
	"util:iterator":                 Iterator,
	"util:numericaggregator":        "util:FunctionAggregator2",
	"util:parsejson":                "json:ParseJSON",
	"util:repeater":                 Repeater,
	"util:router":                   Router,
	"util:setmultiplevariables":     "util:SetVariables",
	"util:setvariable":              "util:SetVariable2",
	"util:sleep":                    "util:FunctionSleep",
	"util:switch":                   "util:Switcher",
}

// suggest returns the module that was probably meant, or "".
func (c *checker) suggest(name string, names []string) string {
	if meant, ok := mistaken[strings.ToLower(name)]; ok {
		if others, _ := c.opts.Catalog.Modules(appOf(meant)); slices.Contains(others, meant) {
			return meant
		}
	}
	return closest(name, names)
}

// closestText returns the text that takes the fewest changed letters, if they are few; else "".
func closestText(text string, among map[string]bool) string {
	near, distance := "", max(1, len(text)/4)+1
	for _, candidate := range slices.Sorted(maps.Keys(among)) {
		if d := editDistance(strings.ToLower(text), strings.ToLower(candidate), distance); d < distance {
			near, distance = candidate, d
		}
	}
	return near
}

// closest returns the name that differs in case only, else the one that takes the fewest changed letters, else the longest one that is
// contained; "" when they are many and none is. Of two that are as near, the one that begins and ends like
// it is meant, else the longer one: new versions of a module have a digit more.
func closest(name string, names []string) string {
	names = slices.Sorted(slices.Values(names))
	lower := strings.ToLower(name)
	_, short, _ := strings.Cut(lower, ":")
	limit := max(2, len(short)/3) + 1
	contained, near, distance, alike := "", "", limit, 0
	for _, candidate := range names {
		other := strings.ToLower(candidate)
		if other == lower {
			return candidate
		}
		_, part, _ := strings.Cut(other, ":")
		if len(part) > 4 && len(candidate) > len(contained) && strings.Contains(short, part) {
			contained = candidate
		}
		d := editDistance(short, part, limit)
		if ends := likeEnds(short, part)*64 + min(len(part), 63); d < distance || d == distance && d < limit && ends > alike {
			near, distance, alike = candidate, d, ends
		}
	}
	if contained != "" && distance > 2 {
		return contained
	}
	return near
}

// likeEnds counts the letters that two words have in common at the beginning and at the end.
func likeEnds(a, b string) int {
	shorter, n, m := min(len(a), len(b)), 0, 0
	for n < shorter && a[n] == b[n] {
		n++
	}
	for m < shorter-n && a[len(a)-1-m] == b[len(b)-1-m] {
		m++
	}
	return n + m
}

// editDistance counts the letters to insert, delete, replace or swap with their neighbour to make b of a; it gives up with limit when it
// is at least that.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
