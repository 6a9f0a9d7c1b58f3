package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"
	amqp "github.com/rabbitmq/amqp091-go"

	"ternmq.invalid/conformance/cases"
)

var (
	address = parse(os.Getenv("STOMP_URL"))
	amqpURL = os.Getenv("AMQP_URL")

	receipt    = stomp.SendOpt.Receipt
	persistent = stomp.SendOpt.Header("persistent", "true")
)

func parse(text string) *url.URL {
	parsed, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return parsed
}

// silent keeps the client's own words off the case lines.
type silent struct{}

func (silent) Debugf(string, ...any)   {}
func (silent) Infof(string, ...any)    {}
func (silent) Warningf(string, ...any) {}
func (silent) Errorf(string, ...any)   {}
func (silent) Debug(string)            {}
func (silent) Info(string)             {}
func (silent) Warning(string)          {}
func (silent) Error(string)            {}

// peers are the connections of one case: any number of STOMP, and one AMQP channel when asked for.
type peers struct {
	opened []*stomp.Conn
	other  *amqp.Connection
}

func attempt(run func(*peers) error) error {
	all := &peers{}
	defer all.close()
	return run(all)
}

func (p *peers) close() {
	for _, connection := range p.opened {
		_ = connection.MustDisconnect()
	}
	if p.other != nil {
		_ = p.other.Close()
	}
}

// options of a usual connection; later ones win.
func options(more ...func(*stomp.Conn) error) []func(*stomp.Conn) error {
	password, _ := address.User.Password()
	return append([]func(*stomp.Conn) error{
		stomp.ConnOpt.Login(address.User.Username(), password),
		stomp.ConnOpt.Host("/"),
		stomp.ConnOpt.HeartBeat(0, 0),
		stomp.ConnOpt.Logger(silent{}),
		// A receipt that was lost with its broker is not waited for longer than any other thing.
		stomp.ConnOpt.RcvReceiptTimeout(cases.Wait),
	}, more...)
}

func (p *peers) connect(more ...func(*stomp.Conn) error) (*stomp.Conn, error) {
	connection, err := stomp.Dial("tcp", address.Host, options(more...)...)
	if err == nil {
		p.opened = append(p.opened, connection)
	}
	return connection, err
}

// pair makes two connections.
func (p *peers) pair() (*stomp.Conn, *stomp.Conn, error) {
	one, err := p.connect()
	if err != nil {
		return nil, nil, err
	}
	two, err := p.connect()
	return one, two, err
}

// over makes a connection on what is dialled already.
func (p *peers) over(wire net.Conn) (*stomp.Conn, error) {
	connection, err := stomp.Connect(wire, options()...)
	if err == nil {
		p.opened = append(p.opened, connection)
	}
	return connection, err
}

func (p *peers) amqp() (*amqp.Channel, error) {
	if p.other == nil {
		connection, err := amqp.Dial(amqpURL)
		if err != nil {
			return nil, err
		}
		p.other = connection
	}
	return p.other.Channel()
}

// both makes a connection and an AMQP channel.
func (p *peers) both() (*stomp.Conn, *amqp.Channel, error) {
	channel, err := p.amqp()
	if err != nil {
		return nil, nil, err
	}
	connection, err := p.connect()
	return connection, channel, err
}

// depth is how many messages a queue holds; an error when there is no such queue.
func (p *peers) depth(name string) (int, error) {
	channel, err := p.amqp()
	if err != nil {
		return 0, err
	}
	queue, err := channel.QueueDeclarePassive(name, true, false, false, false, nil)
	return queue.Messages, err
}

// gone fails while the queue is there. A connection that ended takes its queues along a moment later.
func (p *peers) gone(name string) error {
	for deadline := time.Now().Add(cases.Wait); time.Now().Before(deadline); {
		_, err := p.depth(name)
		if failure, ok := err.(*amqp.Error); ok && failure.Code == amqp.NotFound {
			return nil
		} else if err != nil {
			return err
		}
	}
	return fmt.Errorf("the queue %s is still there", name)
}

// send with a receipt; it is with the broker when this returns.
func send(connection *stomp.Conn, destination string, body string, more ...func(*frame.Frame) error) error {
	return connection.Send(destination, "text/plain", []byte(body), append(more, receipt)...)
}

