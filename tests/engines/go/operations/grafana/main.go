// Decodes dashboards by Grafana's own generated types: `grafana FILE...`. For each file it prints `ok`, or what is wrong with it: a
// key or a value of another kind, what does not validate, and what is lost when the dashboard is written again.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// lost names what of a value is not in another one. An empty list may be left out.
func lost(path string, before, after any) []string {
	var found []string
	switch value := before.(type) {
	case map[string]any:
		other, _ := after.(map[string]any)
		for key, inner := range value {
			kept, ok := other[key]
			if list, isList := inner.([]any); !ok && !(isList && len(list) == 0) {
				found = append(found, path+"."+key)
			} else if ok {
				found = append(found, lost(path+"."+key, inner, kept)...)
			}
		}
	case []any:
		other, _ := after.([]any)
		for index, inner := range value {
			at := fmt.Sprintf("%s[%d]", path, index)
			if index >= len(other) {
				found = append(found, at)
			} else {
				found = append(found, lost(at, inner, other[index])...)
			}
		}
	default:
		if !reflect.DeepEqual(before, after) {
			found = append(found, path)
		}
	}
	return found
}

// fault is an error that says something: the types of this version also give an empty list of faults as an error.
func fault(err error) error {
	if err != nil && err.Error() == "" {
		return nil
	}
	return err
}

func judge(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var strict, plain dashboard.Dashboard
	if err := fault(strict.UnmarshalJSONStrict(text)); err != nil {
		return err
	}
	// The strict decoder of this version drops the panels that it has judged.
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	if err := fault(plain.Validate()); err != nil {
		return err
	}
	written, err := json.Marshal(plain)
	if err != nil {
		return err
	}
	var before, after any
	if err := json.Unmarshal(text, &before); err != nil {
		return err
	}
	if err := json.Unmarshal(written, &after); err != nil {
		return err
	}
	if gone := lost("", before, after); len(gone) > 0 {
		return fmt.Errorf("lost: %v", gone)
	}
	return nil
}

func main() {
	plugins.RegisterDefaultPlugins()
	for _, file := range os.Args[1:] {
		if err := judge(file); err != nil {
			fmt.Printf("%q\n", err.Error())
		} else {
			fmt.Println("ok")
		}
	}
}
