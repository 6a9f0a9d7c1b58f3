'use strict';
// An application over MQTT.js (Node) on each transport and in both versions, with amqplib at the other end of some
// conversations. Prints one line per case; see ../cases.js for the talk with the harness.

const amqplib = require('amqplib');
const mqtt = require('mqtt');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');

const { attempt, isServed, killBroker, play, within } = require('../cases.js');

const TRANSPORTS = {
  tcp: 'mqtt://localhost:1883',
  tls: 'mqtts://localhost:8883',
  ws: 'ws://localhost:61618/ws',
  wss: 'wss://localhost:61619/ws',
};
const VERSIONS = { '3.1.1': 4, 5: 5 };
const KEPT_S = 1000;
const KEPT_MESSAGES = 100;

const byText = (a, b) => (a < b ? -1 : 1);

/** A client that keeps what comes until it is asked for. */
class Client {
  static all = new Set();

  /** Connects; gives the client once the broker has answered. */
  static async enter(way, id, options = {}) {
    const client = new Client(way, id, options);
    await within(client.greeted, `CONNACK of ${id}`);
    return client;
  }

  constructor({ url, version }, id, { keep = false, ...more }) {
    this.messages = [];
    this.look = () => {};
    this.mqtt = mqtt.connect(url, {
      protocolVersion: version,
      clientId: id,
      username: 'guest',
      password: 'guest',
      reconnectPeriod: 0,
      clean: !keep,
      ca: fs.readFileSync(process.env.TLS_CA),
      ...(version === 5 && keep ? { properties: { sessionExpiryInterval: KEPT_S } } : {}),
      ...more,
    });
    Client.all.add(this);
    this.mqtt.on('message', (topic, body, packet) => {
      this.messages.push({ topic, body: body.toString(), qos: packet.qos, retain: packet.retain, properties: packet.properties });
      this.look();
    });
    // Lasting, for an error event that nobody listens to ends the process.
    this.greeted = new Promise((resolve, reject) => {
      this.mqtt.on('error', reject);
      this.mqtt.on('connect', resolve);
      this.mqtt.on('close', () => reject(new Error(`the connection of ${id} was closed`)));
    });
  }

  async subscribe(topics, options) {
    const granted = await within(this.mqtt.subscribeAsync(topics, options), 'SUBACK');
    return granted.map(({ qos }) => qos);
  }

  async publish(topic, body, options) {
    await within(this.mqtt.publishAsync(topic, body, options), `the acknowledgement of ${topic}`);
  }

  /** The next messages, in the order of their topics. */
  async take(count) {
    await within(new Promise((resolve) => {
      this.look = () => { if (this.messages.length >= count) resolve(); };
      this.look();
    }), `${count} messages`);
    return this.messages.splice(0).sort((a, b) => byText(a.topic, b.topic));
  }

  async facts(count) {
    return (await this.take(count)).map(({ topic, body, qos, retain }) => [topic, body, qos, retain]);
  }

  async leave() {
    Client.all.delete(this);
    await within(this.mqtt.endAsync(), 'the end');
  }

  /** Goes without a word. */
  async vanish() {
    Client.all.delete(this);
    const closed = once(this.mqtt, 'close');
    this.mqtt.stream.destroy();
    await within(closed, 'the loss of the connection');
  }
}

async function everyQos(way) {
  const reader = await Client.enter(way, 'q-reader');
  const writer = await Client.enter(way, 'q-writer');
  assert.deepEqual(await reader.subscribe({ 'q/+/x': { qos: 2 }, 'q/low/#': { qos: 0 } }), [2, 0]);
  for (const qos of [0, 1, 2]) await writer.publish(`q/${qos}/x`, `body ${qos}`, { qos });
  await writer.publish('q/low/y', 'x'.repeat(300_000), { qos: 2 });
  const [low, ...others] = (await reader.facts(4)).reverse();
  assert.deepEqual(others.reverse(), [0, 1, 2].map((qos) => [`q/${qos}/x`, `body ${qos}`, qos, false]));
  assert.deepEqual([low[0], low[1].length, low[2], low[3]], ['q/low/y', 300_000, 0, false]);
}

async function retained(way) {
  const writer = await Client.enter(way, 'r-writer');
  await writer.publish('r/a', 'old', { qos: 1, retain: true });
  await writer.publish('r/a', 'kept', { qos: 1, retain: true });
  await writer.publish('r/b', 'gone', { qos: 2, retain: true });
  await writer.publish('r/b', '', { qos: 1, retain: true });
  const reader = await Client.enter(way, 'r-reader');
  await reader.subscribe('r/#', { qos: 1 });
  assert.deepEqual(await reader.facts(1), [['r/a', 'kept', 1, true]]);
  await writer.publish('r/a', '', { qos: 1, retain: true });
  assert.deepEqual(await reader.facts(1), [['r/a', '', 1, false]]);
}

async function lastWill(way) {
  const reader = await Client.enter(way, 'w-reader');
  await reader.subscribe('w/#', { qos: 1 });
  const quiet = await Client.enter(way, 'w-quiet', { will: { topic: 'w/quiet', payload: 'never', qos: 1 } });
  await quiet.leave();
  const lost = await Client.enter(way, 'w-lost', { will: { topic: 'w/lost', payload: 'gone', qos: 1 } });
  await lost.vanish();
  assert.deepEqual(await reader.facts(1), [['w/lost', 'gone', 1, false]]);
}

