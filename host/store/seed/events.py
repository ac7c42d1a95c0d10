"""The recorded events: a choice of the steps of the seed's tickets, in the form of Zendesk's webhooks, and what sample
plugins must make of them."""

import uuid
from datetime import timedelta

import cards

MIX = {"created": 80, "comment": 110, "priority": 20, "status": 30}
OF_VIPS = {"created": 6, "comment": 1, "priority": 0, "status": 3}
HIGH = ("high", "urgent")
ORDER = [None, "low", "normal", "high", "urgent"]
TYPES = {"created": "created", "comment": "comment_added", "priority": "priority_changed", "status": "status_changed"}
DONE = ("solved", "closed")
BRAND, FORM, GROUP = "360001204", "360002711", {"web": "360004410", "api": "360004411"}
CUSTOM_STATUS = {"new": "1501", "open": "1502", "pending": "1503", "hold": "1504", "solved": "1505", "closed": "1505"}


def target(organization):
    """The least priority of this organization's tickets; `None` for one without a claim to any."""
    if organization is None:
        return None
    plan = {field["id"]: field["value"] for field in organization["organization_fields"]}["plan"]
    if "vip-platinum" in organization["tags"]:
        return "urgent"
    return "high" if "vip" in organization["tags"] or plan == "enterprise" else None


def record(rng, made, organizations, users):
    """240 events in the order in which they happened: id, ticket, step, body."""
    by_id = {o["id"]: o for o in organizations}
    chosen = []
    for what, count in MIX.items():
        steps = [(t, s) for t in made for s in t["steps"] if s["what"] == what]
        must = [(t, s) for t, s in steps if what == "comment" and s["value"]["kind"] != "text"]
        rest = [pair for pair in steps if pair not in must]
        rng.shuffle(rest)
        ours = [p for p in rest if target(by_id.get(p[0]["row"]["organization_id"])) and steady(*p)]
        ours.sort(key=lambda pair: what == "status" and pair[1]["state"]["status"] not in DONE)
        others = [p for p in rest if not target(by_id.get(p[0]["row"]["organization_id"]))]
        picked = must + ours[:OF_VIPS[what]]
        chosen += picked + enough_high(what, others, picked, count - len(picked))
    chosen.sort(key=lambda pair: (pair[1]["at"], int(pair[0]["row"]["id"]), list(MIX).index(pair[1]["what"])))
    names = {u["id"]: u for u in users}
    return [event(rng, ticket, step, names) for ticket, step in chosen]


def steady(ticket, step):
    """Whether what decides about an escalation is the same in the event and in the help desk."""
    row, state = ticket["row"], step["state"]
    return row["priority"] == state["priority"] and (row["status"] in DONE) == (state["status"] in DONE)


def enough_high(what, others, picked, count):
    """`count` of the others; of tickets opened 20, and of changed priorities 12, are high or urgent."""
    if what not in ("created", "priority"):
        return others[:count]
    wanted = {"created": 20, "priority": 12}[what] - sum(s["state"]["priority"] in HIGH for _, s in picked)
    high = [p for p in others if p[1]["state"]["priority"] in HIGH][:wanted]
    low = [p for p in others if p[1]["state"]["priority"] not in HIGH][:count - len(high)]
    return high + low


def event(rng, ticket, step, users):
    row, state, what = ticket["row"], step["state"], step["what"]
    time = step["at"] + timedelta(milliseconds=rng.randrange(40, 900))
    identity = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    actor = step["value"]["author"]["id"] if what == "comment" else row["requester_id"]
    if what in ("priority", "status"):
        actor = row["assignee_id"]
    body = {
        "account_id": 22129848,
        "detail": detail(ticket, state, actor),
        "event": change(rng, step, users),
        "id": identity,
        "subject": f"zen:ticket:{row['id']}",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond * 1000 + rng.randrange(1000000):09}Z",
        "type": f"zen:event-type:ticket.{TYPES[what]}",
        "zendesk_event_version": "2022-11-06",
    }
    return {"id": identity, "ticket": ticket, "step": step, "body": body}


def upper(name):
    return name and name.upper()


def detail(ticket, state, actor):
    row = ticket["row"]
    return {
        "actor_id": actor,
        "assignee_id": None if state["status"] == "new" else row["assignee_id"],
        "brand_id": BRAND,
        "created_at": row["created_at"],
        "custom_status": CUSTOM_STATUS[state["status"]],
        "description": ticket["comments"][0]["row"]["body"],
        "external_id": None,
        "form_id": FORM,
        "group_id": GROUP.get(ticket["channel"], "360004412"),
        "id": row["id"],
        "is_public": True,
        "organization_id": row["organization_id"],
        "priority": upper(state["priority"]),
        "requester_id": row["requester_id"],
        "status": upper(state["status"]),
        "subject": row["subject"],
        "submitter_id": row["requester_id"],
        "tags": row["tags"],
        "type": upper(row["type"]),
        "updated_at": state["updated_at"],
        "via": {"channel": ticket["channel"]},
    }


def change(rng, step, users):
    meta = {"sequence": {"id": f"{rng.getrandbits(128):032X}", "position": 1}}
    if step["what"] == "created":
        return {"meta": meta}
    if step["what"] == "comment":
        comment = step["value"]["row"]
        author = users[comment["author_id"]]
        return {
            "comment": {
                "author": {"id": author["id"], "is_staff": author["role"] != "end-user", "name": author["name"]},
                "body": comment["body"], "id": comment["id"], "is_public": comment["public"],
            },
            "meta": meta,
        }
    previous, current = step["value"]
    return {"current": upper(current), "meta": meta, "previous": upper(previous)}


def expected(recorded, organizations):
    """What must come of the recorded events when the help desk is as the seed has it."""
    by_id = {o["id"]: o for o in organizations}
    found = {"cards": [], "look_alikes": [], "escalations": [], "not_escalated": [], "posts": []}
    tickets = {}
    for e in recorded:
        row, step = e["ticket"]["row"], e["step"]
        assert steady(e["ticket"], step) or not target(by_id.get(row["organization_id"])), row
        tickets.setdefault(row["id"], (row, []))[1].append(e["id"])
        priority = step["state"]["priority"]
        if step["what"] in ("created", "priority") and priority in HIGH:
            found["posts"].append({"event": e["id"], "type": e["body"]["type"], "ticket": row["id"], "priority": priority})
        if step["what"] == "comment" and step["value"]["kind"] != "text":
            comment = step["value"]["row"]
            entry = {"event": e["id"], "ticket": row["id"], "comment": comment["id"]}
            if step["value"]["kind"] != "card":
                found["look_alikes"].append({**entry, "what": step["value"]["kind"], "body": comment["body"]})
                continue
            runs = cards.covered_spans(comment["body"], step["value"]["spans"])
            first = step["value"] is e["ticket"]["comments"][0]
            redacted = cards.cover(comment["body"], runs)
            found["cards"].append({**entry, "first_comment": first, "body": comment["body"], "spans": runs, "redacted": redacted})
    for row, ids in tickets.values():
        least = target(by_id.get(row["organization_id"]))
        if least is None:
            continue
        entry = {"ticket": row["id"], "organization": row["organization_id"], "from": row["priority"]}
        if row["status"] in DONE:
            found["not_escalated"].append({**entry, "why": row["status"], "events": ids})
        elif ORDER.index(row["priority"]) >= ORDER.index(least):
            found["not_escalated"].append({**entry, "why": "high enough", "events": ids})
        else:
            found["escalations"].append({**entry, "to": least, "events": ids})
    return found
