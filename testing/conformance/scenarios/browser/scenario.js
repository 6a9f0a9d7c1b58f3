'use strict';
// MQTT.js and stompjs in one page of Chromium over wss, with amqplib at the other end. The browser verifies the broker's
// certificate, which leads to the development CA that this program puts among those that the browser's user trusts. Prints one
// line per case; see ../cases.js for the talk with the harness.

const amqplib = require('amqplib');
const { chromium } = require('playwright-core');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const { attempt, isServed, killBroker, play } = require('../cases.js');

/** The origin that the broker lets in, and another one; a browser takes every name below localhost for this machine. */
const SHOP = 'http://shop.localhost:8080';
const STRANGER = 'http://stranger.localhost:8080';
const SECURE_URL = 'wss://localhost:61619/ws';
const PLAIN_URL = 'ws://localhost:61618/ws';
const WAIT_MS = 20_000;
const HOME = path.resolve('home');

const FILES = {
  '/': ['text/html', path.join(__dirname, 'page.html')],
  '/page.js': ['text/javascript', path.join(__dirname, 'page.js')],
  '/mqtt.min.js': ['text/javascript', path.join(process.env.NODE_PATH, 'mqtt/dist/mqtt.min.js')],
  '/stomp.umd.min.js': ['text/javascript', path.join(process.env.NODE_PATH, '@stomp/stompjs/bundles/stomp.umd.min.js')],
};

