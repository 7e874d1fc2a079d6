package blueprint

import "strings"

// Variables: the modules that set and get them, and the field that names them.
var (
	setters = map[string]string{"util:SetVariable": "name", "util:SetVariable2": "name", "util:SetVariables": "variables"}
	getters = map[string]string{"util:GetVariable": "name", "util:GetVariable2": "name", "util:GetVariables": "variables"}
)

// collectVariables notes which variables a module sets. One whose name is mapped may be any.
func (c *checker) collectVariables(m *Module) {
	field, ok := setters[m.Name]
	if !ok {
		return
	}
	for _, name := range variableNames(m, field) {
		if strings.Contains(name.text, "{{") {
			c.anyVariable = true
		}
		c.variables[name.text] = true
	}
}

// checkVariables looks for variables that nobody sets.
func (c *checker) checkVariables(at *site) {
	field, ok := getters[at.Name]
	if !ok || c.anyVariable {
		return
	}
	for _, name := range variableNames(at.Module, field) {
		if name.text == "" || c.variables[name.text] || strings.Contains(name.text, "{{") {
			continue
		}
		message := "no module of the scenario sets this variable, so it is always empty"
		if suggestion := closestText(name.text, c.variables); suggestion != "" {
			message += `; did you mean "` + suggestion + `"?`
		}
		c.warn(at, name.path, CodeUnsetVariable, message)
	}
}

type variableName struct{ path, text string }

// variableNames reads the names of a module's variables: a text, or a list of texts or of objects that hold one.
func variableNames(m *Module, field string) []variableName {
	value, _ := m.Mapper.Get(field)
	path := joinPath("mapper", field)
	if text, ok := value.(string); ok {
		return []variableName{{path, text}}
	}
	list, _ := value.([]any)
	var names []variableName
	for i, element := range list {
		switch e := element.(type) {
		case string:
			names = append(names, variableName{joinIndex(path, i), e})
		case *Object:
			key := "name"
			if _, ok := e.Get(key); !ok {
				key = "value"
			}
			names = append(names, variableName{joinIndex(path, i) + "." + key, e.text(key)})
		}
	}
	return names
}
