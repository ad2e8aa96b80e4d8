// ai-gateway ROUTES < REQUESTS: what the rules of compiled MCPRoutes decide, on the CEL engine of the Envoy AI Gateway 1.1.
//
// The gateway itself cannot be built from Go modules. This follows its documentation and its sources: the version of the
// engine, its options, and the order in which a rule's parts are asked. It judges rules; sessions, lists, resources and prompts
// have none. A request is a JSON document on a line; for each there is one line: whether the backend is selected, whether the
// call is allowed, the cost of the dearest expression, whether an expression exceeded the limit, and the scopes that a denied
// client is asked for.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
)

// The gateway's own limit on what one evaluation may cost.
const mostCost = 10000

type request struct {
	Server, Tool string
	Claims       map[string]any
	Arguments    map[string]any
}

// answer is what the rules of a selector or of a route decide.
type answer struct {
	allow     bool
	challenge []string
	cost      uint64
	exceeded  bool
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ai-gateway ROUTES < REQUESTS")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	routes, err := readRoutes(file)
	if err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var asked request
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			return err
		}
		to, known := routes["/"+asked.Server+"/mcp"]
		if !known {
			fmt.Fprintln(out, "false false 0 false -")
			continue
		}
		scopes := scopesOf(asked.Claims)
		activation := activationOf(&asked, to.backend, scopes)
		selected := to.selector.decide(activation, &asked, to.backend, "", scopes)
		allowed := to.authorization.decide(activation, &asked, to.backend, asked.Tool, scopes)
		challenge := "-"
		if len(allowed.challenge) > 0 {
			challenge = strings.Join(allowed.challenge, " ")
		}
		fmt.Fprintln(out, selected.allow, allowed.allow, max(selected.cost, allowed.cost), selected.exceeded || allowed.exceeded, challenge)
	}
	return in.Err()
}

// scopesOf takes the scopes out of the claims, as the gateway does before its rules see them.
func scopesOf(claims map[string]any) []string {
	scopes := []string{}
	for _, name := range []string{"scope", "scp"} {
		switch value := claims[name].(type) {
		case string:
			scopes = append(scopes, strings.Fields(value)...)
		case []any:
			for _, one := range value {
				if text, ok := one.(string); ok && text != "" {
					scopes = append(scopes, text)
				}
			}
		}
		delete(claims, name)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

func activationOf(asked *request, backend string, scopes []string) map[string]any {
	return map[string]any{"request": map[string]any{
		"method": "POST", "host": "mcp.example.org", "path": "/" + asked.Server + "/mcp",
		"headers": map[string]string{}, "headers_all": map[string][]string{},
		"auth": map[string]any{"jwt": map[string]any{"claims": asked.Claims, "scopes": scopes}},
		"mcp": map[string]any{
			"method": "tools/call", "backend": backend, "tool": asked.Tool,
			"params": map[string]any{"name": asked.Tool, "arguments": asked.Arguments},
		},
	}}
}

// decide asks the rules in order. The first that applies decides; one whose expression fails is passed over. A rule of which
// only the scopes are missing asks for them, and the shortest such list is the challenge.
func (rules *rules) decide(activation map[string]any, asked *request, backend, tool string, scopes []string) answer {
	said := answer{}
	for _, rule := range rules.Rules {
		allow := rule.Action == "Allow" || rule.Action == ""
		if rule.program != nil {
			value, details, err := rule.program.Eval(activation)
			if details != nil && details.ActualCost() != nil {
				said.cost = max(said.cost, *details.ActualCost())
			}
			if err != nil {
				said.exceeded = said.exceeded || strings.Contains(err.Error(), "cost limit")
				continue
			}
			if truth, ok := value.Value().(bool); !ok || !truth {
				continue
			}
		}
		if rule.Target != nil && len(rule.Target.Tools) > 0 && !slices.Contains(rule.Target.Tools, namedTool{backend, tool}) {
			continue
		}
		if rule.Source == nil {
			said.allow, said.challenge = allow, nil
			return said
		}
		if slices.ContainsFunc(rule.Source.JWT.Claims, func(claim claim) bool { return !claim.holds(asked.Claims) }) {
			continue
		}
		needed := rule.Source.JWT.Scopes
		if !slices.ContainsFunc(needed, func(scope string) bool { return !slices.Contains(scopes, scope) }) {
			said.allow, said.challenge = allow, nil
			return said
		}
		if allow && (len(said.challenge) == 0 || len(needed) < len(said.challenge)) {
			said.challenge = needed
		}
	}
	said.allow = rules.DefaultAction == "Allow"
	return said
}

func (claim claim) holds(claims map[string]any) bool {
	var value any = claims
	for part := range strings.SplitSeq(claim.Name, ".") {
		inner, ok := value.(map[string]any)
		if !ok {
			return false
		}
		if value, ok = inner[part]; !ok {
			return false
		}
	}
	if text, ok := value.(string); ok {
		return slices.Contains(claim.Values, text)
	}
	list, ok := value.([]any)
	return ok && claim.ValueType == "StringArray" && slices.ContainsFunc(list, func(one any) bool {
		text, ok := one.(string)
		return ok && slices.Contains(claim.Values, text)
	})
}

// compile makes a program of an expression, with the gateway's options.
func compile(expression string) (cel.Program, error) {
	environment, err := cel.NewEnv(cel.Variable("request", cel.DynType), cel.OptionalTypes())
	if err != nil {
		return nil, err
	}
	checked, issues := environment.Compile(expression)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	return environment.Program(checked, cel.CostLimit(mostCost), cel.EvalOptions(cel.OptOptimize, cel.OptTrackCost))
}