async function serve() {
  const server = http.createServer((request, response) => {
    const file = FILES[request.url];
    response.writeHead(file ? 200 : 404, { 'content-type': file ? file[0] : 'text/plain' });
    response.end(file ? fs.readFileSync(file[1]) : 'not here');
  });
  server.listen(8080, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function trustTheCa() {
  const store = path.join(HOME, '.pki/nssdb');
  fs.mkdirSync(store, { recursive: true });
  execFileSync('certutil', ['-d', `sql:${store}`, '-N', '--empty-password']);
  execFileSync('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'broker', '-i', process.env.TLS_CA]);
}

/** Nobody but root runs this, whom the sandbox does not take. */
function launch() {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
    env: { ...process.env, HOME },
  });
}

/** A page of an origin, with the functions of page.js as methods. */
class Page {
  static async open(browser, origin = SHOP) {
    const page = new Page();
    page.tab = await browser.newPage();
    page.tab.setDefaultTimeout(WAIT_MS);
    page.tab.on('pageerror', (error) => console.error(error));
    page.tab.on('console', (message) => console.error(message.text()));
    await page.tab.goto(origin);
    return page;
  }

  mqtt(verb, ...args) {
    return this.call('mqtt', verb, args);
  }

  stomp(verb, ...args) {
    return this.call('stomp', verb, args);
  }

  call(side, verb, args) {
    return this.tab.evaluate(([of, name, given]) => window.sides[of][name](...given), [side, verb, args]);
  }

  tryToOpen(url, subprotocol) {
    return this.tab.evaluate(([to, word]) => window.tryToOpen(to, word), [url, subprotocol]);
  }
}

/** The AMQP end: an exclusive queue for a key of amq.topic. */
class Amqp {
  static async enter(key) {
    const amqp = new Amqp();
    amqp.connection = await amqplib.connect(process.env.AMQP_URL);
    amqp.channel = await amqp.connection.createConfirmChannel();
    amqp.queue = (await amqp.channel.assertQueue('', { exclusive: true })).queue;
    if (key) await amqp.channel.bindQueue(amqp.queue, 'amq.topic', key);
    return amqp;
  }

  /** The next messages of a queue, in order. */
  async take(count, queue = this.queue) {
    const got = [];
    const { consumerTag } = await new Promise((resolve, reject) => {
      let ok;
      const timer = setTimeout(() => reject(new Error(`${got.length} of ${count} messages in ${queue}`)), WAIT_MS);
      const settle = () => { if (ok && got.length >= count) { clearTimeout(timer); resolve(ok); } };
      this.channel.consume(queue, (message) => { got.push(message); settle(); }, { noAck: true })
        .then((answer) => { ok = answer; settle(); }, reject);
    });
    await this.channel.cancel(consumerTag);
    return got;
  }

  async publish(exchange, key, body, properties = {}) {
    this.channel.publish(exchange, key, body, { persistent: true, ...properties });
    await this.channel.waitForConfirms();
  }
}

const sumOf = (body) => `${body.length} bytes, sum ${body.reduce((sum, byte) => sum + byte, 0)}`;
const BINARY_LENGTH = 1_000_000;

async function mqttToAmqpAndBack(page, version) {
  const amqp = await Amqp.enter('to-amqp.#');
  try {
    await page.mqtt('enter', 'both', { protocolVersion: version });
    for (const qos of [0, 1, 2]) await page.mqtt('publish', 'both', `to-amqp/${qos}`, `body ${qos}`, { qos });
    await page.mqtt('publish', 'both', 'to-amqp/binary', BINARY_LENGTH, { qos: 1 });
    const got = await amqp.take(4);
    const binary = got.pop().content;
    assert.deepEqual(got.map(({ fields, content }) => [fields.routingKey, content.toString()]), [0, 1, 2].map((qos) => [`to-amqp.${qos}`, `body ${qos}`]));
    assert.equal(binary.length, BINARY_LENGTH);
    assert.deepEqual(await page.mqtt('subscribe', 'both', 'to-page/#', 2), [2]);
    await amqp.publish('amq.topic', 'to-page.text', Buffer.from('grüße'));
    await amqp.publish('amq.topic', 'to-page.binary', binary);
    assert.deepEqual(await page.mqtt('take', 'both', 2), [
      { topic: 'to-page/text', body: 'grüße', qos: 1, retain: false },
      { topic: 'to-page/binary', body: sumOf(binary), qos: 1, retain: false },
    ]);
    await page.mqtt('leave', 'both');
  } finally {
    await amqp.connection.close();
  }
}

async function stompToAmqpAndBack(page) {
  const amqp = await Amqp.enter();
  try {
    assert.equal((await page.stomp('enter', 'both')).version, '1.2');
    await page.stomp('send', 'both', '/queue/to-amqp', 'grüße', { 'content-type': 'text/plain', colour: 'a:b\\c' });
    await page.stomp('send', 'both', '/queue/to-amqp', BINARY_LENGTH, { persistent: 'true' });
    const [text, binary] = await amqp.take(2, 'to-amqp');
    assert.deepEqual([text.content.toString(), text.properties.contentType, text.properties.headers.colour], ['grüße', 'text/plain', 'a:b\\c']);
    assert.deepEqual([binary.content.length, binary.properties.deliveryMode], [BINARY_LENGTH, 2]);
    await page.stomp('subscribe', 'both', '/queue/to-page', { ack: 'client-individual', 'prefetch-count': '1' });
    await amqp.publish('', 'to-page', Buffer.from('grüße'), { headers: { number: 7 } });
    await amqp.publish('', 'to-page', binary.content);
    const [first, second] = await page.stomp('take', 'both', 2);
    assert.deepEqual([first.body, first.headers.number, second.body], ['grüße', '7', sumOf(binary.content)]);
    await page.stomp('leave', 'both');
    assert.equal((await amqp.channel.checkQueue('to-page')).messageCount, 0);
  } finally {
    await amqp.connection.close();
  }
}

/** Both libraries in the same page, each the other's end. */
async function mqttAndStompTalk(page) {
  await page.mqtt('enter', 'talker', { protocolVersion: 5 });
  await page.stomp('enter', 'teller');
  await page.stomp('subscribe', 'teller', '/topic/from-mqtt.*');
  await page.mqtt('subscribe', 'talker', 'from-stomp/+', 1);
  await page.mqtt('publish', 'talker', 'from-mqtt/1', 'ping', { qos: 2, properties: { userProperties: { unit: 'C' } } });
  const [ping] = await page.stomp('take', 'teller', 1);
  assert.deepEqual([ping.body, ping.headers.destination, ping.headers.unit], ['ping', '/topic/from-mqtt.1', 'C']);
  await page.stomp('send', 'teller', '/topic/from-stomp.1', 'pong', { persistent: 'true' });
  assert.deepEqual(await page.mqtt('take', 'talker', 1), [{ topic: 'from-stomp/1', body: 'pong', qos: 1, retain: false }]);
  await page.mqtt('leave', 'talker');
  await page.stomp('leave', 'teller');
}

async function stompTransactions(page) {
  await page.stomp('enter', 'dealer');
  await page.stomp('transact', 'dealer', '/queue/deals', ['a', 'b'], 'abort');
  await page.stomp('transact', 'dealer', '/queue/deals', ['c', 'd'], 'commit');
  await page.stomp('subscribe', 'dealer', '/queue/deals', { ack: 'client' });
  assert.deepEqual((await page.stomp('take', 'dealer', 2)).map(({ body }) => body), ['c', 'd']);
  await page.stomp('leave', 'dealer');
}

async function stompHeartBeats(page) {
  const { heartBeat } = await page.stomp('enter', 'heart', { heartbeatIncoming: 1000, heartbeatOutgoing: 1000 });
  assert.equal(heartBeat, '1000,1000');
  await page.stomp('pongs', 'heart', 2);
  await page.stomp('send', 'heart', '/topic/nobody', 'still there');
  await page.stomp('leave', 'heart');
}

/** A tab that is closed says no goodbye in MQTT, so its will is published. */
async function closedTabLeavesItsWill(page, browser) {
  await page.mqtt('enter', 'heir', { protocolVersion: 5 });
  await page.mqtt('subscribe', 'heir', 'will/#', 1);
  const other = await Page.open(browser);
  await other.mqtt('enter', 'mortal', { protocolVersion: 5, will: { topic: 'will/read', payload: 'gone', qos: 1 } });
  await other.tab.close();
  assert.deepEqual(await page.mqtt('take', 'heir', 1), [{ topic: 'will/read', body: 'gone', qos: 1, retain: false }]);
  await page.mqtt('leave', 'heir');
}

async function reloadedPageGetsWhatWasKept(page, browser) {
  const kept = { protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 1000 } };
  const other = await Page.open(browser);
  assert.equal(await other.mqtt('enter', 'kept', kept), false);
  await other.mqtt('subscribe', 'kept', 'kept/#', 2);
  await other.tab.goto('about:blank');
  await page.mqtt('enter', 'meanwhile', { protocolVersion: 5 });
  await page.mqtt('publish', 'meanwhile', 'kept/1', 'while it was away', { qos: 2, retain: true });
  await page.mqtt('leave', 'meanwhile');
  await other.tab.goto(SHOP);
  assert.equal(await other.mqtt('enter', 'kept', kept), true);
  assert.deepEqual(await other.mqtt('take', 'kept', 1), [{ topic: 'kept/1', body: 'while it was away', qos: 2, retain: false }]);
  await other.mqtt('subscribe', 'kept', 'kept/#', 2);
  assert.deepEqual(await other.mqtt('take', 'kept', 1), [{ topic: 'kept/1', body: 'while it was away', qos: 2, retain: true }]);
  await other.tab.close();
}