// header for a SUBSCRIBE.
func header(name, value string) func(*frame.Frame) error {
	return stomp.SubscribeOpt.Header(name, value)
}

// subscribe returns when the broker has the subscription. Frames are worked on one after the other, so that the answer to a
// transaction that holds nothing comes behind it; the client offers no receipt of SUBSCRIBE.
func subscribe(connection *stomp.Conn, destination string, mode stomp.AckMode, more ...func(*frame.Frame) error) (*stomp.Subscription, error) {
	subscription, err := connection.Subscribe(destination, mode, more...)
	if err != nil {
		return nil, err
	}
	return subscription, settled(connection)
}

// settled returns when the broker has worked on all frames before.
func settled(connection *stomp.Conn) error {
	transaction, err := connection.BeginWithError()
	return cases.First(err, transaction.AbortWithReceipt())
}

// unsubscribe returns when the broker has ended the subscription, which closes its channel. The client's own way to wait misses a
// receipt that comes at once.
func unsubscribe(subscription *stomp.Subscription, more ...func(*frame.Frame) error) error {
	failed := make(chan error, 1)
	go func() {
		if err := subscription.Unsubscribe(more...); err != nil {
			failed <- err
		}
	}()
	timeout := time.After(cases.Wait)
	for {
		select {
		case message, ok := <-subscription.C:
			if !ok {
				return nil
			}
			if message.Err != nil {
				return message.Err
			}
		case err := <-failed:
			return err
		case <-timeout:
			return fmt.Errorf("no receipt came for UNSUBSCRIBE of %s", subscription.Destination())
		}
	}
}

// take waits for the next messages.
func take(subscription *stomp.Subscription, count int) ([]*stomp.Message, error) {
	var got []*stomp.Message
	timeout := time.After(cases.Wait)
	for len(got) < count {
		select {
		case message, ok := <-subscription.C:
			if !ok {
				return got, fmt.Errorf("the subscription of %s ended", subscription.Destination())
			}
			if message.Err != nil {
				return got, message.Err
			}
			got = append(got, message)
		case <-timeout:
			return got, fmt.Errorf("%d of %d messages came from %s", len(got), count, subscription.Destination())
		}
	}
	return got, nil
}

// expect takes messages and compares their bodies.
func expect(subscription *stomp.Subscription, what string, wanted ...string) ([]*stomp.Message, error) {
	got, err := take(subscription, len(wanted))
	return got, cases.First(err, cases.Equal(bodies(got), wanted, what))
}

func bodies(messages []*stomp.Message) []string {
	var texts []string
	for _, message := range messages {
		texts = append(texts, string(message.Body))
	}
	return texts
}

// nothing fails if a message comes before the broker has worked on all frames before.
func nothing(connection *stomp.Conn, subscription *stomp.Subscription) error {
	if err := settled(connection); err != nil {
		return err
	}
	select {
	case message := <-subscription.C:
		if message == nil {
			return fmt.Errorf("the subscription of %s ended", subscription.Destination())
		}
		return fmt.Errorf("unexpected message %q, %v", message.Body, message.Err)
	case <-time.After(300 * time.Millisecond):
		return nil
	}
}

// refusal waits for the ERROR that ends a subscription and compares its message header.
func refusal(subscription *stomp.Subscription, wanted string) error {
	select {
	case message := <-subscription.C:
		if message == nil || message.Err == nil {
			return fmt.Errorf("wanted the error %q, got the message %v", wanted, message)
		}
		return cases.Equal(message.Err.Error(), wanted, "message of the ERROR")
	case <-time.After(cases.Wait):
		return fmt.Errorf("no ERROR %q came", wanted)
	}
}

// refused compares the message of an error with what it has to begin with.
func refused(err error, wanted string) error {
	if err == nil {
		return fmt.Errorf("wanted the error %q, got none", wanted)
	}
	if !strings.HasPrefix(strings.ToLower(err.Error()), strings.ToLower(wanted)) {
		return fmt.Errorf("wanted the error %q, got %q", wanted, err)
	}
	return nil
}

func headers(message *stomp.Message, names ...string) map[string]string {
	found := map[string]string{}
	for _, name := range names {
		found[name] = message.Header.Get(name)
	}
	return found
}
