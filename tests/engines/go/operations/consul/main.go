// Decodes definitions of services by the types of HashiCorp's client: `consul FILE...`. For each file it prints on one line what the
// client would send to an agent, or what is wrong with the file.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/consul/api"
)

func decoded(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var service api.AgentServiceRegistration
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&service); err != nil {
		return "", err
	}
	if decoder.More() {
		return "", fmt.Errorf("there is more than one definition")
	}
	sent, err := json.Marshal(service)
	return string(sent), err
}

func main() {
	for _, file := range os.Args[1:] {
		if sent, err := decoded(file); err != nil {
			fmt.Printf("%q\n", err.Error())
		} else {
			fmt.Println(sent)
		}
	}
}
