// Command go-app is an application over amqp091-go. It prints one line per case; ../cases.py tells the talk with the harness.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"ternmq.invalid/conformance/cases"
)

var url = os.Getenv("AMQP_URL")

type channel = *amqp.Channel

func text(body string) amqp.Publishing {
	return amqp.Publishing{Body: []byte(body), DeliveryMode: amqp.Persistent}
}

func send(ch channel, exchange, key string, message amqp.Publishing) error {
	return ch.PublishWithContext(context.Background(), exchange, key, false, false, message)
}

func queue(ch channel, name string, arguments amqp.Table) error {
	_, err := ch.QueueDeclare(name, true, false, false, false, arguments)
	return err
}

// take consumes count messages and acknowledges each.
func take(ch channel, name string, count int) ([]amqp.Delivery, error) {
	deliveries, err := ch.Consume(name, "taker", false, false, false, false, nil)
	if err != nil {
		return nil, err
	}
	var got []amqp.Delivery
	timeout := time.After(cases.Wait)
	for len(got) < count {
		select {
		case delivery, ok := <-deliveries:
			if !ok {
				return got, fmt.Errorf("the consumer of %s ended after %d messages", name, len(got))
			}
			if err := delivery.Ack(false); err != nil {
				return got, err
			}
			got = append(got, delivery)
		case <-timeout:
			return got, fmt.Errorf("%d of %d messages came from %s", len(got), count, name)
		}
	}
	return got, ch.Cancel("taker", false)
}

func bodies(deliveries []amqp.Delivery) []string {
	var texts []string
	for _, delivery := range deliveries {
		texts = append(texts, string(delivery.Body))
	}
	return texts
}

// get polls until a message is there.
func get(ch channel, name string) (amqp.Delivery, error) {
	for deadline := time.Now().Add(cases.Wait); time.Now().Before(deadline); {
		delivery, ok, err := ch.Get(name, false)
		if err != nil || ok {
			return delivery, err
		}
	}
	return amqp.Delivery{}, fmt.Errorf("no message came from %s", name)
}

func checkDeath(headers amqp.Table, name, reason string) error {
	deaths, ok := headers["x-death"].([]any)
	if !ok || len(deaths) == 0 {
		return fmt.Errorf("no x-death in %v", headers)
	}
	death, _ := deaths[0].(amqp.Table)
	return cases.First(
		cases.Equal(death["queue"], name, "x-death queue"),
		cases.Equal(death["reason"], reason, "x-death reason"),
		cases.Equal(death["count"], int64(1), "x-death count"),
		cases.Equal(death["exchange"], "", "x-death exchange"),
		cases.Equal(death["routing-keys"], []any{name}, "x-death routing-keys"),
	)
}

func declare(ch channel) error {
	err := cases.First(
		ch.ExchangeDeclare("s.topic", "topic", true, false, false, false, nil),
		queue(ch, "s.declare", nil),
		ch.QueueBind("s.declare", "#.end", "s.topic", false, nil),
		send(ch, "s.topic", "a.b.middle", text("miss")),
		send(ch, "s.topic", "a.b.end", text("hit")),
	)
	if err != nil {
		return err
	}
	got, err := take(ch, "s.declare", 1)
	if err = cases.First(err, cases.Equal(bodies(got), []string{"hit"}, "routed by topic")); err != nil {
		return err
	}
	_, err = ch.QueueDelete("s.declare", false, false, false)
	return cases.First(err, ch.ExchangeDelete("s.topic", false, false))
}

func declareConflict(ch channel) error {
	if err := queue(ch, "s.conflict", nil); err != nil {
		return err
	}
	_, err := ch.QueueDeclare("s.conflict", false, false, false, false, nil)
	return code(err, amqp.PreconditionFailed)
}

func code(err error, wanted int) error {
	failure, ok := err.(*amqp.Error)
	if !ok {
		return fmt.Errorf("got %v, wanted error %d", err, wanted)
	}
	return cases.Equal(failure.Code, wanted, "error code")
}

func publishWithConfirms(ch channel) error {
	if err := cases.First(ch.Confirm(false), queue(ch, "s.confirms", nil)); err != nil {
		return err
	}
	var wanted []string
	var confirms []*amqp.DeferredConfirmation
	for number := 0; number < 200; number++ {
		wanted = append(wanted, strconv.Itoa(number))
		confirm, err := ch.PublishWithDeferredConfirmWithContext(
			context.Background(), "", "s.confirms", false, false, text(strconv.Itoa(number)))
		if err != nil {
			return err
		}
		confirms = append(confirms, confirm)
	}
	for _, confirm := range confirms {
		if !confirm.Wait() {
			return fmt.Errorf("message %d was refused", confirm.DeliveryTag)
		}
	}
	got, err := take(ch, "s.confirms", 200)
	return cases.First(err, cases.Equal(bodies(got), wanted, "order of 200 messages"))
}

func consumeWithAcks(ch channel) error {
	if err := cases.First(ch.Qos(5, 0, false), queue(ch, "s.acks", nil)); err != nil {
		return err
	}
	for number := 0; number < 10; number++ {
		if err := send(ch, "", "s.acks", text("x")); err != nil {
			return err
		}
	}
	if _, err := take(ch, "s.acks", 10); err != nil {
		return err
	}
	left, err := ch.QueueDeclarePassive("s.acks", true, false, false, false, nil)
	return cases.First(err, cases.Equal(left.Messages, 0, "messages left"))
}

func reject(ch channel) error {
	if err := cases.First(queue(ch, "s.reject", nil), send(ch, "", "s.reject", text("x"))); err != nil {
		return err
	}
	one, err := get(ch, "s.reject")
	if err = cases.First(err, one.Reject(true)); err != nil {
		return err
	}
	again, err := get(ch, "s.reject")
	if err = cases.First(err, cases.Equal(again.Redelivered, true, "redelivered"), again.Reject(false)); err != nil {
		return err
	}
	_, ok, err := ch.Get("s.reject", false)
	return cases.First(err, cases.Equal(ok, false, "a message after the final reject"))
}

