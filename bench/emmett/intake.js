// The same purchases in Emmett with its PostgreSQL store, base points only: URL FILE MODE. Prints how many seconds it took.
//
// one-each: a receipt's stream is begun, then its account is read, decided upon and appended to, as Emmett's command
// handler does. at-once: Emmett appends to one stream in one transaction, so a thousand purchases go to a stream of
// their own, nothing is read and nothing decided; that is as fast as its store takes them.

import { readFileSync } from 'node:fs';
import { CommandHandler, STREAM_DOES_NOT_EXIST } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';

const AT_ONCE = 1000;
const [url, file, mode] = process.argv.slice(2);
const store = getPostgreSQLEventStore(url);

const earn = CommandHandler({
  initialState: () => ({ points: 0 }),
  evolve: (account, event) => ({ points: account.points + event.data.points }),
});

function eventsOf(line) {
  const { source, id, time, data } = JSON.parse(line);
  const purchase = `${source}:${id}`;
  const paid = data.lines.reduce((sum, one) => sum + one.gross_minor - (one.discount_minor ?? 0), 0);
  const card = data.card;
  const recorded = { type: 'PurchaseRecorded', data: { purchase, occurred_at: time, ...data } };
  const earned = { type: 'PointsEarned', data: { purchase, card, points: Math.floor(paid / 100) } };
  return { purchase, card, recorded, earned };
}

async function oneEach(lines) {
  for (const line of lines) {
    const { purchase, card, recorded, earned } = eventsOf(line);
    await store.appendToStream(`purchase-${purchase}`, [recorded], { expectedStreamVersion: STREAM_DOES_NOT_EXIST });
    await earn(store, `account-${card}`, () => earned);
  }
}

async function atOnce(lines) {
  for (let start = 0; start < lines.length; start += AT_ONCE) {
    const events = lines.slice(start, start + AT_ONCE).map(eventsOf);
    await store.appendToStream(
      `batch-${start}`,
      events.flatMap(({ recorded, earned }) => [recorded, earned]),
      { expectedStreamVersion: STREAM_DOES_NOT_EXIST },
    );
  }
}

const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
await store.schema.migrate();
const started = performance.now();
await (mode === 'one-each' ? oneEach : atOnce)(lines);
console.log((performance.now() - started) / 1000);
await store.close();
