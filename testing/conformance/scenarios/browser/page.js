'use strict';
// What the page does, for the scenario to call: clients by name, over both libraries, whose messages wait until they are taken.

/* global mqtt, StompJs */

const MQTT_URL = 'wss://localhost:61619/ws';
const WAIT_MS = 10_000;
const clients = new Map();

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${WAIT_MS} ms`)), WAIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Messages in the order in which they came. */
class Inbox {
  entries = [];

  look = () => {};

  put(entry) {
    this.entries.push(entry);
    this.look();
  }

  async take(count) {
    await within(new Promise((resolve) => {
      this.look = () => { if (this.entries.length >= count) resolve(); };
      this.look();
    }), `${count} messages`);
    return this.entries.splice(0);
  }
}

/** Bytes that cannot be text; the sum of them tells whether they came whole. */
function bytes(length) {
  return Uint8Array.from({ length }, (_, index) => 255 - (index % 251));
}

function shown(body) {
  const text = new TextDecoder('utf-8', { fatal: true });
  try {
    return text.decode(body);
  } catch {
    return `${body.length} bytes, sum ${body.reduce((sum, byte) => sum + byte, 0)}`;
  }
}

const mqttSide = {
  async enter(name, options) {
    const inbox = new Inbox();
    const client = mqtt.connect(MQTT_URL, { clientId: name, username: 'guest', password: 'guest', reconnectPeriod: 0, ...options });
    client.on('message', (topic, body, { qos, retain }) => inbox.put({ topic, body: shown(body), qos, retain }));
    clients.set(name, { client, inbox });
    const { sessionPresent } = await within(new Promise((resolve, reject) => {
      client.on('error', (error) => reject(new Error(`${error.code}: ${error.message}`)));
      client.on('connect', resolve);
      client.on('close', () => reject(new Error('closed')));
    }), 'CONNACK');
    return sessionPresent;
  },

  async subscribe(name, topic, qos) {
    const granted = await within(clients.get(name).client.subscribeAsync(topic, { qos }), 'SUBACK');
    return granted.map((one) => one.qos);
  },

  async publish(name, topic, body, options) {
    const payload = typeof body === 'number' ? bytes(body) : body;
    await within(clients.get(name).client.publishAsync(topic, payload, options), 'the acknowledgement');
  },

  take: (name, count) => clients.get(name).inbox.take(count),

  leave: (name) => within(clients.get(name).client.endAsync(), 'the end'),
};

const stompSide = {
  async enter(name, options = {}) {
    const side = { inbox: new Inbox(), connects: new Inbox(), pongs: new Inbox() };
    const client = new StompJs.Client({
      brokerURL: MQTT_URL,
      connectHeaders: { login: 'guest', passcode: 'guest', host: '/' },
      reconnectDelay: 0,
      heartbeatIncoming: 0,
      heartbeatOutgoing: 0,
      debug: (line) => { if (line === '<<< PONG') side.pongs.put(line); },
      ...options,
    });
    side.client = client;
    clients.set(name, side);
    const { headers } = await within(new Promise((resolve, reject) => {
      client.onConnect = (frame) => { side.connects.put(frame.headers); resolve(frame); };
      client.onStompError = (frame) => reject(new Error(frame.headers.message));
      client.onWebSocketClose = (event) => reject(new Error(`closed: ${event.code}`));
      client.activate();
    }), 'CONNECTED');
    return { version: headers.version, heartBeat: headers['heart-beat'] };
  },

  receipt(name, ask) {
    const receipt = crypto.randomUUID();
    const arrived = new Promise((resolve) => { clients.get(name).client.watchForReceipt(receipt, resolve); });
    ask(receipt);
    return within(arrived, 'the receipt');
  },

  /** With `ack` other than auto, each message is acknowledged as it comes. */
  subscribe(name, destination, headers = {}) {
    const { client, inbox } = clients.get(name);
    return stompSide.receipt(name, (receipt) => client.subscribe(destination, (message) => {
      const { ack, ...others } = message.headers;
      inbox.put({ body: shown(message.binaryBody), headers: others });
      if (ack) message.ack();
    }, { ...headers, receipt }));
  },

  send(name, destination, body, headers = {}) {
    const { client } = clients.get(name);
    const content = typeof body === 'number' ? { binaryBody: bytes(body) } : { body };
    return stompSide.receipt(name, (receipt) => client.publish({ destination, ...content, headers: { ...headers, receipt } }));
  },

  /** Sends all bodies in one transaction, and then ends it as `ending` says. */
  async transact(name, destination, bodies, ending) {
    const { client } = clients.get(name);
    const transaction = client.begin();
    for (const body of bodies) client.publish({ destination, body, headers: { transaction: transaction.id } });
    transaction[ending]();
    await stompSide.send(name, '/topic/nobody', 'behind it');
  },

  take: (name, count) => clients.get(name).inbox.take(count),

  pongs: (name, count) => clients.get(name).pongs.take(count),

  reconnected: (name) => clients.get(name).connects.take(2),

  leave: (name) => within(clients.get(name).client.deactivate(), 'the end'),
};

/** How opening a WebSocket goes, without a library: `open`, or the code with which it was closed. */
function open(url, subprotocol) {
  return within(new Promise((resolve) => {
    const socket = new WebSocket(url, [subprotocol]);
    socket.onopen = () => { resolve('open'); socket.close(); };
    socket.onclose = ({ code }) => resolve(code);
  }), 'the WebSocket');
}

window.sides = { mqtt: mqttSide, stomp: stompSide };
window.tryToOpen = open;
