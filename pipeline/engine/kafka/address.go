package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/notifyctl/notifyctl/pipeline/engine/hostport"
	"github.com/notifyctl/notifyctl/pipeline/engine/trust"
)

// Address is where a cluster is and how it is entered.
type Address struct {
	Brokers []string    // host:port, at least one; the others are found by it
	TLS     *tls.Config // nil: in plain
	SASL    *SASL       // nil: without authentication
	// Prefix begins the names of topics and consumer groups of an installation
	// that has not the cluster to itself; empty: the names are the default ones.
	Prefix string
}

// The mechanisms of SASL.
const (
	Plain       = "plain"
	SCRAMSHA256 = "scram-sha-256"
	SCRAMSHA512 = "scram-sha-512"
)

// SASL is how a client says who it is.
type SASL struct {
	Mechanism string // one of the above
	User      string
	Password  string
}

// String names the mechanism and the user.
func (s SASL) String() string { return s.Mechanism + " " + s.User }

// GoString is as String, so that no form of printing shows the password.
func (s SASL) GoString() string { return s.String() }

// mechanism is kafka-go's. A nil SASL has none.
func (s *SASL) mechanism() (sasl.Mechanism, error) {
	if s == nil {
		return nil, nil
	}
	switch s.Mechanism {
	case Plain:
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case SCRAMSHA256:
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case SCRAMSHA512:
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("sasl mechanism %q: accepted are %s, %s and %s", s.Mechanism, Plain, SCRAMSHA256, SCRAMSHA512)
}

// String lists the brokers. It has no user and no password.
func (a Address) String() string { return strings.Join(a.Brokers, ",") }

// acceptedAddress is what errors of ParseAddress say is accepted.
const acceptedAddress = "accepted is HOST:PORT,... or kafka://[USER:PASSWORD@]HOST:PORT,...[?tls=true&ca=FILE&cert=FILE&key=FILE&sasl=scram-sha-512&prefix=NAME]"

// ParseAddress reads an address: brokers as host:port with commas between them,
// or a URL of scheme kafka, whose user and password are percent-encoded and
// whose parameters are
//
//	tls    true or false; the parameters below make it true
//	ca     a PEM file of the authorities that sign the brokers' certificates; the system's otherwise
//	cert   a PEM file of the client's certificate, with
//	key    that of its key
//	sasl   plain, scram-sha-256 or scram-sha-512 (the default), with a user
//	prefix what the names of topics and groups begin with, for several installations on a cluster
//
// No error repeats the user or the password.
func ParseAddress(text string) (Address, error) {
	rest, isURL := strings.CutPrefix(text, "kafka://")
	if !isURL {
		if strings.ContainsAny(text, "@?/") {
			return Address{}, fmt.Errorf("the address of kafka has a user, a scheme or parameters and does not start with kafka://; %s", acceptedAddress)
		}
		brokers, err := parseBrokers(text)
		return Address{Brokers: brokers}, err
	}
	rest, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") { // what stands before it would be taken for brokers, and be named
		return Address{}, fmt.Errorf("the address of kafka has an @ behind a ?: write ? of a user or password as %%3F, and an @ of a parameter as %%40; %s", acceptedAddress)
	}
	credentials := ""
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		credentials, rest = rest[:at], rest[at+1:]
	}
	brokers, err := parseBrokers(strings.TrimSuffix(rest, "/"))
	if err != nil {
		return Address{}, err
	}
	a := Address{Brokers: brokers}
	parameters, err := parseParameters(query)
	if err != nil {
		return Address{}, err
	}
	if a.TLS, err = parseTLS(parameters); err != nil {
		return Address{}, err
	}
	if a.Prefix = parameters["prefix"]; a.Prefix != "" && !topicName.MatchString(a.Prefix) {
		return Address{}, fmt.Errorf("the address of kafka has prefix=%s; accepted are up to 64 letters, digits, dots, underscores and hyphens", a.Prefix)
	}
	a.SASL, err = parseSASL(credentials, parameters)
	return a, err
}

// topicName is what the name of a topic may be made of, with room for the rest.
var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func parseBrokers(text string) ([]string, error) {
	brokers := strings.Split(text, ",")
	for i, broker := range brokers {
		address, err := hostport.Parse(broker, "")
		if err != nil {
			return nil, fmt.Errorf("the address of kafka: %w; %s", err, acceptedAddress)
		}
		brokers[i] = address
	}
	return brokers, nil
}

// parseParameters reads a query and refuses what ParseAddress does not take.
func parseParameters(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("the parameters of kafka's address: %w; %s", err, acceptedAddress)
	}
	parameters := make(map[string]string, len(values))
	for name, given := range values {
		if !slices.Contains([]string{"tls", "ca", "cert", "key", "sasl", "prefix"}, name) {
			return nil, fmt.Errorf("the address of kafka has the parameter %q; %s", name, acceptedAddress)
		}
		if len(given) != 1 || given[0] == "" {
			return nil, fmt.Errorf("the parameter %s of kafka's address stands %d times or is empty; %s", name, len(given), acceptedAddress)
		}
		parameters[name] = given[0]
	}
	return parameters, nil
}

func parseTLS(parameters map[string]string) (*tls.Config, error) {
	ca, cert, key := parameters["ca"], parameters["cert"], parameters["key"]
	files := ca != "" || cert != "" || key != ""
	switch parameters["tls"] {
	case "true":
	case "":
		if !files {
			return nil, nil
		}
	case "false":
		if files {
			return nil, errors.New("the address of kafka has tls=false and names files for TLS; leave out one of the two")
		}
		return nil, nil
	default:
		return nil, fmt.Errorf("the address of kafka has tls=%s; accepted are true and false", parameters["tls"])
	}
	authorities, err := trust.Authorities(ca)
	if err != nil {
		return nil, fmt.Errorf("the ca of kafka's address: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities}
	if (cert == "") != (key == "") {
		return nil, errors.New("the address of kafka has one of cert and key; the client's certificate needs both")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("the cert and key of kafka's address: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func parseSASL(credentials string, parameters map[string]string) (*SASL, error) {
	mechanism := parameters["sasl"]
	if credentials == "" {
		if mechanism != "" {
			return nil, fmt.Errorf("the address of kafka has sasl=%s and no user and password; %s", mechanism, acceptedAddress)
		}
		return nil, nil
	}
	rawUser, rawPassword, both := strings.Cut(credentials, ":")
	user, badUser := url.PathUnescape(rawUser)
	password, badPassword := url.PathUnescape(rawPassword)
	if !both || user == "" || password == "" || badUser != nil || badPassword != nil {
		return nil, fmt.Errorf("the address of kafka has no USER:PASSWORD before the @, percent-encoded where they hold one of :/?#@%%; %s", acceptedAddress)
	}
	if mechanism == "" {
		mechanism = SCRAMSHA512
	}
	s := &SASL{Mechanism: mechanism, User: user, Password: password}
	if _, err := s.mechanism(); err != nil {
		return nil, fmt.Errorf("the address of kafka: %w", err)
	}
	return s, nil
}
