// toolhive: compiled files in ToolHive's own packages, without a container runtime.
//
//	toolhive check FILE...                what the operator says of each resource, one line each: `ok`, or why it is refused
//	toolhive decide FILE... < REQUESTS    what each server's authorizer decides, one line each: `allow`, `deny`, or `deny ERROR`
//	toolhive serve FILE REMOTE PORT ISSUER KEYS AUDIENCE    the proxy, in front of an MCP server
//
// A request is a JSON document on a line: the server, the feature and operation of MCP, the name, claims and arguments.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/stacklok/toolhive/cmd/thv-operator/api/v1beta1"
	"github.com/stacklok/toolhive/cmd/thv-operator/pkg/controllerutil"
	"github.com/stacklok/toolhive/pkg/auth"
	"github.com/stacklok/toolhive/pkg/authz"
	"github.com/stacklok/toolhive/pkg/authz/authorizers"
	_ "github.com/stacklok/toolhive/pkg/authz/authorizers/cedar" // Registers the type `cedarv1`.
	"github.com/stacklok/toolhive/pkg/runner"
	"github.com/stacklok/toolhive/pkg/transport/types"
	"github.com/stacklok/toolhive/pkg/workloads/statuses"
	"sigs.k8s.io/yaml"
)

type request struct {
	Server, Feature, Operation, Name string
	Claims, Arguments                map[string]any
}

func main() {
	// The authorizer logs every decision.
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) > 1 && arguments[0] == "check":
		for _, file := range arguments[1:] {
			if err := check(file); err != nil {
				fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
			} else {
				fmt.Println("ok")
			}
		}
		return nil
	case len(arguments) > 1 && arguments[0] == "decide":
		return decide(arguments[1:], os.Stdin, os.Stdout)
	case len(arguments) == 7 && arguments[0] == "serve":
		return serve(arguments[1:])
	}
	return errors.New("usage: toolhive check FILE... | decide FILE... | serve FILE REMOTE PORT ISSUER KEYS AUDIENCE")
}

// check does what the operator does when a resource arrives. A file may hold several.
func check(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for part := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var any struct{ Kind string }
		if err := yaml.Unmarshal(part, &any); err != nil {
			return err
		}
		switch any.Kind {
		case "MCPAuthzConfig":
			if _, _, err := authorizer(part); err != nil {
				return err
			}
		case "VirtualMCPCompositeToolDefinition":
			var tool v1beta1.VirtualMCPCompositeToolDefinition
			if err := yaml.UnmarshalStrict(part, &tool); err != nil {
				return err
			}
			if err := tool.Validate(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("a resource of the kind %q", any.Kind)
		}
	}
	return nil
}

// read takes a resource as the operator does, and makes the configuration of it that it hands to a proxy.
func read(text []byte) (string, *authz.Config, error) {
	var object v1beta1.MCPAuthzConfig
	if err := yaml.UnmarshalStrict(text, &object); err != nil {
		return "", nil, err
	}
	config, err := controllerutil.BuildAuthzConfigFromRef(&object)
	if err != nil {
		return "", nil, err
	}
	return object.Name, config, nil
}

// authorizer is the one of the server that has the same name as the resource.
func authorizer(text []byte) (string, authorizers.Authorizer, error) {
	name, config, err := read(text)
	if err != nil {
		return "", nil, err
	}
	factory := authorizers.GetFactory(string(config.Type))
	if factory == nil {
		return "", nil, fmt.Errorf("an authorizer of the type %q", config.Type)
	}
	made, err := factory.CreateAuthorizer(config.RawConfig(), name)
	return name, made, err
}

func decide(files []string, from io.Reader, to io.Writer) error {
	byServer := map[string]authorizers.Authorizer{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, made, err := authorizer(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		byServer[name] = made
	}
	in := bufio.NewScanner(from)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(to)
	defer out.Flush()
	for in.Scan() {
		var asked request
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			return err
		}
		server, known := byServer[asked.Server]
		if !known {
			return fmt.Errorf("nothing is compiled for %q", asked.Server)
		}
		identity := &auth.Identity{PrincipalInfo: auth.PrincipalInfo{Claims: asked.Claims}}
		allowed, err := server.AuthorizeWithJWTClaims(auth.WithIdentity(context.Background(), identity),
			authorizers.MCPFeature(asked.Feature), authorizers.MCPOperation(asked.Operation), asked.Name, asked.Arguments)
		switch {
		case allowed && err == nil:
			fmt.Fprintln(out, "allow")
		case err != nil:
			fmt.Fprintln(out, "deny", strings.ReplaceAll(err.Error(), "\n", " "))
		default:
			fmt.Fprintln(out, "deny")
		}
	}
	return in.Err()
}

// serve runs the proxy with the product's own chain of middleware, until it is told to end.
func serve(arguments []string) error {
	text, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	name, config, err := read(text)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	until, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings := runner.NewRunConfig()
	settings.Name, settings.BaseName, settings.ContainerName = name, name, name
	settings.RemoteURL, settings.Host, settings.Port = arguments[1], "127.0.0.1", port
	settings.Transport, settings.ProxyMode = types.TransportTypeStreamableHTTP, types.ProxyModeStreamableHTTP
	settings.AuthzConfig = config
	settings.OIDCConfig = &auth.TokenValidatorConfig{
		Issuer: arguments[3], JWKSURL: arguments[4], Audience: arguments[5], AllowPrivateIP: true, InsecureAllowHTTP: true,
		ResourceURL: fmt.Sprintf("http://127.0.0.1:%d/mcp", port),
	}
	return runner.NewRunner(settings, statuses.NewNoopStatusManager()).Run(until)
}
