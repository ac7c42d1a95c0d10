"""Holds the platform API against PyPI zenpy, unmodified.

Environment: PLATFORM_URL, such as http://127.0.0.1:8787; TOKEN with everything granted; NARROW_TOKEN with subjects, statuses and
requesters of tickets and names of people, the personal ones masked; HELD_TOKEN whose installation has one request left in the hour.
Prints what it did, a line each, and ends with an error where anything is not as it should be.
"""

import os
import sys
from urllib.parse import urlsplit

place = urlsplit(os.environ["PLATFORM_URL"])
# zenpy's own way to another host than <subdomain>.zendesk.com.
os.environ["ZENPY_FORCE_SCHEME"] = place.scheme
os.environ["ZENPY_FORCE_NETLOC"] = place.netloc

from zenpy import Zenpy  # noqa: E402
from zenpy.lib.api_objects import Comment, Ticket  # noqa: E402
from zenpy.lib.exception import APIException, RatelimitBudgetExceeded, RecordNotFoundException  # noqa: E402


def client(token, **more):
    return Zenpy(subdomain="acme", oauth_token=os.environ[token], disable_cache=True, **more)


def say(what, *found):
    print(what + ":", *found)


def expect(condition, what):
    if not condition:
        sys.exit("zenpy: " + what)


def refused(what, kind, ask):
    try:
        ask()
    except kind as error:
        return error
    sys.exit("zenpy: not refused: " + what)


zenpy = client("TOKEN")
me = zenpy.users.me()
say("users.me", me.name, me.role)

ids = [ticket.id for ticket in zenpy.tickets()]
expect(len(ids) == len(set(ids)) > 100 and ids == sorted(ids, reverse=True), "all tickets, newest first, once each")
say("tickets", len(ids), "over more than one page, from", ids[0], "to", ids[-1])

ticket = zenpy.tickets(id=1005)
expect(ticket.id == 1005 and ticket.status == "open" and ticket.subject, "a ticket")
say("tickets(id=1005)", ticket.subject, "|", ticket.status, ticket.tags)

expect(ticket.requester.id == ticket.requester_id, "the requester, by a request of zenpy's own")
say("ticket.requester", ticket.requester.name, ticket.requester.role)
if ticket.organization_id:
    expect(ticket.organization.id == ticket.organization_id, "the organization")
    say("ticket.organization", ticket.organization.name)

ticket.comment = Comment(body="Looked at by zenpy.", public=False)
ticket.status = "pending"
ticket.tags.append("zenpy")
audit = zenpy.tickets.update(ticket)
expect(audit.ticket.status == "pending" and "zenpy" in audit.ticket.tags, "the change")
say("tickets.update", audit.ticket.status, audit.ticket.tags, [event["type"] for event in audit.audit.events])

comments = list(zenpy.tickets.comments(1005))
expect(comments[-1].body == "Looked at by zenpy." and not comments[-1].public, "the comment")
expect(comments[-1].author_id == me.id, "its author is the client itself")
say("tickets.comments", len(comments), "the last:", comments[-1].body, "public" if comments[-1].public else "internal")

found = [one.id for one in zenpy.search(type="ticket", status="pending", tags="zenpy")]
expect(found == [1005], "a search by status and tag")
say("search", found)
exported = [one.id for one in zenpy.search_export(type="ticket", status_less_than="solved")]
expect(exported and set(exported) < set(ids), "a search export")
say("search_export", len(exported), "tickets that are not solved")

changed = [one.id for one in zenpy.tickets.incremental(start_time=0)]
expect(set(ids) - set(changed) <= {1005}, "an export of all that changed, but for the last minute")
say("tickets.incremental", len(changed), "tickets, oldest change first")

organizations = [one.id for one in zenpy.organizations()]
expect(len(organizations) > 1, "organizations")
say("organizations", len(organizations), "the first:", zenpy.organizations(id=organizations[0]).name)
person = zenpy.users(id=ticket.requester_id)
same = list(zenpy.users.search(query="email:" + person.email))
expect(person.id in [one.id for one in same], "a person by address")
say("users.search", len(same), "by address")

refused("no such ticket", RecordNotFoundException, lambda: zenpy.tickets(id=999999))
say("tickets(id=999999)", "RecordNotFoundException")
zenpy.tickets.delete(Ticket(id=ids[-1]))
refused("a deleted ticket", RecordNotFoundException, lambda: zenpy.tickets(id=ids[-1]))
say("tickets.delete", ids[-1], "is gone")

narrow = client("NARROW_TOKEN")
shown = narrow.tickets(id=1005)
expect(shown.status == "pending" and shown.description is None and shown.tags is None, "what is not granted is absent")
expect(shown.subject != ticket.subject, "what is masked is masked")
say("with a narrow grant", "subject", repr(shown.subject), "description", shown.description)
denied = refused("a comment", APIException, lambda: narrow.tickets.update(Ticket(id=1005, comment=Comment(body="x", public=True))))
why = denied.response.json()["denial"]
expect(denied.response.status_code == 403 and why["scope"] == "tickets:comment visibility=public", "a denial")
say("denied", denied.response.status_code, why["scope"], "|", why["layer"], "|", why["grantor"])

wrong = Zenpy(subdomain="acme", email="agent@example.com", token="secret")
basic = refused("an API token", APIException, lambda: wrong.users.me())
expect(basic.response.status_code == 401, "API tokens do not exist")
say("an API token", basic.response.status_code, basic.response.json()["description"].split(";")[0])

held = client("HELD_TOKEN", ratelimit_budget=2)
held.users.me()
refused("what is beyond the hour", RatelimitBudgetExceeded, lambda: held.users.me())
say("beyond the hour", "429 with Retry-After, which zenpy keeps to")
