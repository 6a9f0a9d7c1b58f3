'use strict';
// An application over amqplib (Node). Prints one line per case; see ../cases.js for the talk with the harness.

const amqplib = require('amqplib');
const assert = require('node:assert/strict');
const { once } = require('node:events');

const { attempt, killBroker, play, within } = require('../cases.js');

const URL = process.env.AMQP_URL;
const KEPT_MESSAGES = 300;
const WAIT_MS = 10_000;


/** Connects; errors of the connection are left to the calls that meet them. */
async function connect() {
  const connection = await amqplib.connect(URL);
  connection.on('error', () => {});
  return connection;
}

async function newChannel(connection, kind = 'createChannel') {
  const channel = await connection[kind]();
  channel.on('error', (error) => { channel.failure = error; });
  return channel;
}

/** Consumes `count` messages and acknowledges each. */
async function take(channel, queue, count) {
  const got = [];
  if (count === 0) return got;
  let tag;
  await within(new Promise((resolve, reject) => {
    channel.consume(queue, (message) => {
      if (message === null) return reject(new Error(`the consumer of ${queue} was cancelled`));
      channel.ack(message);
      got.push(message);
      if (got.length === count) resolve();
      return undefined;
    }).then((ok) => { tag = ok.consumerTag; }, reject);
  }), `taking ${count} messages from ${queue}`);
  await channel.cancel(tag);
  return got;
}

const texts = (messages) => messages.map((message) => message.content.toString());

function checkDeath(message, queue, reason) {
  const [death] = message.properties.headers['x-death'];
  assert.deepEqual(
    { queue: death.queue, reason: death.reason, count: death.count, exchange: death.exchange, keys: death['routing-keys'] },
    { queue, reason, count: 1, exchange: '', keys: [queue] },
  );
  assert.equal(message.properties.headers['x-first-death-queue'], queue);
}

async function declare(channel) {
  await channel.assertExchange('s.direct', 'direct');
  const { messageCount } = await channel.assertQueue('s.declare');
  assert.equal(messageCount, 0);
  await channel.bindQueue('s.declare', 's.direct', 'k');
  channel.publish('s.direct', 'other', Buffer.from('miss'));
  channel.publish('s.direct', 'k', Buffer.from('hit'));
  assert.deepEqual(texts(await take(channel, 's.declare', 1)), ['hit']);
  await channel.unbindQueue('s.declare', 's.direct', 'k');
  await channel.purgeQueue('s.declare');
  await channel.deleteQueue('s.declare', { ifEmpty: true, ifUnused: true });
  await channel.deleteExchange('s.direct');
}

async function serverNamedQueue(channel) {
  const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
  assert.match(queue, /^amq\.gen-/);
}

async function passiveMissing(channel) {
  await assert.rejects(channel.checkQueue('s.missing'), (error) => error.code === 404);
}

async function publishWithConfirms(_, connection) {
  const channel = await newChannel(connection, 'createConfirmChannel');
  await channel.assertQueue('s.confirms', { durable: true });
  for (let number = 0; number < 200; number += 1) {
    channel.sendToQueue('s.confirms', Buffer.from(String(number)), { persistent: true });
  }
  await within(channel.waitForConfirms(), 'the confirms');
  const got = texts(await take(channel, 's.confirms', 200));
  assert.deepEqual(got, Array.from({ length: 200 }, (_unused, number) => String(number)));
}

async function consumeWithAcks(channel) {
  await channel.assertQueue('s.acks');
  await channel.prefetch(2);
  for (let number = 0; number < 8; number += 1) channel.sendToQueue('s.acks', Buffer.from(String(number)));
  const got = [];
  let highest = 0;
  await within(new Promise((resolve) => {
    channel.consume('s.acks', (message) => {
      got.push(message);
      highest = Math.max(highest, got.length);
      if (got.length === 2) setImmediate(() => resolve());
    });
  }), 'the first window');
  assert.equal(highest, 2);
  channel.ackAll();
}

async function noAck(channel) {
  await channel.assertQueue('s.noack');
  for (let number = 0; number < 5; number += 1) channel.sendToQueue('s.noack', Buffer.from('x'));
  let count = 0;
  await within(new Promise((resolve) => {
    channel.consume('s.noack', () => { count += 1; if (count === 5) resolve(); }, { noAck: true });
  }), 'five messages without acks');
  assert.equal((await channel.checkQueue('s.noack')).messageCount, 0);
}

async function rejectAndRequeue(channel) {
  await channel.assertQueue('s.reject');
  channel.sendToQueue('s.reject', Buffer.from('x'));
  let message;
  while (!(message = await channel.get('s.reject'))) ;
  channel.nack(message, false, true);
  const again = await channel.get('s.reject');
  assert.equal(again.fields.redelivered, true);
  channel.reject(again, false);
  assert.equal(await channel.get('s.reject'), false);
}

