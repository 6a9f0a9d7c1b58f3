'use strict';
// An application over rhea (Node, AMQP 1.0) with RabbitMQ's addresses, with amqplib at the other end of one conversation.
// Prints one line per case; see ../cases.js for the talk with the harness.

const amqplib = require('amqplib');
const rhea = require('rhea');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');

const { attempt, killBroker, play, within } = require('../cases.js');

const LOGIN = { username: 'guest', password: 'guest' };
const PLAIN = { host: '127.0.0.1', port: 5672, ...LOGIN };
/** Who waits for the outcome of a delivery, by its number, of each sender. */
const waiting = new WeakMap();
let named = 0;

const name = (what) => `rhea ${what} ${process.hrtime.bigint()} ${(named += 1)}`;
const queueAddress = (queue) => `/queues/${encodeURIComponent(queue)}`;

/** Waits for an event of a link, session or connection; an error of it fails the wait. */
async function next(emitter, event, ...errors) {
  const abort = new AbortController();
  const failed = errors.map(async (error) => {
    const [context] = await once(emitter, error, { signal: abort.signal });
    const subject = context.sender ?? context.receiver ?? context.connection;
    throw Object.assign(new Error(String(subject.error?.description ?? error)), { condition: subject.error?.condition });
  });
  try {
    const wanted = once(emitter, event, { signal: abort.signal });
    const all = [wanted, ...failed];
    all.forEach((promise) => promise.catch(() => {}));
    const [context] = await within(Promise.race(all), event);
    return context;
  } finally {
    abort.abort();
  }
}

/** A connection that is open. */
async function connect(options = {}) {
  const container = rhea.create_container();
  // An error that a link has no listener for ends the process otherwise.
  container.on('error', () => {});
  const connection = container.connect({ ...PLAIN, reconnect: false, ...options });
  await next(connection, 'connection_open', 'connection_error', 'disconnected');
  return connection;
}

async function within_connection(run, options) {
  const connection = await connect(options);
  try {
    await run(connection);
  } finally {
    connection.close();
    await next(connection, 'connection_close');
  }
}

/** A sender that may send; without a target each message says where it goes. */
async function sender(connection, target = {}) {
  const link = connection.open_sender({ target, autosettle: true });
  waiting.set(link, new Map());
  for (const event of ['accepted', 'rejected', 'released', 'modified']) {
    link.on(event, ({ delivery }) => waiting.get(link).get(delivery.id)?.(event));
  }
  await next(link, 'sendable', 'sender_error');
  return link;
}

/** A receiver without credit: messages are asked for one by one. */
async function receiver(connection, source, options = {}) {
  const link = connection.open_receiver({ source, credit_window: 0, autoaccept: false, ...options });
  await next(link, 'receiver_open', 'receiver_error');
  return link;
}

async function take(link) {
  link.add_credit(1);
  return next(link, 'message', 'receiver_error');
}

/** Sends a message and gives the outcome's name. */
function outcome(link, message) {
  const told = new Promise((resolve) => {
    waiting.get(link).set(link.send(message).id, resolve);
  });
  return within(told, 'the outcome');
}

/** A queue, declared over another protocol. */
async function declared(channel, what, options = {}) {
  const queue = name(what);
  await channel.assertQueue(queue, { durable: true, ...options });
  return queue;
}

async function sendAndReceive(channel) {
  const queue = await declared(channel, 'plain');
  await within_connection(async (connection) => {
    const sending = await sender(connection, queueAddress(queue));
    for (const body of ['text', '', 'é € 😀', 5, true, { a: 1 }, [1, 'two'], Buffer.from([0, 255])]) {
      assert.equal(await outcome(sending, { body, durable: true, message_id: 7, subject: 's', application_properties: { n: 3, t: 'x' } }), 'accepted');
    }
    const receiving = await receiver(connection, queueAddress(queue));
    for (const body of ['text', '', 'é € 😀', 5, true, { a: 1 }, [1, 'two'], Buffer.from([0, 255])]) {
      const { message, delivery } = await take(receiving);
      assert.deepEqual(message.body, body);
      assert.equal(message.durable, true);
      assert.equal(message.message_id, 7);
      assert.equal(message.subject, 's');
      assert.deepEqual(message.application_properties, { n: 3, t: 'x' });
      delivery.accept();
    }
  });
  assert.equal((await channel.checkQueue(queue)).messageCount, 0);
}

