package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/google/cel-go/cel"
	"sigs.k8s.io/yaml"
)

type claim struct {
	Name      string   `json:"name"`
	ValueType string   `json:"valueType"`
	Values    []string `json:"values"`
}

type namedTool struct {
	Backend string `json:"backend"`
	Tool    string `json:"tool"`
}

type rule struct {
	Action string `json:"action"`
	CEL    string `json:"cel"`
	Source *struct {
		JWT struct {
			Claims []claim  `json:"claims"`
			Scopes []string `json:"scopes"`
		} `json:"jwt"`
	} `json:"source"`
	Target *struct {
		Tools []namedTool `json:"tools"`
	} `json:"target"`
	program cel.Program
}

type rules struct {
	DefaultAction string  `json:"defaultAction"`
	Rules         []*rule `json:"rules"`
}

type route struct {
	backend       string
	selector      *rules
	authorization *rules
}

type written struct {
	Kind string
	Spec struct {
		Path            string
		BackendRefs     []struct{ Name string }
		BackendSelector json.RawMessage
		SecurityPolicy  struct{ Authorization json.RawMessage }
	}
}

// readRoutes reads each route under its path, and compiles its expressions.
func readRoutes(file string) (map[string]*route, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	routes := map[string]*route{}
	for part := range strings.SplitSeq(string(text), "\n---\n") {
		var one written
		if err := yaml.Unmarshal([]byte(part), &one); err != nil {
			return nil, err
		}
		if one.Kind != "MCPRoute" {
			continue
		}
		if len(one.Spec.BackendRefs) != 1 {
			return nil, fmt.Errorf("%s has %d backends", one.Spec.Path, len(one.Spec.BackendRefs))
		}
		selector, err := readRules(one.Spec.BackendSelector)
		if err != nil {
			return nil, fmt.Errorf("backendSelector of %s: %w", one.Spec.Path, err)
		}
		authorization, err := readRules(one.Spec.SecurityPolicy.Authorization)
		if err != nil {
			return nil, fmt.Errorf("authorization of %s: %w", one.Spec.Path, err)
		}
		routes[one.Spec.Path] = &route{one.Spec.BackendRefs[0].Name, selector, authorization}
	}
	return routes, nil
}

// readRules takes no key that it does not know: what it would pass over might decide. Without any rules everything is open.
func readRules(text json.RawMessage) (*rules, error) {
	found := &rules{DefaultAction: "Allow"}
	if len(text) == 0 {
		return found, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	found.DefaultAction = "Deny"
	if err := decoder.Decode(found); err != nil {
		return nil, err
	}
	for _, one := range found.Rules {
		expression := strings.TrimSpace(one.CEL)
		if expression == "" {
			continue
		}
		program, err := compile(expression)
		if err != nil {
			return nil, err
		}
		one.program = program
	}
	return found, nil
}
