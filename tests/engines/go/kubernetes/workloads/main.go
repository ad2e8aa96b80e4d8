// Certificates of workloads, as the agent beside a proxy of Istio has them: each is had from istiod's own authority by a token of
// a Kubernetes service account, and handed to proxies by Envoy's secret discovery.
//
// `workloads LISTEN AUTHORITY TRUSTED TOKENS CERTIFICATES`: LISTEN is where proxies ask, AUTHORITY where istiod signs, TRUSTED a file with
// the authority of istiod's own certificate, TOKENS a folder with a file NAMESPACE.ACCOUNT for each service account. Certificates with
// their chains and keys go to CERTIFICATES as NAMESPACE.ACCOUNT.pem, and the mesh's authority as root.pem, which is there last.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secret "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/anypb"
	authority "istio.io/api/security/v1alpha1"
)

const typeURL = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

// workload is what one service account has.
type workload struct{ chain, key []byte }

// sign has a new key signed for the service account that the token is of.
func sign(client authority.IstioCertificateServiceClient, token string) (workload, []byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return workload{}, nil, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, private)
	if err != nil {
		return workload{}, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return workload{}, nil, err
	}
	within, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	within = metadata.AppendToOutgoingContext(within, "authorization", "Bearer "+token, "clusterid", "Kubernetes")
	answer, err := client.CreateCertificate(within, &authority.IstioCertificateRequest{
		Csr:              string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})),
		ValidityDuration: 3600,
	}, grpc.WaitForReady(true))
	if err != nil {
		return workload{}, nil, err
	}
	last := len(answer.CertChain) - 1
	if last < 1 {
		return workload{}, nil, fmt.Errorf("a chain of %d certificates", last+1)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return workload{[]byte(strings.Join(answer.CertChain[:last], "")), key}, []byte(answer.CertChain[last]), nil
}

func inline(bytes []byte) *core.DataSource {
	return &core.DataSource{Specifier: &core.DataSource_InlineBytes{InlineBytes: bytes}}
}

type server struct {
	secret.UnimplementedSecretDiscoveryServiceServer
	workloads map[string]workload
	root      []byte
}

// one is what a proxy gets: its own certificate, or that of the authority.
func (s *server) one(name, account string) (*tls.Secret, error) {
	if name == "ROOTCA" {
		context := &tls.CertificateValidationContext{TrustedCa: inline(s.root)}
		return &tls.Secret{Name: name, Type: &tls.Secret_ValidationContext{ValidationContext: context}}, nil
	}
	own, known := s.workloads[account]
	if !known {
		return nil, fmt.Errorf("%s has no certificate", account)
	}
	pair := &tls.TlsCertificate{CertificateChain: inline(own.chain), PrivateKey: inline(own.key)}
	return &tls.Secret{Name: name, Type: &tls.Secret_TlsCertificate{TlsCertificate: pair}}, nil
}

func (s *server) StreamSecrets(stream secret.SecretDiscoveryService_StreamSecretsServer) error {
	account, sent := "", ""
	for version := 1; ; version++ {
		request, err := stream.Recv()
		if err != nil {
			return err
		}
		if request.ErrorDetail != nil {
			log.Printf("%s refuses: %s", account, request.ErrorDetail.Message)
		}
		// A proxy names itself in its first request alone.
		if fields := request.Node.GetMetadata().GetFields(); fields != nil {
			account = fields["NAMESPACE"].GetStringValue() + "." + fields["SERVICE_ACCOUNT"].GetStringValue()
		}
		names := strings.Join(request.ResourceNames, " ")
		if names == sent {
			continue
		}
		sent = names
		response := &discovery.DiscoveryResponse{TypeUrl: typeURL, VersionInfo: fmt.Sprint(version), Nonce: fmt.Sprint(version)}
		for _, name := range request.ResourceNames {
			found, err := s.one(name, account)
			if err != nil {
				return err
			}
			packed, err := anypb.New(found)
			if err != nil {
				return err
			}
			response.Resources = append(response.Resources, packed)
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

func run(listen, at, trusted, tokens, certificates string) error {
	secured, err := credentials.NewClientTLSFromFile(trusted, "")
	if err != nil {
		return err
	}
	connection, err := grpc.NewClient(at, grpc.WithTransportCredentials(secured))
	if err != nil {
		return err
	}
	client := authority.NewIstioCertificateServiceClient(connection)
	files, err := os.ReadDir(tokens)
	if err != nil {
		return err
	}
	found := &server{workloads: map[string]workload{}}
	for _, file := range files {
		token, err := os.ReadFile(filepath.Join(tokens, file.Name()))
		if err != nil {
			return err
		}
		own, root, err := sign(client, strings.TrimSpace(string(token)))
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name(), err)
		}
		found.workloads[file.Name()], found.root = own, root
		both := append(append([]byte{}, own.chain...), own.key...)
		if err := os.WriteFile(filepath.Join(certificates, file.Name()+".pem"), both, 0o600); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(certificates, "root.pem"), found.root, 0o600); err != nil {
		return err
	}
	proxies := grpc.NewServer()
	secret.RegisterSecretDiscoveryServiceServer(proxies, found)
	return proxies.Serve(listener)
}

func main() {
	if len(os.Args) != 6 {
		log.Fatal("usage: workloads LISTEN AUTHORITY TRUSTED TOKENS CERTIFICATES")
	}
	log.Fatal(run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]))
}
