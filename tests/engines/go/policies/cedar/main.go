// cedar FOLDER QUESTIONS POLICIES...: what cedar-go says of a compiled folder `cedar`.
//
// cedar-go shares no code with Cedar's Rust engine. It decides from the policies and entities.json alone, since most engines
// are given no schema; the schema is for its strict validator. QUESTIONS is a JSON document: the facts, the principals, the
// objects, and the questions as [principal, object, mask of the facts that hold].
//
// The first line of the answer is what was read and what the validator refuses. Then there is one line for each question:
// `allow` or `deny`, the number of errors, and the policies that decided.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

type name struct{ Type, ID string }

func (n name) uid() types.EntityUID {
	return types.NewEntityUID(types.EntityType(n.Type), types.String(n.ID))
}

type questions struct {
	Facts      []string
	Principals []name
	Objects    []struct{ Action, Resource name }
	Asked      [][3]int
}

type read struct {
	Policies int      `json:"policies"`
	Entities int      `json:"entities"`
	Refused  []string `json:"refused"`
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: cedar FOLDER QUESTIONS POLICIES...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder, asked string, files []string) error {
	policies, err := readPolicies(files)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(folder, "entities.json"))
	if err != nil {
		return err
	}
	var entities types.EntityMap
	if err := json.Unmarshal(text, &entities); err != nil {
		return fmt.Errorf("entities.json: %w", err)
	}
	validator, err := readSchema(filepath.Join(folder, "schema.cedarschema"))
	if err != nil {
		return err
	}
	text, err = os.ReadFile(asked)
	if err != nil {
		return err
	}
	var all questions
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("%s: %w", asked, err)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	found := read{Entities: len(entities), Refused: []string{}}
	for id, policy := range policies.All() {
		found.Policies++
		if err := validator.Policy(string(id), (*ast.Policy)(policy.AST())); err != nil {
			found.Refused = append(found.Refused, fmt.Sprintf("policy %s: %v", id, err))
		}
	}
	if err := validator.Entities(entities); err != nil {
		found.Refused = append(found.Refused, fmt.Sprintf("entities: %v", err))
	}
	slices.Sort(found.Refused)
	line, err := json.Marshal(found)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", line)
	return decide(out, policies, entities, validator, &all)
}

// readPolicies names each policy by its annotation `id`, as Cedar's own tools do.
func readPolicies(files []string) (*cedar.PolicySet, error) {
	set := cedar.NewPolicySet()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		list, err := cedar.NewPolicyListFromBytes(file, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, policy := range list {
			id, named := policy.Annotations()["id"]
			if !named {
				return nil, fmt.Errorf("%s: a policy without an `id`", file)
			}
			if !set.Add(types.PolicyID(id), policy) {
				return nil, fmt.Errorf("%s: two policies are named %s", file, id)
			}
		}
	}
	return set, nil
}

func readSchema(file string) (*validate.Validator, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var written schema.Schema
	written.SetFilename(file)
	if err := written.UnmarshalCedar(text); err != nil {
		return nil, err
	}
	resolved, err := written.Resolve()
	if err != nil {
		return nil, err
	}
	return validate.New(resolved, validate.WithStrict()), nil
}

func decide(out *bufio.Writer, policies *cedar.PolicySet, entities types.EntityMap, validator *validate.Validator, all *questions) error {
	// The same few sets of facts are asked about again and again.
	contexts := map[int]types.Record{}
	for _, question := range all.Asked {
		mask := question[2]
		context, known := contexts[mask]
		if !known {
			facts := types.RecordMap{}
			for at, fact := range all.Facts {
				facts[types.String(fact)] = types.Boolean(mask>>at&1 == 1)
			}
			context = types.NewRecord(facts)
			contexts[mask] = context
		}
		object := all.Objects[question[1]]
		request := types.Request{
			Principal: all.Principals[question[0]].uid(), Action: object.Action.uid(), Resource: object.Resource.uid(), Context: context,
		}
		if err := validator.Request(request); err != nil {
			return fmt.Errorf("the request %v is not one of the schema: %w", request, err)
		}
		decision, why := cedar.Authorize(policies, entities, request)
		said := "deny"
		if decision == types.Allow {
			said = "allow"
		}
		ids := make([]string, 0, len(why.Reasons))
		for _, reason := range why.Reasons {
			ids = append(ids, string(reason.PolicyID))
		}
		slices.Sort(ids)
		fmt.Fprintf(out, "%s %d %s\n", said, len(why.Errors), strings.Join(ids, ","))
	}
	return nil
}