async function outcomesOfSenders(channel) {
  const queue = await declared(channel, 'full', { maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } });
  await within_connection(async (connection) => {
    const sending = await sender(connection, queueAddress(queue));
    assert.equal(await outcome(sending, { body: 'fits' }), 'accepted');
    assert.equal(await outcome(sending, { body: 'too many' }), 'rejected');
    const nobody = await sender(connection, '/exchanges/amq.direct/nobody');
    assert.equal(await outcome(nobody, { body: 'nobody' }), 'released');
    const any = await sender(connection);
    await channel.purgeQueue(queue);
    assert.equal(await outcome(any, { to: queueAddress(queue), body: 'addressed' }), 'accepted');
  });
}

async function outcomesOfReceivers(channel) {
  const dead = await declared(channel, 'dead');
  const queue = await declared(channel, 'outcomes', { deadLetterExchange: '', deadLetterRoutingKey: dead });
  await within_connection(async (connection) => {
    const sending = await sender(connection, queueAddress(queue));
    await outcome(sending, { body: 'one' });
    const receiving = await receiver(connection, queueAddress(queue));
    (await take(receiving)).delivery.release();
    const again = await take(receiving);
    assert.equal(again.message.delivery_count, 0);
    again.delivery.modified({ delivery_failed: true, message_annotations: { 'x-opt-why': 'later' } });
    const counted = await take(receiving);
    assert.equal(counted.message.delivery_count, 1);
    assert.equal(counted.message.message_annotations['x-opt-why'], 'later');
    counted.delivery.reject();
    const buried = await take(await receiver(connection, queueAddress(dead)));
    assert.equal(buried.message.body, 'one');
    buried.delivery.accept();
  });
}

async function creditAndDrain(channel) {
  const queue = await declared(channel, 'credit');
  await within_connection(async (connection) => {
    const sending = await sender(connection, queueAddress(queue));
    for (let i = 0; i < 3; i += 1) {
      assert.equal(await outcome(sending, { body: i }), 'accepted');
    }
    const receiving = await receiver(connection, queueAddress(queue), { autoaccept: true });
    const got = [];
    receiving.on('message', ({ message }) => got.push(message.body));
    receiving.drain_credit();
    receiving.add_credit(10);
    await next(receiving, 'receiver_drained');
    assert.deepEqual(got, [0, 1, 2]);
    assert.equal(receiving.credit, 0);
  });
}

async function requestReply(channel) {
  const requests = await declared(channel, 'requests');
  await within_connection(async (server) => {
    await within_connection(async (client) => {
      const serving = server.open_receiver({ source: queueAddress(requests), credit_window: 10 });
      const answering = await sender(server);
      serving.on('message', ({ message }) => {
        answering.send({ to: message.reply_to, correlation_id: message.message_id, body: `re: ${message.body}` });
      });
      const answers = await receiver(client, { dynamic: true });
      const asking = await sender(client, queueAddress(requests));
      asking.send({ body: 'why', message_id: 'q1', reply_to: answers.source.address });
      const { message, delivery } = await take(answers);
      assert.equal(message.body, 're: why');
      assert.equal(message.correlation_id, 'q1');
      delivery.accept();
    });
  });
}

async function otherProtocol(channel) {
  const queue = await declared(channel, 'crossing');
  await within_connection(async (connection) => {
    const receiving = await receiver(connection, queueAddress(queue));
    channel.sendToQueue(queue, Buffer.from('from 0-9-1'), { messageId: 'm', headers: { n: 3 } });
    const { message, delivery } = await take(receiving);
    assert.equal(message.body.content.toString(), 'from 0-9-1');
    assert.equal(message.message_id, 'm');
    assert.equal(message.application_properties.n, 3);
    delivery.accept();
    receiving.close();
    await next(receiving, 'receiver_close');
    const sending = await sender(connection, queueAddress(queue));
    await outcome(sending, { body: rhea.message.data_section(Buffer.from('from 1.0')), message_id: 'n' });
    const got = await channel.get(queue, { noAck: true });
    assert.equal(got.content.toString(), 'from 1.0');
    assert.equal(got.properties.messageId, 'n');
  });
}