async function deadLetter(channel) {
  await channel.assertQueue('s.dead');
  await channel.assertQueue('s.alive', { deadLetterExchange: '', deadLetterRoutingKey: 's.dead' });
  channel.sendToQueue('s.alive', Buffer.from('bad'));
  let message;
  while (!(message = await channel.get('s.alive'))) ;
  channel.reject(message, false);
  const [dead] = await take(channel, 's.dead', 1);
  checkDeath(dead, 's.alive', 'rejected');
}

async function ttl(channel) {
  await channel.assertQueue('s.expired');
  await channel.assertQueue('s.ttl', { messageTtl: 60, deadLetterExchange: '', deadLetterRoutingKey: 's.expired' });
  channel.sendToQueue('s.ttl', Buffer.from('late'));
  const [expired] = await take(channel, 's.expired', 1);
  checkDeath(expired, 's.ttl', 'expired');
}

async function queueExpires(channel, connection) {
  await channel.assertQueue('s.shortlived', { expires: 100 });
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    // A look counts as use and starts the time anew, so look less often than the queue lives.
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    const looker = await newChannel(connection);
    try {
      await looker.checkQueue('s.shortlived');
    } catch (error) {
      assert.equal(error.code, 404);
      return;
    }
    assert.ok(Date.now() < deadline, 'the unused queue is still there');
    await looker.close();
  }
}

async function priorities(_, connection) {
  const channel = await newChannel(connection, 'createConfirmChannel');
  await channel.assertQueue('s.priority', { maxPriority: 5 });
  for (const priority of [1, 4, 2]) channel.sendToQueue('s.priority', Buffer.from(String(priority)), { priority });
  await channel.waitForConfirms();
  assert.deepEqual(texts(await take(channel, 's.priority', 3)), ['4', '2', '1']);
}

async function mandatoryReturn(channel) {
  const returned = within(once(channel, 'return'), 'the return');
  channel.publish('', 's.nowhere', Buffer.from('back'), { mandatory: true });
  const [message] = await returned;
  assert.equal(message.fields.replyCode, 312);
  assert.equal(message.content.toString(), 'back');
}

async function consumerCancelled(channel, connection) {
  await channel.assertQueue('s.cancelled');
  const cancelled = new Promise((resolve) => {
    channel.consume('s.cancelled', (message) => { if (message === null) resolve(); });
  });
  await (await newChannel(connection)).deleteQueue('s.cancelled');
  await within(cancelled, 'the notice that the consumer is gone');
}

async function headersRoundTrip(channel) {
  await channel.assertQueue('s.headers');
  const headers = { flag: true, text: 'x', small: 1, big: 2 ** 40, float: 1.5, list: [1, 'a'], table: { k: null } };
  channel.sendToQueue('s.headers', Buffer.from(''), { headers, contentType: 'a/b', correlationId: 'c', timestamp: 1700000000 });
  const [message] = await take(channel, 's.headers', 1);
  assert.deepEqual({ ...message.properties.headers, table: { ...message.properties.headers.table } }, headers);
  assert.equal(message.properties.contentType, 'a/b');
  assert.equal(message.properties.timestamp, 1700000000);
}

async function badVhost() {
  await assert.rejects(amqplib.connect(URL.replace('%2f', 'no-such-vhost')), /NOT_ALLOWED|530|ConnectionClose/);
}

async function badPassword() {
  await assert.rejects(amqplib.connect(URL.replace('guest:guest', 'guest:wrong')), /403|ACCESS|REFUSED|closed/i);
}

async function reconnectAfterKill() {
  let connection = await connect();
  let channel = await newChannel(connection, 'createConfirmChannel');
  await channel.assertQueue('s.kept', { durable: true });
  const confirmed = [];
  let number = 0;
  let restarted = null;
  while (confirmed.length < KEPT_MESSAGES) {
    number += 1;
    const mine = number;
    try {
      await new Promise((resolve, reject) => {
        channel.on('close', reject);
        channel.sendToQueue('s.kept', Buffer.from(String(mine)), { persistent: true }, (error) => {
          channel.off('close', reject);
          if (error) reject(error); else resolve();
        });
      });
      confirmed.push(mine);
    } catch {
      await restarted;
      connection = await connect();
      channel = await newChannel(connection, 'createConfirmChannel');
    }
    if (confirmed.length === KEPT_MESSAGES / 2 && restarted === null) {
      restarted = killBroker();
    }
  }
  await restarted;
  await connection.close();
  const fresh = await connect();
  const reader = await newChannel(fresh);
  const { messageCount } = await reader.checkQueue('s.kept');
  const got = new Set(texts(await take(reader, 's.kept', messageCount)).map(Number));
  assert.deepEqual(confirmed.filter((one) => !got.has(one)), [], 'confirmed messages lost');
  await fresh.close();
}

const CASES = [
  declare, serverNamedQueue, passiveMissing, publishWithConfirms, consumeWithAcks, noAck, rejectAndRequeue, deadLetter, ttl,
  queueExpires, priorities, mandatoryReturn, consumerCancelled, headersRoundTrip, badVhost, badPassword, reconnectAfterKill,
];

async function main() {
  for (const run of CASES) {
    const connection = await connect();
    await attempt(run.name, async () => run(await newChannel(connection), connection));
    await connection.close().catch(() => {});
  }
}

play(main);