async function keptSession(way) {
  const first = await Client.enter(way, 'kept', { keep: true });
  assert.equal((await first.greeted).sessionPresent, false);
  await first.subscribe('k/#', { qos: 2 });
  await first.leave();
  const writer = await Client.enter(way, 'k-writer');
  for (const qos of [0, 1, 2]) await writer.publish(`k/${qos}`, 'x', { qos });
  const second = await Client.enter(way, 'kept', { keep: true });
  assert.equal((await second.greeted).sessionPresent, true);
  assert.deepEqual(await second.facts(2), [['k/1', 'x', 1, false], ['k/2', 'x', 2, false]]);
  await second.leave();
  const fresh = await Client.enter(way, 'kept');
  assert.equal((await fresh.greeted).sessionPresent, false);
}

async function shared(way) {
  const members = [];
  for (const number of [1, 2, 3]) {
    const member = await Client.enter(way, `s-${number}`);
    assert.deepEqual(await member.subscribe('$share/group/s/#', { qos: 1 }), [1]);
    members.push(member);
  }
  const writer = await Client.enter(way, 's-writer');
  for (let number = 0; number < 30; number += 1) await writer.publish(`s/${number}`, String(number), { qos: 1 });
  const taken = [];
  for (const member of members) taken.push(...(await member.take(10)).map(({ body }) => Number(body)));
  assert.deepEqual(taken.sort((a, b) => a - b), Array.from({ length: 30 }, (_, number) => number));
}

async function withAmqp(way) {
  const connection = await amqplib.connect(process.env.AMQP_URL);
  try {
    const channel = await connection.createConfirmChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'amq.topic', 'plant.*.temperature');
    const arrived = new Promise((resolve) => { channel.consume(queue, resolve, { noAck: true }); });
    const client = await Client.enter(way, 'm-both');
    await client.subscribe('answers/#', { qos: 1 });
    const properties = { contentType: 'text/plain', responseTopic: 'answers/here', correlationData: Buffer.from('42'), userProperties: { unit: 'C' } };
    await client.publish('plant/7/temperature', '21', { qos: 1, ...(way.version === 5 ? { properties } : {}) });
    const message = await within(arrived, 'the message for AMQP');
    assert.deepEqual([message.fields.routingKey, message.content.toString()], ['plant.7.temperature', '21']);
    assert.equal(message.properties.deliveryMode, 2);
    if (way.version === 5) {
      const { contentType, correlationId, headers } = message.properties;
      assert.deepEqual([contentType, correlationId], ['text/plain', '42']);
      assert.deepEqual({ ...headers }, { unit: 'C', 'x-reply-to-topic': 'answers.here' });
    }
    channel.publish('amq.topic', 'answers.here', Buffer.from('thanks'), { correlationId: '42', headers: { ok: true }, persistent: true });
    await within(channel.waitForConfirms(), 'the confirm');
    const [answer] = await client.take(1);
    assert.deepEqual([answer.topic, answer.body, answer.qos], ['answers/here', 'thanks', 1]);
    if (way.version === 5) {
      assert.equal(answer.properties.correlationData.toString(), '42');
      assert.deepEqual({ ...answer.properties.userProperties }, { ok: 'true' });
    }
  } finally {
    await connection.close();
  }
}

async function refused(way) {
  const client = new Client(way, 'bad', { password: 'wrong' });
  await assert.rejects(within(client.greeted, 'the refusal'), (error) => error.code === (way.version === 5 ? 0x86 : 4));
}

/** Who does not trust the broker's CA does not even log in. */
async function distrust(way) {
  const client = new Client(way, 'distrust', { ca: undefined });
  await assert.rejects(within(client.greeted, 'the refusal'), (error) => error.code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
}

/** Clients that come back by themselves: each QoS 2 message arrives once though the broker is killed between them. */
async function outliveAKill() {
  const ways = Object.entries(TRANSPORTS).map(([name, url]) => ({ name, url, version: 5 }));
  const back = { keep: true, reconnectPeriod: 100 };
  const readers = [];
  const writers = [];
  for (const way of ways) {
    const reader = await Client.enter(way, `o-reader-${way.name}`, back);
    await reader.subscribe(`o/${way.name}/#`, { qos: 2 });
    readers.push(reader);
    writers.push(await Client.enter(way, `o-writer-${way.name}`, back));
  }
  let restarted = null;
  const sent = writers.map(async (writer, index) => {
    const { name } = ways[index];
    for (let number = 0; number < KEPT_MESSAGES; number += 1) {
      if (index === 0 && number === KEPT_MESSAGES / 2) restarted = killBroker();
      await writer.mqtt.publishAsync(`o/${name}/${number}`, String(number), { qos: 2 });
    }
    await writer.mqtt.publishAsync(`o/${name}/last`, 'last', { qos: 2 });
  });
  await Promise.all(sent);
  await restarted;
  for (const [index, reader] of readers.entries()) {
    const bodies = (await reader.take(KEPT_MESSAGES + 1)).map(({ body }) => body).sort();
    const wanted = Array.from({ length: KEPT_MESSAGES }, (_, number) => String(number)).concat('last').sort();
    assert.deepEqual(bodies, wanted, ways[index].name);
  }
}

function cases() {
  const list = [];
  for (const [name, url] of Object.entries(TRANSPORTS)) {
    for (const [shown, version] of Object.entries(VERSIONS)) {
      for (const run of [everyQos, retained, lastWill, keptSession, shared, withAmqp, refused]) {
        list.push([`${run.name} ${name} ${shown}`, () => run({ url, version })]);
      }
    }
  }
  for (const name of ['tls', 'wss']) list.push([`distrust ${name}`, () => distrust({ url: TRANSPORTS[name], version: 5 })]);
  list.push(['outliveAKill', outliveAKill]);
  return list;
}

async function main() {
  if (!await isServed(1883, 'MQTT')) return;
  for (const [name, run] of cases()) {
    await attempt(name, run);
    await Promise.allSettled([...Client.all].map((client) => client.mqtt.endAsync(true)));
    Client.all.clear();
  }
}

play(main);
