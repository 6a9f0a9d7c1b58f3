package main

import (
	"github.com/go-stomp/stomp/v3"

	"ternmq.invalid/conformance/cases"
)

func transactions(p *peers) error {
	sender, reader, err := p.pair()
	if err != nil {
		return err
	}
	subscription, err := subscribe(reader, "/queue/s.tx", stomp.AckAuto)
	if err != nil {
		return err
	}
	gone := sender.Begin()
	if err := cases.First(gone.Send("/queue/s.tx", "", []byte("gone")), gone.AbortWithReceipt()); err != nil {
		return err
	}
	kept := sender.Begin()
	err = cases.First(
		kept.Send("/queue/s.tx", "", []byte("one"), persistent),
		kept.Send("/queue/s.tx", "", []byte("two"), persistent),
		settled(sender),
		nothing(reader, subscription),
		kept.CommitWithReceipt(),
	)
	if err != nil {
		return err
	}
	_, err = expect(subscription, "committed", "one", "two")
	return err
}

// holding makes a connection that has a message of its own, `x`, without having acknowledged it.
func (p *peers) holding(queue string) (*stomp.Conn, *stomp.Subscription, *stomp.Message, error) {
	connection, err := p.connect()
	if err != nil {
		return nil, nil, nil, err
	}
	if err := send(connection, queue, "x"); err != nil {
		return nil, nil, nil, err
	}
	subscription, err := connection.Subscribe(queue, stomp.AckClientIndividual)
	if err != nil {
		return nil, nil, nil, err
	}
	got, err := take(subscription, 1)
	if err != nil {
		return nil, nil, nil, err
	}
	return connection, subscription, got[0], nil
}

// transactionalAcks count when they are committed, and not when they are aborted.
func transactionalAcks(p *peers) error {
	for _, end := range []func(*stomp.Transaction) error{
		(*stomp.Transaction).AbortWithReceipt, (*stomp.Transaction).CommitWithReceipt,
	} {
		connection, _, got, err := p.holding("/queue/s.txack")
		if err != nil {
			return err
		}
		transaction := connection.Begin()
		err = cases.First(
			transaction.Ack(got),
			transaction.Send("/queue/s.answers", "", []byte("answer"), persistent),
			end(transaction),
			connection.Disconnect(),
		)
		if err != nil {
			return err
		}
	}
	// Two came, one was acknowledged; one answer was sent.
	acked, err := p.depth("s.txack")
	if err = cases.First(err, cases.Equal(acked, 1, "messages left")); err != nil {
		return err
	}
	answers, err := p.depth("s.answers")
	return cases.First(err, cases.Equal(answers, 1, "answers"))
}

func nackInATransaction(p *peers) error {
	connection, subscription, held, err := p.holding("/queue/s.txnack")
	if err != nil {
		return err
	}
	transaction := connection.Begin()
	err = cases.First(transaction.Nack(held), nothing(connection, subscription), transaction.CommitWithReceipt())
	if err != nil {
		return err
	}
	got, err := expect(subscription, "after the commit", "x")
	if err != nil {
		return err
	}
	return cases.Equal(got[0].Header.Get("redelivered"), "true", "redelivered")
}
