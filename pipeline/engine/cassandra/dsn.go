package cassandra

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline/engine/hostport"
)

const (
	defaultPort     = "9042"
	defaultKeyspace = "notifyctl"
)

// DSN says where a cluster is and how to speak to it.
type DSN struct {
	Hosts    []string // host:port, one at least: the cluster names its other nodes
	User     string
	Password string
	Keyspace string
	// LocalDC is the data centre whose nodes are used; empty is that of the
	// first node that answers.
	LocalDC string
	TLS     bool
	CA      string // a file of certificates in PEM; empty is the system's
}

const accepted = "want host:port,host:port or cassandra://user:password@host:port,host:port/keyspace?dc=NAME&tls=true&ca=FILE"

// keyspaceName is what Cassandra takes for a name without quotes.
var keyspaceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// ParseDSN reads the address of a cluster: a list of hosts, or a URL. A port
// that is missing is 9042, a keyspace notifyctl.
func ParseDSN(text string) (DSN, error) {
	d := DSN{Keyspace: defaultKeyspace}
	hosts := text
	if scheme, rest, found := strings.Cut(text, "://"); found {
		if scheme != "cassandra" {
			return DSN{}, fmt.Errorf("the address of Cassandra has the scheme %q: %s", scheme, accepted)
		}
		var err error
		if hosts, err = d.parseURL(rest); err != nil {
			return DSN{}, err
		}
	} else if strings.ContainsAny(text, "@/?") {
		return DSN{}, fmt.Errorf("the address of Cassandra has a user, a keyspace or options but no scheme: %s", accepted)
	}
	for _, host := range strings.Split(hosts, ",") {
		address, err := hostport.Parse(host, defaultPort)
		if err != nil {
			return DSN{}, fmt.Errorf("the address of Cassandra: %w: %s", err, accepted)
		}
		d.Hosts = append(d.Hosts, address)
	}
	return d, nil
}

// parseURL reads what stands around the hosts, which net/url would take for one.
// No message repeats what may hold the password.
func (d *DSN) parseURL(rest string) (hosts string, err error) {
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	if strings.Contains(rest[len(authority):], "@") { // what stands before it would be taken for hosts and options, and be named
		return "", errors.New("the address of Cassandra has an @ behind a / or a ?: write / ? @ of a user or password as %2F %3F %40, and an @ of an option as %40")
	}
	path, query, _ := strings.Cut(rest[len(authority):], "?")
	keyspace := strings.TrimPrefix(path, "/")
	hosts = authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		hosts = authority[at+1:]
		user, password, found := strings.Cut(authority[:at], ":")
		if !found || user == "" || password == "" {
			return "", fmt.Errorf("the address of Cassandra has a user without a password, or the other way round: %s", accepted)
		}
		if d.User, err = url.PathUnescape(user); err == nil {
			d.Password, err = url.PathUnescape(password)
		}
		if err != nil {
			return "", errors.New("the address of Cassandra has a user or password with a % that begins no escape: write %25")
		}
	}
	if keyspace != "" {
		d.Keyspace = keyspace
	}
	if !keyspaceName.MatchString(d.Keyspace) {
		return "", fmt.Errorf("the address of Cassandra has the keyspace %q: want a letter and then letters, digits and underscores, all lower case, 48 at most", d.Keyspace)
	}
	return hosts, d.parseOptions(query)
}

func (d *DSN) parseOptions(query string) error {
	options, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("the address of Cassandra has options that are none (%w): %s", err, accepted)
	}
	for name, values := range options {
		value := values[len(values)-1]
		switch name {
		case "dc":
			d.LocalDC = value
		case "ca":
			d.CA = value
		case "tls":
			if d.TLS, err = strconv.ParseBool(value); err != nil {
				return fmt.Errorf("the address of Cassandra has tls=%s: want true or false", value)
			}
		default:
			return fmt.Errorf("the address of Cassandra has the option %q: want dc, tls or ca", name)
		}
	}
	if d.CA != "" && options.Has("tls") && !d.TLS {
		return errors.New("the address of Cassandra has tls=false and a ca: want one of them")
	}
	d.TLS = d.TLS || d.CA != ""
	return nil
}

// Address is the hosts alone.
func (d DSN) Address() string { return strings.Join(d.Hosts, ",") }

// String is the address as a URL, without user and password.
func (d DSN) String() string {
	options := url.Values{}
	if d.LocalDC != "" {
		options.Set("dc", d.LocalDC)
	}
	if d.TLS {
		options.Set("tls", "true")
	}
	if d.CA != "" {
		options.Set("ca", d.CA)
	}
	text := "cassandra://" + d.Address() + "/" + d.Keyspace
	if len(options) > 0 {
		text += "?" + options.Encode()
	}
	return text
}
