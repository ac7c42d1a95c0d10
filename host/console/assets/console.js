// What a page cannot do by itself: passkeys, one's own sessions, and following what happens. All else is links and forms.
"use strict";

/** Says something where screen readers hear it. */
function say(place, words, tone) {
  if (!place) return;
  place.textContent = words;
  place.className = words ? "notice " + (tone || "") : "";
}

async function ask(path, token, body) {
  const answer = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: body === undefined ? {} : { "content-type": "application/json", "x-portcullis-csrf": token },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  if (/\/step-up(-required)?$/.test(said.type || "")) {
    location.assign("/console/step-up?next=" + encodeURIComponent(location.pathname + location.search));
  }
  throw new Error(said.detail || said.title || "The host refused (" + answer.status + ").");
}

/** What a form holds, its token apart. */
function fields(form) {
  const all = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  const token = all.csrf ?? "";
  delete all.csrf;
  if (form.dataset.hash) all[form.dataset.hash] = location.hash.slice(1);
  return [token, all];
}

/** A form whose button is answered with a passkey: data-passkey is "create" or "get". */
async function passkey(form, place) {
  const [token, all] = fields(form);
  const { label, ...first } = all;
  const begun = await ask(form.dataset.begin, token, first);
  const asked = begun.options.publicKey ?? begun.options;
  const create = form.dataset.passkey === "create";
  const made = create
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
  say(place, "Checking…");
  const last = { ...first, ceremony: begun.ceremony, credential: made.toJSON() };
  if (create && label) last.label = label;
  await ask(form.dataset.finish, token, last);
  location.assign(form.dataset.next || "/console");
}

/** A form that is sent as JSON: to what is asked of the ways in, which takes nothing else. */
async function json(form, place) {
  const [token, all] = fields(form);
  const said = await ask(form.dataset.json, token, all);
  // On to another site, such as an organisation's provider, where the host says so.
  if (form.dataset.goes) return location.assign(said[form.dataset.goes]);
  const shown = form.dataset.showsAnswer;
  if (!shown) return location.assign(form.dataset.next || location.pathname);
  const value = said[shown];
  say(place, "Keep this; it is shown once: " + (Array.isArray(value) ? value.join("  ") : value), "warn");
}

for (const form of document.querySelectorAll("form[data-passkey], form[data-json]")) {
  const place = form.querySelector("[data-says]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    (form.dataset.passkey ? passkey(form, place) : json(form, place))
      .catch((error) => {
        const refused = error.name === "NotAllowedError";
        say(place, refused ? "No passkey was used. Try again when you are ready." : error.message, "bad");
      })
      .finally(() => (button.disabled = false));
  });
}

/** A form that does something once: a press while its answer is on the way is no second one. */
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  // Somebody who comes back to the page may send it again: its key stands for what it did.
  addEventListener("pageshow", () => delete form.dataset.sent);
}

/** What a line such as "created: since $" says of something: nothing where it has none of that, and only the words where it is so. */
function saidOf(one, line) {
  const [name, words] = line.split(": ");
  const value = one[name];
  if (value === null || value === undefined || value === false) return "";
  const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.exec(value);
  return words.replace("$", moment ? moment[0].replace("T", " ") + " UTC" : value);
}

/** A list of one's own things, each with a button that ends it. */
for (const list of document.querySelectorAll("[data-list]")) {
  const { items, title, lines, end, id, token } = list.dataset;
  const fill = async () => {
    const said = await ask(list.dataset.list, token);
    list.replaceChildren(
      ...said[items].filter((one) => !one.ended).map((one) => {
        const row = document.createElement("li");
        row.className = "row apart";
        const words = document.createElement("div");
        const name = document.createElement("strong");
        name.textContent = one[title] || one.kind || one.id;
        const rest = document.createElement("div");
        rest.className = "quiet small";
        rest.textContent = lines.split("; ").map((line) => saidOf(one, line)).filter(Boolean).join(" · ");
        words.append(name, rest);
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = one.this ? "This one" : "End";
        button.disabled = Boolean(one.this);
        button.setAttribute("aria-label", button.textContent + ": " + name.textContent);
        button.addEventListener("click", () => ask(end, token, { [id]: one.id }).then(fill).catch((e) => (rest.textContent = e.message)));
        row.append(words, button);
        if (one.notice) {
          const notice = document.createElement("div");
          notice.className = "badge warn";
          notice.textContent = list.dataset.notice;
          words.prepend(notice);
          const mine = document.createElement("button");
          mine.type = "button";
          mine.textContent = list.dataset.wasMe;
          mine.setAttribute("aria-label", mine.textContent + ": " + name.textContent);
          const said = { [id]: one.id };
          mine.addEventListener("click", () => ask(list.dataset.known, token, said).then(fill).catch((e) => (rest.textContent = e.message)));
          row.append(mine);
        }
        if (list.dataset.notMe && !one.this) {
          const stranger = document.createElement("button");
          stranger.type = "button";
          stranger.className = "danger";
          stranger.textContent = list.dataset.notMe;
          stranger.setAttribute("aria-label", stranger.textContent + ": " + name.textContent);
          const over = () => location.assign("/console");
          const said = { [id]: one.id, "not-me": true };
          stranger.addEventListener("click", () => ask(end, token, said).then(over).catch((e) => (rest.textContent = e.message)));
          row.append(stranger);
        }
        return row;
      }),
    );
  };
  fill().catch((error) => (list.textContent = error.message));
}

/** The log, followed: each entry becomes a row at the head of the table. */
for (const rows of document.querySelectorAll("[data-live]")) {
  const most = Number(rows.dataset.most || 200);
  const state = document.querySelector("[data-live-state]");
  const source = new EventSource(rows.dataset.live);
  const shown = (words, tone) => {
    if (!state) return;
    state.textContent = words;
    state.className = "badge " + tone;
  };
  const who = (actor) => actor.plugin || actor.name || (actor.client ? "client " + actor.client : "the host");
  source.onopen = () => shown("Live", "good");
  source.onerror = () => shown("Reconnecting…", "warn");
  source.addEventListener("entry", (event) => {
    const { index, entry } = JSON.parse(event.data);
    if (!entry) return;
    const row = document.createElement("tr");
    const cell = (tag, name, ...what) => {
      const made = document.createElement(tag);
      if (name) made.dataset.name = name;
      made.append(...what);
      row.append(made);
    };
    const link = document.createElement("a");
    link.href = "/console/audit/" + index;
    link.textContent = String(entry.time).slice(0, 16).replace("T", " ") + " UTC";
    const kind = document.createElement("span");
    kind.className = "badge accent";
    kind.textContent = entry.kind;
    cell("th", "", link);
    cell("td", "What", kind);
    cell("td", "Who", who(entry.actor));
    cell("td", "About", entry.resource || "");
    cell("td", "Tenant", entry.tenant || "");
    rows.prepend(row);
    while (rows.children.length > most) rows.lastElementChild.remove();
  });
}

/** Times in the reader's own zone, beside those in UTC. */
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) time.title = at.toLocaleString();
}