func deadLetter(ch channel) error {
	arguments := amqp.Table{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.dead"}
	err := cases.First(queue(ch, "s.dead", nil), queue(ch, "s.alive", arguments), send(ch, "", "s.alive", text("bad")))
	if err != nil {
		return err
	}
	one, err := get(ch, "s.alive")
	if err = cases.First(err, one.Nack(false, false)); err != nil {
		return err
	}
	dead, err := get(ch, "s.dead")
	return cases.First(err, checkDeath(dead.Headers, "s.alive", "rejected"))
}

func ttl(ch channel) error {
	arguments := amqp.Table{
		"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.expired", "x-message-ttl": int32(60),
	}
	err := cases.First(queue(ch, "s.expired", nil), queue(ch, "s.ttl", arguments), send(ch, "", "s.ttl", text("late")))
	if err != nil {
		return err
	}
	late, err := get(ch, "s.expired")
	return cases.First(err, checkDeath(late.Headers, "s.ttl", "expired"))
}

func priorities(ch channel) error {
	if err := cases.First(ch.Confirm(false), queue(ch, "s.priority", amqp.Table{"x-max-priority": int32(5)})); err != nil {
		return err
	}
	for _, priority := range []uint8{1, 5, 3} {
		message := text(strconv.Itoa(int(priority)))
		message.Priority = priority
		confirm, err := ch.PublishWithDeferredConfirmWithContext(context.Background(), "", "s.priority", false, false, message)
		if err != nil {
			return err
		}
		confirm.Wait()
	}
	got, err := take(ch, "s.priority", 3)
	return cases.First(err, cases.Equal(bodies(got), []string{"5", "3", "1"}, "order by priority"))
}

func transactions(ch channel) error {
	err := cases.First(
		queue(ch, "s.tx", nil),
		ch.Tx(),
		send(ch, "", "s.tx", text("gone")),
		ch.TxRollback(),
		send(ch, "", "s.tx", text("kept")),
	)
	if err != nil {
		return err
	}
	before, err := ch.QueueDeclarePassive("s.tx", true, false, false, false, nil)
	if err = cases.First(err, cases.Equal(before.Messages, 0, "visible before commit"), ch.TxCommit()); err != nil {
		return err
	}
	one, err := get(ch, "s.tx")
	return cases.First(err, cases.Equal(string(one.Body), "kept", "committed body"), one.Ack(false), ch.TxCommit())
}

func mandatoryReturn(ch channel) error {
	returns := ch.NotifyReturn(make(chan amqp.Return, 1))
	err := ch.PublishWithContext(context.Background(), "", "s.nowhere", true, false, text("back"))
	if err != nil {
		return err
	}
	select {
	case back := <-returns:
		return cases.First(cases.Equal(back.ReplyCode, uint16(312), "reply code"), cases.Equal(string(back.Body), "back", "body"))
	case <-time.After(cases.Wait):
		return fmt.Errorf("nothing came back")
	}
}

func consumerCancelled(ch channel) error {
	if err := queue(ch, "s.cancelled", nil); err != nil {
		return err
	}
	cancels := ch.NotifyCancel(make(chan string, 1))
	if _, err := ch.Consume("s.cancelled", "watched", false, false, false, false, nil); err != nil {
		return err
	}
	if _, err := ch.QueueDelete("s.cancelled", false, false, false); err != nil {
		return err
	}
	select {
	case tag := <-cancels:
		return cases.Equal(tag, "watched", "cancelled consumer")
	case <-time.After(cases.Wait):
		return fmt.Errorf("no cancel came")
	}
}

// publisher keeps a connection with confirms and makes a new one when it is lost.
type publisher struct {
	connection *amqp.Connection
	channel    channel
}

func (p *publisher) connect() error {
	connection, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	p.connection = connection
	if p.channel, err = connection.Channel(); err != nil {
		return err
	}
	return p.channel.Confirm(false)
}

func (p *publisher) publish(number int) bool {
	lost := p.channel.NotifyClose(make(chan *amqp.Error, 1))
	confirm, err := p.channel.PublishWithDeferredConfirmWithContext(
		context.Background(), "", "s.kept", false, false, text(strconv.Itoa(number)))
	if err != nil {
		return false
	}
	select {
	case <-confirm.Done():
		return confirm.Acked()
	case <-lost:
		// The client marks what is open as refused when its connection goes: only an ack counts.
		return false
	}
}

func reconnectAfterKill(ch channel) error {
	sender := &publisher{}
	if err := queue(ch, "s.kept", nil); err != nil {
		return err
	}
	confirmed, err := cases.KeepOverKill(sender.connect, sender.publish)
	if err != nil {
		return err
	}
	reader := &publisher{}
	if err := reader.connect(); err != nil {
		return err
	}
	left, err := reader.channel.QueueDeclarePassive("s.kept", true, false, false, false, nil)
	if err != nil {
		return err
	}
	got, err := take(reader.channel, "s.kept", left.Messages)
	return cases.First(err, cases.NoneLost(confirmed, bodies(got)))
}

func attempt(run func(channel) error) error {
	connection, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	defer connection.Close()
	ch, err := connection.Channel()
	if err != nil {
		return err
	}
	return run(ch)
}

func main() {
	cases.Run([]func(channel) error{
		declare, declareConflict, publishWithConfirms, consumeWithAcks, reject, deadLetter, ttl, priorities, transactions,
		mandatoryReturn, consumerCancelled, reconnectAfterKill,
	}, attempt)
}
