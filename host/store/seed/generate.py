#!/usr/bin/env python3
"""Makes the help desk's seed and the recorded events that belong to it, always the same ones.

    python3 generate.py            writes helpdesk.json and, in tests/events/, zendesk.ndjson and expected.json
    python3 generate.py --check    fails if any of the files is not what this script makes

Everything is invented; card numbers are the published test numbers of networks and payment providers.
"""

import json
import random
import sys
from collections import Counter
from pathlib import Path

import cards
import files
import people
import tickets
import events

HERE = Path(__file__).resolve().parent
EVENTS = HERE.parents[2] / "tests" / "events"
SECOND_BRAND = "360001217"


def lines(name, records):
    rows = ",\n".join("    " + json.dumps(record, ensure_ascii=False) for record in records)
    return f'  "{name}": [\n{rows}\n  ]'


def document(sections):
    return "{\n" + ",\n".join(lines(name, records) for name, records in sections.items()) + "\n}\n"


def main():
    rng = random.Random(20261122)
    organizations, users = people_of(rng)
    made = tickets.make(rng, organizations, users)
    recorded = events.record(rng, made, organizations, users)
    expected = events.expected(recorded, organizations)
    give_brands(made, recorded)
    seed = {
        "organizations": organizations,
        "users": users,
        "tickets": [ticket["row"] for ticket in made],
        "comments": sorted((c["row"] for t in made for c in t["comments"]), key=lambda row: int(row["id"])),
        "attachments": files.make(made),
    }
    cards.check_all(made)
    outputs = {
        HERE / "helpdesk.json": document(seed),
        EVENTS / "zendesk.ndjson": "".join(json.dumps(e["body"], ensure_ascii=False) + "\n" for e in recorded),
        EVENTS / "expected.json": document(expected),
    }
    for path, text in outputs.items():
        if "--check" in sys.argv:
            if path.read_text(encoding="utf-8") != text:
                sys.exit(f"{path} is not what generate.py makes")
        else:
            path.write_text(text, encoding="utf-8")
    print({name: len(rows) for name, rows in {**seed, "events": recorded, **expected}.items()})
    print(Counter(e["body"]["type"].rsplit(".", 1)[1] for e in recorded))
    print(sorted(Counter(int(e["body"]["detail"]["id"]) % 12 for e in recorded).items()))


def give_brands(made, recorded):
    """Events speak of tickets of the first brand; of the others, those with an even number belong to the second."""
    spoken_of = {event["ticket"]["row"]["id"] for event in recorded}
    for row in (ticket["row"] for ticket in made):
        second = row["id"] not in spoken_of and int(row["id"]) % 2 == 0
        row["brand_id"] = SECOND_BRAND if second else events.BRAND


def people_of(rng):
    """Organizations, and users: agents first, then customers of each organization, then some of none."""
    organizations, users = [], []

    def user(name, domain, locale, zone, role, organization):
        mailbox = "".join(c for c in cards.ascii(name).lower().replace(" ", ".") if c.isalnum() or c in ".-")
        number = f"+1 {rng.choice(people.AREA_CODES)}-555-01{rng.randrange(100):02}"
        users.append({
            "id": str(9010001 + 7 * len(users)), "name": name, "email": f"{mailbox}@{domain}",
            "phone": number if rng.random() < 0.8 else None, "role": role, "organization_id": organization,
            "tags": sorted(rng.sample(["beta", "billing-contact", "newsletter", "power-user"], rng.choice([0, 0, 1, 2]))),
            "locale": locale, "time_zone": zone,
        })

    for name, locale, zone, role in people.AGENTS:
        user(name, "support.example.com", locale, zone, role, None)
    waiting = {region: list(rows) for region, rows in people.CUSTOMERS.items()}
    for at, (name, domain, tags, plan, region, seats, count) in enumerate(people.ORGANIZATIONS):
        organization = str(361001 + 13 * at)
        fields = [{"id": "plan", "value": plan}, {"id": "region", "value": region}, {"id": "seats", "value": seats}]
        organizations.append({
            "id": organization, "name": name, "domain_names": [domain], "tags": tags, "organization_fields": fields,
        })
        for _ in range(min(count, len(waiting[region]))):
            user(*((row := waiting[region].pop(0))[0], domain, row[1], row[2], "end-user", organization))
    for rows in waiting.values():
        for name, locale, zone in rows[:2]:
            user(name, "mail.example.net", locale, zone, "end-user", None)
    return organizations, users


if __name__ == "__main__":
    main()