async function large(channel) {
  const queue = await declared(channel, 'large');
  await within_connection(async (connection) => {
    const sending = await sender(connection, queueAddress(queue));
    const receiving = await receiver(connection, queueAddress(queue));
    for (const size of [0, 100_000, 5_000_000]) {
      const body = rhea.message.data_section(Buffer.alloc(size, 7));
      assert.equal(await outcome(sending, { body }), 'accepted');
      const { message, delivery } = await take(receiving);
      assert.equal(message.body.content.length, size);
      delivery.accept();
    }
  });
}

async function refusals() {
  await assert.rejects(connect({ password: 'wrong' }));
  await within_connection(async (connection) => {
    const link = connection.open_receiver({ source: queueAddress(name('none')), credit_window: 0 });
    const { receiver: refused } = await next(link, 'receiver_error');
    assert.equal(refused.error.condition, 'amqp:not-found');
  });
}

async function secured(channel) {
  const queue = await declared(channel, 'tls');
  const tls = { host: 'localhost', port: 5671, transport: 'tls', ca: [fs.readFileSync(process.env.TLS_CA)], servername: 'localhost' };
  await within_connection(async (connection) => {
    const sending = await sender(connection, queueAddress(queue));
    assert.equal(await outcome(sending, { body: 'secret' }), 'accepted');
  }, tls);
  assert.equal((await channel.checkQueue(queue)).messageCount, 1);
}

/** The client connects again by itself, with its links; what was accepted comes. */
async function recovery(channel) {
  const queue = await declared(channel, 'recovery');
  const connection = await connect({ reconnect: true, initial_reconnect_delay: 20, max_reconnect_delay: 200 });
  const sending = await sender(connection, queueAddress(queue));
  for (let i = 0; i < 50; i += 1) {
    assert.equal(await outcome(sending, { body: i, durable: true }), 'accepted');
  }
  const lost = once(connection, 'disconnected');
  const back = once(sending, 'sendable');
  await killBroker();
  await within(lost, 'the loss of the connection');
  await within(back, 'the return of the sender');
  assert.equal(await outcome(sending, { body: 50, durable: true }), 'accepted');
  const missing = new Set(Array.from({ length: 51 }, (_, i) => i));
  const receiving = await receiver(connection, queueAddress(queue));
  while (missing.size > 0) {
    const { message, delivery } = await take(receiving);
    missing.delete(message.body);
    delivery.accept();
  }
  connection.close();
  await next(connection, 'connection_close');
}

/** The older reference does not know AMQP 1.0 without a plugin. */
async function isThere() {
  const probe = net.connect(PLAIN.port, PLAIN.host);
  try {
    probe.write(Buffer.from('AMQP\x03\x01\x00\x00', 'latin1'));
    const [answer] = await within(once(probe, 'data'), 'the greeting');
    return answer[4] === 3;
  } finally {
    probe.destroy();
  }
}

async function main() {
  if (!(await isThere())) {
    console.log('skipped all: no AMQP 1.0 here');
    return;
  }
  const connection = await amqplib.connect(process.env.AMQP_URL);
  // It goes with the broker that is killed.
  connection.on('error', () => {});
  const channel = await connection.createChannel();
  await attempt('bodies and properties', () => sendAndReceive(channel));
  await attempt('outcomes that senders are told', () => outcomesOfSenders(channel));
  await attempt('outcomes that receivers give', () => outcomesOfReceivers(channel));
  await attempt('credit and drain', () => creditAndDrain(channel));
  await attempt('request and reply', () => requestReply(channel));
  await attempt('amqplib at the other end', () => otherProtocol(channel));
  await attempt('large messages', () => large(channel));
  await attempt('refusals', () => refusals());
  await attempt('over TLS', () => secured(channel));
  await attempt('the client comes back after kill -9', () => recovery(channel));
}

play(main);