async function wrongPassword(page) {
  await assert.rejects(page.mqtt('enter', 'bad', { protocolVersion: 4, password: 'wrong' }), /4: Connection refused/);
  await assert.rejects(page.mqtt('enter', 'bad', { protocolVersion: 5, password: 'wrong' }), /134: Connection refused/);
  const stomp = page.stomp('enter', 'bad', { connectHeaders: { login: 'guest', passcode: 'wrong', host: '/' } });
  await assert.rejects(stomp, /Bad CONNECT/);
}

async function otherOriginIsRefused(page, browser) {
  const stranger = await Page.open(browser, STRANGER);
  for (const subprotocol of ['mqtt', 'v12.stomp']) {
    for (const url of [SECURE_URL, PLAIN_URL]) {
      assert.equal(await page.tryToOpen(url, subprotocol), 'open', `${url} from the shop`);
      assert.equal(await stranger.tryToOpen(url, subprotocol), 1006, `${url} from elsewhere`);
    }
  }
  await assert.rejects(stranger.mqtt('enter', 'stranger', { protocolVersion: 5 }), /closed/);
  await stranger.tab.close();
}

/** A browser whose user does not trust the CA does not get to the broker. */
async function untrustedCa() {
  const browser = await launch();
  try {
    const page = await Page.open(browser);
    assert.equal(await page.tryToOpen(SECURE_URL, 'mqtt'), 1006);
    assert.equal(await page.tryToOpen(PLAIN_URL, 'mqtt'), 'open');
  } finally {
    await browser.close();
  }
}

/** Both libraries come back by themselves when the broker was killed, and nothing that was acknowledged is lost. */
async function comeBackAfterAKill(page) {
  const kept = { protocolVersion: 5, clean: false, reconnectPeriod: 100, properties: { sessionExpiryInterval: 1000 } };
  await page.mqtt('enter', 'lasting', kept);
  await page.mqtt('subscribe', 'lasting', 'lasting/#', 2);
  await page.stomp('enter', 'returning', { reconnectDelay: 100 });
  await page.stomp('send', 'returning', '/queue/lasting', 'before', { persistent: 'true' });
  await killBroker();
  await page.stomp('reconnected', 'returning');
  await page.stomp('send', 'returning', '/topic/lasting.1', 'after', { persistent: 'true' });
  await page.stomp('subscribe', 'returning', '/queue/lasting');
  assert.deepEqual((await page.stomp('take', 'returning', 1)).map(({ body }) => body), ['before']);
  assert.deepEqual(await page.mqtt('take', 'lasting', 1), [{ topic: 'lasting/1', body: 'after', qos: 1, retain: false }]);
  await page.stomp('leave', 'returning');
  await page.mqtt('leave', 'lasting');
}

const CASES = [
  ['mqttToAmqpAndBack 3.1.1', (page) => mqttToAmqpAndBack(page, 4)],
  ['mqttToAmqpAndBack 5', (page) => mqttToAmqpAndBack(page, 5)],
  ...[
    stompToAmqpAndBack, mqttAndStompTalk, stompTransactions, stompHeartBeats, closedTabLeavesItsWill, reloadedPageGetsWhatWasKept,
    wrongPassword, otherOriginIsRefused, comeBackAfterAKill,
  ].map((run) => [run.name, run]),
];

async function main() {
  if (!await isServed(61619, 'WebSocket with TLS')) return;
  const server = await serve();
  await attempt(untrustedCa.name, untrustedCa);
  trustTheCa();
  const browser = await launch();
  for (const [name, run] of CASES) {
    const page = await Page.open(browser);
    await attempt(name, () => run(page, browser));
    await page.tab.close();
  }
  await browser.close();
  server.close();
}

play(main);
