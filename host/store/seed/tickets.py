"""The seed's tickets: their comments, and the steps by which each came to what it is."""

from datetime import datetime, timedelta, timezone

import cards
import events
import texts

COUNT = 220
FIRST = datetime(2026, 9, 7, 7, 30, tzinfo=timezone.utc)
PATHS = {
    "new": [], "open": ["open"], "pending": ["open", "pending"], "hold": ["open", "hold"],
    "solved": ["open", "solved"], "closed": ["open", "solved", "closed"],
}
CHANNELS = ["web", "mail", "mail", "api", "mobile", "native_messaging"]


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def make(rng, organizations, users):
    """Tickets in the order in which they were opened. Each: row, comments, steps, channel."""
    agents = [u for u in users if u["role"] != "end-user"]
    customers = [u for u in users if u["role"] == "end-user"]
    marked = specials(rng)
    wanted = {o["id"]: events.target(o) for o in organizations}
    made, at = [], FIRST
    for n in range(COUNT):
        at += timedelta(minutes=rng.randrange(90, 780))
        requester = customers[n % len(customers)] if n < len(customers) else rng.choice(customers)
        # What decides about an escalation must not change after an event that is sure to be recorded.
        steady = n in marked and wanted.get(requester["organization_id"]) is not None
        made.append(one(rng, str(1001 + n), at, requester, rng.choice(agents), marked.get(n), steady))
    number_comments(rng, made)
    return made


def specials(rng):
    """Which tickets get a card number or a look-alike: ticket's place, (kind, marked text, whether as the first comment)."""
    chosen = [("card", text) for text in texts.CARDS]
    chosen += [(kind, cards.fill_look_alike(rng, text)) for kind, text in texts.LOOK_ALIKES]
    places = sorted(rng.sample(range(6, COUNT - 6), len(chosen)))
    rng.shuffle(chosen)
    return {place: (kind, text, i % 8 == 0) for i, (place, (kind, text)) in enumerate(zip(places, chosen))}


def one(rng, number, at, requester, agent, special, steady):
    kind, subject, tags, request, replies, follow_ups = rng.choice(texts.TOPICS)
    words = {
        "order": f"NW-{rng.randrange(10000, 99999)}", "product": rng.choice(texts.PRODUCTS), "n": rng.randrange(3, 60),
        "day": rng.choice(texts.DAYS), "amount": rng.choice(texts.AMOUNTS), "app": rng.choice(texts.APPS),
    }
    status = rng.choices(list(PATHS), [12, 30, 16, 6] + ([0, 0] if steady else [22, 14]))[0]
    priority = rng.choices([None, "low", "normal", "high", "urgent"], [10, 18, 44, 20, 8])[0]
    talk = conversation(rng, replies, follow_ups, status, special)
    ticket = {
        "row": {
            "id": number, "subject": subject.format(**words), "status": status, "priority": priority, "type": kind,
            "requester_id": requester["id"], "assignee_id": None if status == "new" else agent["id"],
            "organization_id": requester["organization_id"], "tags": sorted(tags),
            "custom_fields": [{"id": "product", "value": words["product"]}, {"id": "order", "value": words["order"]}],
            "created_at": stamp(at), "updated_at": None,
        },
        "channel": rng.choice(CHANNELS), "comments": [], "steps": [],
    }
    first = (requester, request, True, "text")
    if special and special[2]:
        first = (requester, request + "\n\n" + special[1], True, special[0])
    said = [first] + [(requester if who == "customer" else agent, text, public, kind) for who, text, public, kind in talk]
    for author, text, public, kind in said:
        text, spans = cards.unmark(fill(text, words))
        body = {"id": None, "ticket_id": number, "author_id": author["id"], "body": text, "public": public, "created_at": None}
        ticket["comments"].append({"row": body, "spans": spans, "kind": kind, "author": author})
    walk(rng, ticket, at, steady)
    return ticket


def fill(text, words):
    for name, value in words.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def conversation(rng, replies, follow_ups, status, special):
    """What is said after the request, 0 to 4 comments; a ticket that is new was not answered."""
    talk = []
    if special and not special[2]:
        talk.append(("customer", special[1], True, special[0]))
    if status != "new":
        talk.append(("agent", rng.choice(replies), True, "text"))
        if rng.random() < 0.65:
            talk.append(("customer", rng.choice(follow_ups), True, "text"))
        if rng.random() < 0.25:
            talk.append(("agent", rng.choice(texts.NOTES), False, "text"))
    return talk[:4]


def walk(rng, ticket, at, steady):
    """The steps from the first to the last state, in time: (when, what, value, the ticket's state after it)."""
    row, todo = ticket["row"], list(PATHS[ticket["row"]["status"]])
    final = row["priority"]
    changes = final is not None and row["status"] != "new" and not steady and rng.random() < 0.35
    state = {"status": "new", "priority": rng.choice([p for p in ("low", "normal", "high") if p != final]) if changes else final}

    def step(what, value, **change):
        nonlocal at
        state.update(change)
        ticket["steps"].append({"at": at, "what": what, "value": value, "state": {**state, "updated_at": stamp(at)}})

    def move(to):
        step("status", (state["status"], to), status=to)

    step("created", None)
    for i, comment in enumerate(ticket["comments"]):
        if i > 0:
            at += timedelta(minutes=rng.randrange(7, 600), seconds=rng.randrange(60))
        if i > 0 and todo[:1] == ["open"] and comment["author"]["role"] != "end-user":
            move(todo.pop(0))
        comment["row"]["created_at"] = stamp(at)
        step("comment", comment)
    if todo[:1] == ["open"]:
        at += timedelta(minutes=20)
        move(todo.pop(0))
    if changes:
        at += timedelta(minutes=rng.randrange(2, 40))
        step("priority", (state["priority"], final), priority=final)
    for to in todo:
        at += timedelta(hours=rng.randrange(3, 96), seconds=rng.randrange(60))
        move(to)
    row["updated_at"] = ticket["steps"][-1]["state"]["updated_at"]


def number_comments(rng, made):
    """Ids rise over the whole help desk in the order in which comments came in."""
    number = 30064058000000
    ordered = sorted((c for t in made for c in t["comments"]), key=lambda c: (c["row"]["created_at"], int(c["row"]["ticket_id"])))
    for comment in ordered:
        number += rng.randrange(11, 900)
        comment["row"] = {"id": str(number), **{k: v for k, v in comment["row"].items() if k != "id"}}
