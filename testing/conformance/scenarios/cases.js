'use strict';
// The frame of a Node scenario, as cases.py is of a Python one: prints one line per case and talks with the harness.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const readline = require('node:readline');

const harness = readline.createInterface({ input: process.stdin });

/** Runs one case and prints its line. */
async function attempt(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`FAILED ${name}: ${String(error && error.message).replaceAll(/\s+/g, ' ')}`);
    console.error(error);
  }
}

/** Whether somebody listens on a port; says that all is skipped when nobody does. */
async function isServed(port, what) {
  const probe = net.connect(port, '127.0.0.1');
  try {
    await once(probe, 'connect');
  } catch {
    console.log(`skipped all: no ${what} here`);
    return false;
  } finally {
    probe.destroy();
  }
  return true;
}

/** Has the broker killed and started again on the same data; resolves when the new one serves. */
async function killBroker() {
  const answer = once(harness, 'line');
  console.log('HARNESS kill');
  assert.deepEqual(await answer, ['restarted']);
}

/** Fails when a promise takes longer than `ms`. */
function within(promise, what, ms = 10_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs the whole program and lets go of the harness, so that the process can end. */
function play(main) {
  main().finally(() => {
    harness.close();
    process.stdin.destroy();
  });
}

module.exports = { attempt, isServed, killBroker, play, within };
