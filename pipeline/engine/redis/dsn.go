package redis

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/notifyctl/notifyctl/pipeline/engine/hostport"
)

// defaultPort is Redis's own.
const defaultPort = "6379"

// accepted is what a [DSN] may look like.
const accepted = "want redis://[user:password@]host:port[/database], rediss:// for TLS with ?ca=FILE for an authority of your own, " +
	"for a cluster several hosts (host1:port,host2:port) or ?cluster=true, and ?prefix=NAME before all names"

// DSN says where Redis is and how to sign in there.
type DSN struct {
	Addresses []string // host:port; of a cluster, some of its nodes
	Cluster   bool
	Database  int // of a single server
	User      string
	Password  string
	TLS       bool
	CA        string // a file of PEM certificates that vouch for the server; empty: the system's
	// Prefix is what all names of keys and channels begin with, for several
	// installations on one Redis; a colon follows it.
	Prefix string
}

// ParseDSN reads a DSN: redis://[user:password@]host:port[/database], rediss://
// for TLS, several hosts with commas between them for a cluster; without a
// scheme it is redis://. User and password may be percent-encoded. Its errors
// say what is accepted, and hold no password.
func ParseDSN(text string) (DSN, error) {
	d, err := parseDSN(text)
	if err != nil {
		return DSN{}, fmt.Errorf("not the address of a Redis: %w; %s", err, accepted)
	}
	return d, nil
}

func parseDSN(text string) (d DSN, err error) {
	rest := text
	if scheme, after, found := strings.Cut(text, "://"); found {
		switch scheme {
		case "redis":
		case "rediss":
			d.TLS = true
		default:
			return d, fmt.Errorf("its scheme is %q", scheme)
		}
		rest = after
	}
	// The password may hold anything; behind the last @ there is none of it.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if d.User, d.Password, err = parseCredentials(rest[:at]); err != nil {
			return d, err
		}
		rest = rest[at+1:]
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, database, _ := strings.Cut(rest, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		address, err := hostport.Parse(host, defaultPort)
		if err != nil {
			return d, err
		}
		d.Addresses = append(d.Addresses, address)
	}
	d.Cluster = len(d.Addresses) > 1
	if err := d.parseParameters(query); err != nil {
		return d, err
	}
	if database == "" {
		return d, nil
	}
	if d.Database, err = strconv.Atoi(database); err != nil || d.Database < 0 {
		return d, fmt.Errorf("its database is %q, want a number from 0", database)
	}
	if d.Cluster && d.Database != 0 {
		return d, fmt.Errorf("it asks for database %d, and a cluster has only 0", d.Database)
	}
	return d, nil
}

func parseCredentials(text string) (user, password string, err error) {
	user, password, found := strings.Cut(text, ":")
	if !found {
		return "", "", errors.New("its user has no password: write user:password@, or :password@ for the default user")
	}
	if user, err = url.PathUnescape(user); err == nil {
		password, err = url.PathUnescape(password)
	}
	if err != nil {
		return "", "", errors.New("its user or password is not percent-encoded: write % as %25")
	}
	return user, password, nil
}

func (d *DSN) parseParameters(query string) error {
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("its parameters are not a query: write them as ?name=value&name=value")
	}
	for name, values := range parameters {
		value := values[len(values)-1]
		switch name {
		case "ca":
			d.CA = value
		case "cluster":
			cluster, err := strconv.ParseBool(value)
			if err != nil {
				return fmt.Errorf("cluster is %q, want true or false", value)
			}
			if !cluster && d.Cluster {
				return errors.New("it names several hosts with cluster=false")
			}
			d.Cluster = cluster
		case "prefix":
			if d.Prefix = value; !validPrefix(value) {
				return fmt.Errorf("its prefix is %q, want 1 to %d letters, digits, hyphens and underscores", value, maxPrefix)
			}
		default:
			return fmt.Errorf("it has a parameter %q, known are ca, cluster and prefix", name)
		}
	}
	if d.CA != "" && !d.TLS {
		return errors.New("it has a ca without TLS: write rediss://")
	}
	return nil
}

const maxPrefix = 64

// validPrefix says whether a prefix keeps the rest of a name as it is: it holds
// neither a brace, which would choose the server, nor a colon.
func validPrefix(prefix string) bool {
	odd := strings.ContainsFunc(prefix, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
	return prefix != "" && len(prefix) <= maxPrefix && !odd
}

// name gives a name under the prefix.
func (d *DSN) name(name string) string {
	if d.Prefix == "" {
		return name
	}
	return d.Prefix + ":" + name
}

// Address names the servers, without user and password.
func (d DSN) Address() string { return strings.Join(d.Addresses, ",") }

// String is a DSN with the password left out, for logs.
func (d DSN) String() string {
	var b strings.Builder
	if d.TLS {
		b.WriteString("rediss://")
	} else {
		b.WriteString("redis://")
	}
	if d.User != "" || d.Password != "" {
		b.WriteString(url.PathEscape(d.User) + ":***@")
	}
	b.WriteString(d.Address())
	if d.Database != 0 {
		fmt.Fprintf(&b, "/%d", d.Database)
	}
	parameters := url.Values{}
	if d.Cluster && len(d.Addresses) == 1 {
		parameters.Set("cluster", "true")
	}
	if d.CA != "" {
		parameters.Set("ca", d.CA)
	}
	if d.Prefix != "" {
		parameters.Set("prefix", d.Prefix)
	}
	if len(parameters) > 0 {
		b.WriteString("?" + parameters.Encode())
	}
	return b.String()
}
