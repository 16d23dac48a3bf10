package kafkalog

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/segmentio/kafka-go"

	"detour/internal/tlsfiles"
	"detour/schemas"
)

// distrust reports whether err is about who we are to the broker, or it to us: passwords and certificates, which an
// operator changes on both sides, one after the other.
func distrust(err error) bool {
	return errors.Is(err, kafka.SASLAuthenticationFailed) || errors.As(err, new(secretError)) || tlsfiles.Advice(err) != ""
}

// kindOf is classify for a client that may have been let in before: then a refusal is waited for, as a password or a
// certificate that is being changed. At the start it is an error.
func (c *Client) kindOf(err error) kind {
	if c.trusted.Load() && distrust(err) {
		return connection
	}
	return classify(err)
}

// advise adds to a refusal what can be done about it.
func (c *Client) advise(err error) error {
	if advice := c.advice(err); advice != "" {
		return fmt.Errorf("%w: %s", err, advice)
	}
	return err
}

func (c *Client) advice(err error) string {
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return fmt.Sprintf("the broker does not know sasl.username %q with the password in %s, by %s",
			c.cfg.SASL.Username, c.cfg.SASL.PasswordFile, c.cfg.SASL.Mechanism)
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return "the listener does not take sasl.mechanism " + c.cfg.SASL.Mechanism
	case errors.Is(err, kafka.IllegalSASLState):
		return "the listener takes no SASL: name one that does, or leave sasl out"
	}
	if advice := tlsfiles.Advice(err); advice != "" || c.trusted.Load() {
		return advice
	}
	if expectsTLS(err) {
		return "set tls.enabled"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return "so does one whose listener wants TLS or SASL and is asked without, or the other way around: see tls.enabled and sasl"
	}
	return ""
}

// missingRight is an error of authorization that says what is to be granted: an operation on a resource, in the words of
// Kafka's ACLs.
type missingRight struct{ error }

func (m missingRight) Unwrap() error { return m.error }

// needs adds to an error of authorization which right is missing, unless it says so already.
func (c *Client) needs(err error, operation, resource string) error {
	if !denied(err) || errors.As(err, new(missingRight)) {
		return err
	}
	who := "this client's principal"
	if c.cfg.SASL.Username != "" {
		who = "User:" + c.cfg.SASL.Username
	}
	return missingRight{fmt.Errorf("%w: %s needs %s on %s", err, who, operation, resource)}
}

func (c *Client) needsOn(err error, operation string, t schemas.Topic) error {
	return c.needs(err, operation, "topic "+c.names.Of(t))
}

func denied(err error) bool {
	return errors.Is(err, kafka.TopicAuthorizationFailed) || errors.Is(err, kafka.GroupAuthorizationFailed) ||
		errors.Is(err, kafka.ClusterAuthorizationFailed)
}
