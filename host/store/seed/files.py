"""The seed's files: small ones that came with comments. What is marked as infected is harmless text; the card number is a
published test number."""

RED = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415478da6338636c0c0003010133fa3fa8bf"
    "0000000049454e44ae426082")
CHECKED = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73000000134944415478da63504a9bf9ffff7f062006b20038"
    "c4083d077e48950000000049454e44ae426082")

# ticket, which of its comments (0 for the first), name, type, scan, content
FILES = [
    ("1005", 0, "voucher.png", "image/png", "clean", RED),
    ("1005", 0, "checkout-log.txt", "text/plain", "clean", "09:14:02 voucher entered\n09:14:03 voucher rejected: not valid for this basket\n"),
    ("1005", 2, "basket.csv", "text/csv", "clean", "item,count,price\nTern gateway,1,129.95\nOrbit dock,2,49.00\n"),
    ("1012", 0, "crack.png", "image/png", "clean", CHECKED),
    ("1012", 2, "box.png", "image/png", "unscanned", RED),
    ("1019", 0, "contacts.csv", "text/csv", "clean", 'name,city\n"Zoë Lund",Århus\n"O\'Hara "Tom"",Cork\n'),
    ("1042", 0, "display.png", "image/png", "clean", RED),
    ("1046", 0, "statement.txt", "text/plain", "clean", "Card 4111 1111 1111 1111\nEUR 49.00 NW-94914\nEUR 49.00 NW-94914\n"),
    ("1065", 1, "invoices.csv", "text/csv", "clean", "number,amount\n2026-0117,EUR 1180.00\n2026-0203,USD 62.40\n"),
    ("1070", 0, "crash.txt", "text/plain", "clean", "Report 'Seats by month': 31 series\nmemory warning, then closed\n"),
    ("1071", 0, "macro.txt", "text/plain", "infected", "Stands for a file in which a scan found something. There is nothing in it.\n"),
    ("1218", 1, "note.txt", "text/plain", "clean", "Photos follow by post.\n"),
]


def make(made):
    """The files' rows, in the order of their tickets."""
    comments = {ticket["row"]["id"]: [c["row"]["id"] for c in ticket["comments"]] for ticket in made}
    return [
        {
            "id": str(360710001 + 17 * at), "ticket_id": ticket, "comment_id": comments[ticket][nth], "name": name,
            "content_type": content_type, "scan": scan, "content": content if isinstance(content, str) else list(content),
        }
        for at, (ticket, nth, name, content_type, scan, content) in enumerate(FILES)
    ]
