package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
)

// diagnose makes of a failure to reach the cluster an error that says what is
// wrong and what to do.
func (c Config) diagnose(ctx context.Context, err error) error {
	var (
		unknownAuthority x509.UnknownAuthorityError
		badCertificate   x509.CertificateInvalidError
		badHost          x509.HostnameError
		notFound         *net.DNSError
	)
	switch {
	case errors.Is(err, kafkago.SASLAuthenticationFailed) || rejectedSCRAM(err):
		return c.fault(fmt.Errorf("the user %s or its password is not accepted (%s)", c.SASL.User, c.SASL.Mechanism),
			"correct the user and password in kafka://USER:PASSWORD@...", true)
	case errors.Is(err, kafkago.UnsupportedSASLMechanism):
		return c.fault(fmt.Errorf("the brokers do not accept the SASL mechanism %s", c.SASL.Mechanism),
			"name with sasl= one that they do: plain, scram-sha-256 or scram-sha-512", true)
	case errors.Is(err, kafkago.IllegalSASLState):
		return c.fault(errors.New("the brokers take no user and password on this port"), "leave them out, or name the port that does", true)
	case errors.Is(err, kafkago.ClusterAuthorizationFailed), errors.Is(err, kafkago.TopicAuthorizationFailed):
		return c.fault(err, fmt.Sprintf("let the user Describe, Create, Read, Write and Delete the topics %s.*", c.topicPrefix()), true)
	case errors.As(err, &unknownAuthority), errors.As(err, &badCertificate), errors.As(err, &badHost):
		return c.fault(err, "name with ca= the authority that signed the brokers' certificates, and the brokers by the names in them", true)
	case errors.As(err, &notFound) && notFound.IsNotFound:
		return c.fault(err, "correct the broker's name", false)
	case errors.Is(err, syscall.ECONNREFUSED):
		return c.fault(err, "start the brokers, or correct the address", false)
	}
	if speaks := c.listen(ctx); speaks != nil {
		return speaks
	}
	if hungUp(err) {
		// Brokers that stop hang up as well, so this may pass.
		if c.SASL == nil {
			return c.fault(errors.New("the brokers hang up when asked for topics, as those do that want a user and password"),
				"give them as kafka://USER:PASSWORD@..., or see the brokers' log", false)
		}
		return c.fault(fmt.Errorf("the brokers hang up on the user %s (%s)", c.SASL.User, c.SASL.Mechanism),
			"correct user, password and sasl=, or see the brokers' log", false)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no answer in time")
	}
	return c.fault(err, "see whether the brokers run and can be reached from here", false)
}

// rejectedSCRAM says whether a broker refused a proof of a password, which the
// library gives as text alone.
func rejectedSCRAM(err error) bool { return strings.Contains(err.Error(), "invalid-proof") }

func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// listen finds out whether a broker speaks TLS where plain text was tried, or
// the other way about. It gives nil when neither is so.
func (c Config) listen(ctx context.Context) error {
	for _, broker := range c.Brokers {
		switch {
		case c.TLS == nil && c.speaksTLS(ctx, broker):
			return c.fault(fmt.Errorf("%s speaks TLS, and was spoken to in plain", broker), "add ?tls=true to kafka://..., or name the port without TLS", true)
		case c.TLS != nil && c.speaksPlain(ctx, broker):
			return c.fault(fmt.Errorf("%s speaks in plain, and was spoken to in TLS", broker), "leave out tls=true, or name the port with TLS", true)
		}
	}
	return nil
}

// connect dials for a question that is asked when the time for opening may be
// over.
func (c Config) connect(ctx context.Context, broker string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tlsDialTimeout)
	defer cancel()
	conn, err := c.Dial(ctx, "tcp", broker)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(tlsDialTimeout))
}

func (c Config) speaksTLS(ctx context.Context, broker string) bool {
	conn, err := c.connect(ctx, broker)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	// Nothing is sent over it: whether there is TLS at all is the question.
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake() == nil
}

func (c Config) speaksPlain(ctx context.Context, broker string) bool {
	conn, err := c.connect(ctx, broker)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_, err = protocol.NewConn(conn, clientID).RoundTrip(&apiversions.Request{})
	return err == nil
}
