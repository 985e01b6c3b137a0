package load

import (
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/planner/catalog"
)

// requestVariableNames lists what a template may say of a request.
func requestVariableNames() []string { return []string{"Run", "Request"} }

// requestVariable gives the piece that writes a variable of the request, nil
// when there is none of the name.
func requestVariable(name string) piece {
	switch name {
	case "Run":
		return func(dst []byte, s *scope) []byte { return append(dst, s.traffic.config.Run...) }
	case "Request":
		return func(dst []byte, s *scope) []byte { return strconv.AppendUint(dst, s.request, 10) }
	}
	return nil
}

// entryVariableNames lists what a template may say of a notification.
func entryVariableNames() []string {
	names := []string{"Sequence", "Ref", "User", "Channel", "Priority", "Category", "Template", "To", "Index", "Variables"}
	for _, v := range variableNames() {
		names = append(names, "Variables."+v)
	}
	return names
}

// entryVariable gives the piece that writes a variable of a notification, nil
// when there is none of the name.
func entryVariable(name string) piece {
	switch name {
	case "Sequence":
		return func(dst []byte, s *scope) []byte { return strconv.AppendUint(dst, uint64(s.entry.sequence), 10) }
	case "Ref":
		return func(dst []byte, s *scope) []byte {
			return catalog.AppendRunRef(dst, s.traffic.config.Run, s.entry.sequence)
		}
	case "User":
		return func(dst []byte, s *scope) []byte { return strconv.AppendUint(append(dst, 'u'), s.entry.user, 10) }
	case "Channel":
		return func(dst []byte, s *scope) []byte { return append(dst, s.entry.channel.String()...) }
	case "Priority":
		return func(dst []byte, s *scope) []byte { return append(dst, s.entry.priority.String()...) }
	case "Category":
		return func(dst []byte, s *scope) []byte { return append(dst, s.entry.category.String()...) }
	case "Template":
		return func(dst []byte, s *scope) []byte { return append(dst, s.entry.template...) }
	case "To":
		return func(dst []byte, s *scope) []byte { return appendAddress(dst, s.entry.channel, s.entry.user) }
	case "Index":
		return func(dst []byte, s *scope) []byte { return strconv.AppendInt(dst, int64(s.entry.index), 10) }
	case "Variables":
		return func(dst []byte, s *scope) []byte { return s.entry.appendVariables(dst) }
	}
	if name, ok := strings.CutPrefix(name, "Variables."); ok {
		return variableNamed(name)
	}
	return nil
}

// variableNamed gives the piece that writes a variable of a notification's
// template, or nothing where the template has none of the name.
func variableNamed(name string) piece {
	for _, known := range variableNames() {
		if name != known {
			continue
		}
		return func(dst []byte, s *scope) []byte {
			for i := range s.entry.variables {
				if v := &s.entry.variables[i]; v.name == name {
					return v.append(dst, s.entry.draw)
				}
			}
			return dst
		}
	}
	return nil
}
