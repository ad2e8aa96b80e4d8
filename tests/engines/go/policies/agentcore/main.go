// agentcore SCHEMA GATEWAY FILES...: what cedar-go says of the policies that are compiled for a gateway of Amazon Bedrock AgentCore.
//
// FILES are inputs of `create-policy`, SCHEMA is what AgentCore makes from the tools, and GATEWAY is the gateway's ARN. A request is
// put to Cedar as AgentCore's documentation has it: the principal is an OAuthUser named by `sub`, every other claim a text on it,
// lists and objects as their JSON text, a null none; the tool is the action, the gateway the resource, and the arguments that the
// schema has are `context.input`. A token without `sub` names no principal, and arguments of other types, or too few of them, make no
// request: both are denied. A forbid goes before a permit, and what nothing permits is denied.
//
// The first line of the answer is what was read and what the strict validator refuses. Then there is one line for each line of the
// input: `allow`, `deny`, or why no request was made; and the number of errors.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// input is what `create-policy` takes, as far as it is read here.
type input struct {
	Name       string
	Definition struct {
		Cedar struct{ Statement string }
	}
}

// declared is the part of the schema that says which arguments an action has.
type declared struct {
	AgentCore struct {
		Actions map[string]struct {
			AppliesTo struct {
				Context struct {
					Attributes struct {
						Input struct {
							Attributes map[string]struct {
								Type     string
								Required bool
							}
						}
					}
				}
			}
		}
	}
}

type call struct {
	Action    string
	Claims    map[string]json.RawMessage
	Arguments map[string]json.RawMessage
}

type read struct {
	Policies int      `json:"policies"`
	Refused  []string `json:"refused"`
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: agentcore SCHEMA GATEWAY FILES...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(schemaFile, gateway string, files []string) error {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		return err
	}
	var known declared
	if err := json.Unmarshal(text, &known); err != nil {
		return fmt.Errorf("%s: %w", schemaFile, err)
	}
	var written schema.Schema
	if err := written.UnmarshalJSON(text); err != nil {
		return fmt.Errorf("%s: %w", schemaFile, err)
	}
	resolved, err := written.Resolve()
	if err != nil {
		return fmt.Errorf("%s: %w", schemaFile, err)
	}
	validator := validate.New(resolved, validate.WithStrict())
	policies, err := readPolicies(files)
	if err != nil {
		return err
	}
	found := read{Refused: []string{}}
	for id, policy := range policies.All() {
		found.Policies++
		if err := validator.Policy(string(id), (*ast.Policy)(policy.AST())); err != nil {
			found.Refused = append(found.Refused, fmt.Sprintf("policy %s: %v", id, err))
		}
	}
	slices.Sort(found.Refused)
	line, err := json.Marshal(found)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, "%s\n", line)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	for lines.Scan() {
		var asked call
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
		request, entities, err := put(&asked, &known, gateway)
		if err != nil {
			fmt.Fprintf(out, "%v\t0\n", err)
			continue
		}
		if err := validator.Request(request); err != nil {
			return fmt.Errorf("the request %v is not one of the schema: %w", request, err)
		}
		decision, why := cedar.Authorize(policies, entities, request)
		said := "deny"
		if decision == types.Allow {
			said = "allow"
		}
		fmt.Fprintf(out, "%s\t%d\n", said, len(why.Errors))
	}
	return lines.Err()
}

func readPolicies(files []string) (*cedar.PolicySet, error) {
	set := cedar.NewPolicySet()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var one input
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		var policy cedar.Policy
		if err := policy.UnmarshalCedar([]byte(one.Definition.Cedar.Statement)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if !set.Add(types.PolicyID(one.Name), &policy) {
			return nil, fmt.Errorf("%s: two policies are named %s", file, one.Name)
		}
	}
	return set, nil
}

// put makes the request of a call, and the entity of its principal.
func put(asked *call, known *declared, gateway string) (types.Request, types.EntityMap, error) {
	var none types.Request
	subject, err := textOf(asked.Claims["sub"])
	if err != nil || subject == "" || asked.Claims["sub"][0] != '"' {
		return none, nil, errors.New("no principal")
	}
	action, there := known.AgentCore.Actions[asked.Action]
	if !there {
		return none, nil, errors.New("no such action")
	}
	arguments := types.RecordMap{}
	for name, declared := range action.AppliesTo.Context.Attributes.Input.Attributes {
		given, there := asked.Arguments[name]
		if !there && declared.Required {
			return none, nil, errors.New("no request")
		}
		if !there {
			continue
		}
		value, err := typed(given, declared.Type)
		if err != nil {
			return none, nil, errors.New("no request")
		}
		arguments[types.String(name)] = value
	}
	tags := types.RecordMap{}
	for name, value := range asked.Claims {
		text, err := textOf(value)
		if err != nil {
			return none, nil, err
		}
		if name != "sub" && string(value) != "null" {
			tags[types.String(name)] = types.String(text)
		}
	}
	uid := types.NewEntityUID("AgentCore::OAuthUser", types.String(subject))
	user := types.Entity{
		UID: uid, Attributes: types.NewRecord(types.RecordMap{"id": types.String(subject)}), Tags: types.NewRecord(tags),
	}
	request := types.Request{
		Principal: uid,
		Action:    types.NewEntityUID("AgentCore::Action", types.String(asked.Action)),
		Resource:  types.NewEntityUID("AgentCore::Gateway", types.String(gateway)),
		Context:   types.NewRecord(types.RecordMap{"input": types.NewRecord(arguments)}),
	}
	return request, types.EntityMap{uid: user}, nil
}

// textOf is a text as it is, and everything else as its JSON text.
func textOf(value json.RawMessage) (string, error) {
	var text string
	if len(value) > 0 && value[0] == '"' {
		err := json.Unmarshal(value, &text)
		return text, err
	}
	var short bytes.Buffer
	if len(value) == 0 {
		return "", nil
	}
	err := json.Compact(&short, value)
	return short.String(), err
}

func typed(value json.RawMessage, kind string) (types.Value, error) {
	switch kind {
	case "Long":
		number, err := strconv.ParseInt(string(value), 10, 64)
		return types.Long(number), err
	case "String":
		var text string
		if string(value) == "null" {
			return nil, errors.New("not a text")
		}
		err := json.Unmarshal(value, &text)
		return types.String(text), err
	case "Boolean":
		var truth bool
		if string(value) == "null" {
			return nil, errors.New("not a truth")
		}
		err := json.Unmarshal(value, &truth)
		return types.Boolean(truth), err
	}
	return nil, fmt.Errorf("arguments of the type %s are not known here", kind)
}
