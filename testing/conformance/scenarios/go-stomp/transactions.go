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

// transactionalAcks count when they are committed, and not when they are aborted.
func transactionalAcks(p *peers) error {
	for _, end := range []func(*stomp.Transaction) error{
		(*stomp.Transaction).AbortWithReceipt, (*stomp.Transaction).CommitWithReceipt,
	} {
		connection, err := p.connect()
		if err != nil {
			return err
		}
		if err := send(connection, "/queue/s.txack", "x"); err != nil {
			return err
		}
		subscription, err := connection.Subscribe("/queue/s.txack", stomp.AckClientIndividual)
		if err != nil {
			return err
		}
		got, err := take(subscription, 1)
		if err != nil {
			return err
		}
		transaction := connection.Begin()
		err = cases.First(
			transaction.Ack(got[0]),
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
	connection, err := p.connect()
	if err != nil {
		return err
	}
	if err := send(connection, "/queue/s.txnack", "x"); err != nil {
		return err
	}
	subscription, err := connection.Subscribe("/queue/s.txnack", stomp.AckClientIndividual)
	if err != nil {
		return err
	}
	got, err := take(subscription, 1)
	if err != nil {
		return err
	}
	transaction := connection.Begin()
	err = cases.First(transaction.Nack(got[0]), nothing(connection, subscription), transaction.CommitWithReceipt())
	if err != nil {
		return err
	}
	got, err = expect(subscription, "after the commit", "x")
	return cases.First(err, cases.Equal(got[0].Header.Get("redelivered"), "true", "redelivered"))
}
