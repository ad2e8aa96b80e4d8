// networks FLEET.json: which connections network policies let through, by the engine of kube-network-policies, which is that of a
// real plugin. FLEET.json lists pods and namespaces. Each line of the input is a question: policies, ports, and addresses beside those
// of the pods. Its answer is one line: for each pair with an open port, as `FROM TO`, a text with a digit for each port, 1 where it is
// open. Pods are named NAMESPACE/NAME.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	_ "unsafe"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

// packet has the fields of the engine's own type, in its order.
type packet struct {
	id               uint32
	family           v1.IPFamily
	from, to         net.IP
	protocol         v1.Protocol
	fromPort, toPort int
	payload          []byte
}

// The engine exports nothing that decides on one packet.
//
//go:linkname evaluate sigs.k8s.io/kube-network-policies/pkg/networkpolicy.(*Controller).evaluatePacket
func evaluate(engine *networkpolicy.Controller, ctx context.Context, one packet) bool

type port struct {
	Protocol v1.Protocol
	Number   int
}

type question struct {
	Policies  []*networkingv1.NetworkPolicy
	Ports     []port
	Addresses []string
}

type end struct {
	name    string
	address net.IP
	pod     bool
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func add(store cache.Store, object any) {
	if err := store.Add(object); err != nil {
		log.Fatal(err)
	}
}

// read puts the fleet into the stores that the engine looks at, and returns its pods.
func read(path string, pods, namespaces cache.Store) []end {
	var documents []json.RawMessage
	if err := json.Unmarshal(must(os.ReadFile(path)), &documents); err != nil {
		log.Fatal(err)
	}
	var ends []end
	for _, document := range documents {
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
		if err != nil {
			log.Fatal(err)
		}
		switch one := object.(type) {
		case *v1.Pod:
			add(pods, one)
			ends = append(ends, end{one.Namespace + "/" + one.Name, net.ParseIP(one.Status.PodIP), true})
		case *v1.Namespace:
			add(namespaces, one)
		default:
			log.Fatalf("%T in a fleet", one)
		}
	}
	return ends
}

// ask tells for each pair with an open port which ones are. Pairs without a pod are of no policy.
func ask(engine *networkpolicy.Controller, ends []end, ports []port) map[string]string {
	found := map[string]string{}
	for _, from := range ends {
		for _, to := range ends {
			if from.name == to.name || !(from.pod || to.pod) {
				continue
			}
			family := v1.IPv4Protocol
			if from.address.To4() == nil || to.address.To4() == nil {
				family = v1.IPv6Protocol
			}
			open, digits := false, make([]byte, len(ports))
			for at, one := range ports {
				digits[at] = '0'
				if evaluate(engine, context.Background(), packet{0, family, from.address, to.address, one.Protocol, 40000, one.Number, nil}) {
					open, digits[at] = true, '1'
				}
			}
			if open {
				found[from.name+" "+to.name] = string(digits)
			}
		}
	}
	return found
}

func main() {
	client := fake.NewClientset()
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, namespaces, policies := factory.Core().V1().Pods(), factory.Core().V1().Namespaces(), factory.Networking().V1().NetworkPolicies()
	// It is never run, so nothing is asked of the container runtime or of the kernel.
	engine := must(networkpolicy.NewController(client, policies, namespaces, pods, factory.Core().V1().Nodes(), nil, nil, nil, networkpolicy.Config{NodeName: "node"}))
	fleet := read(os.Args[1], pods.Informer().GetIndexer(), namespaces.Informer().GetIndexer())
	input, output := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	decoder := json.NewDecoder(input)
	decoder.DisallowUnknownFields()
	for decoder.More() {
		var one question
		if err := decoder.Decode(&one); err != nil {
			log.Fatal(err)
		}
		objects := make([]any, len(one.Policies))
		for at, policy := range one.Policies {
			objects[at] = policy
		}
		if err := policies.Informer().GetIndexer().Replace(objects, ""); err != nil {
			log.Fatal(err)
		}
		ends := fleet
		for _, text := range one.Addresses {
			address := net.ParseIP(text)
			if address == nil {
				log.Fatalf("%s is not an address", text)
			}
			ends = append(ends[:len(ends):len(ends)], end{text, address, false})
		}
		fmt.Fprintf(output, "%s\n", must(json.Marshal(ask(engine, ends, one.Ports))))
		if err := output.Flush(); err != nil {
			log.Fatal(err)
		}
	}
}
