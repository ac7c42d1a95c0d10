// Holds the platform API against npm node-zendesk, unmodified.
//
// Environment: PLATFORM_URL, such as http://127.0.0.1:8787; TOKEN with everything granted; NARROW_TOKEN with subjects, statuses
// and requesters of tickets and names of people, the personal ones masked; HELD_TOKEN whose installation has no request left in
// the hour. Prints what it did, a line each, and ends with an error where anything is not as it should be.

'use strict';

const assert = require('node:assert/strict');
const zendesk = require('node-zendesk');

const endpointUri = `${process.env.PLATFORM_URL}/api/v2`;
const client = (name, more = {}) => zendesk.createClient({ oauth: true, token: process.env[name], endpointUri, ...more });
const say = (what, ...found) => console.log(`${what}:`, ...found);

async function refused(ask) {
  try {
    await ask();
  } catch (error) {
    return error;
  }
  assert.fail('not refused');
}

async function main() {
  const whole = client('TOKEN');
  const me = (await whole.users.me()).result;
  say('users.me', me.name, me.role);

  const tickets = await whole.tickets.list();
  const ids = tickets.map((ticket) => ticket.id);
  assert(ids.length > 100 && new Set(ids).size === ids.length, 'all tickets, once each');
  say('tickets.list', ids.length, 'over more than one page');

  const ticket = (await whole.tickets.show(1006)).result;
  assert.equal(ticket.id, 1006);
  say('tickets.show', ticket.subject, '|', ticket.status);

  const change = { ticket: { priority: 'high', additional_tags: ['node'], comment: { body: 'Looked at by node.', public: false } } };
  const changed = (await whole.tickets.update(1006, change)).result;
  assert.equal(changed.priority, 'high');
  assert(changed.tags.includes('node'));
  say('tickets.update', changed.priority, changed.tags);

  const comments = await whole.tickets.getComments(1006);
  const last = comments.at(-1).comments?.at(-1) ?? comments.at(-1);
  assert.deepEqual([last.body, last.public, last.author_id], ['Looked at by node.', false, me.id]);
  say('tickets.getComments', last.body, last.public ? 'public' : 'internal');

  const found = (await whole.search.query('type:ticket tags:node priority:high')).result;
  assert.deepEqual(found.map((one) => one.id), [1006]);
  say('search.query', found.map((one) => one.id));
  const open = await whole.search.exportResults('status<solved', 'ticket', 20);
  assert(open.length > 20);
  say('search.exportResults', open.length, 'tickets that are not solved');

  const part = (await whole.tickets.get(['incremental', 'tickets', 'cursor', { start_time: 0 }])).result;
  assert(part.length > 0);
  say('incremental/tickets/cursor', part.length, 'tickets in the first part');

  const organizations = await whole.organizations.list();
  const organization = (await whole.organizations.show(organizations[0].id)).result;
  say('organizations.list', organizations.length, 'the first:', organization.name);
  const person = (await whole.users.show(ticket.requester_id)).result;
  const same = await whole.users.search({ query: person.email });
  assert(same.some((one) => one.id === person.id));
  say('users.search', same.length, 'by address');

  const missing = await refused(() => whole.tickets.show(999999));
  assert.match(missing.message, /404/);
  say('tickets.show(999999)', missing.message);
  await whole.tickets.delete(ids.at(-2));
  assert.match((await refused(() => whole.tickets.show(ids.at(-2)))).message, /404/);
  say('tickets.delete', 'is gone');

  const narrow = client('NARROW_TOKEN');
  const shown = (await narrow.tickets.show(1006)).result;
  assert(shown.subject !== ticket.subject && !('description' in shown) && !('tags' in shown));
  say('with a narrow grant', JSON.stringify(shown));
  const denied = await refused(() => narrow.tickets.update(1006, { ticket: { status: 'solved' } }));
  assert.match(denied.message, /403.*changing status of tickets is not granted/);
  say('denied', denied.message);

  const basic = zendesk.createClient({ username: 'agent@example.com', token: 'secret', endpointUri });
  const unknown = await refused(() => basic.users.me());
  assert.match(unknown.message, /401/);
  say('an API token', unknown.message);

  const over = (await client('HELD_TOKEN').users.me()).response;
  assert.equal(over.status, 429);
  say('beyond the hour', over.status, 'Retry-After', over.headers.get('retry-after') > 0);
}

main().catch((error) => {
  console.error('node-zendesk:', error);
  process.exit(1);
});
