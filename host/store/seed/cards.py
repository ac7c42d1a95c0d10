"""Card numbers in the seed: where they are, what covering them gives, and the check that nothing else looks like one."""

import re
import unicodedata

COVER = "\u2587"
RUN = re.compile(r"\d(?:\D{0,5}\d)*", re.DOTALL)


def ascii(text):
    plain = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("ð", "d").replace("ı", "i").replace("ł", "l"))
    return "".join(c for c in plain if ord(c) < 128)


def luhn(digits):
    total = 0
    for at, digit in enumerate(reversed([int(d) for d in digits])):
        doubled = digit * 2 if at % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def branded(digits):
    """Wider than any network's ranges, so that a text that passes here passes a careful detector too."""
    return digits[0] in "3456" or "2221" <= digits[:4] <= "2720"


def windows(digits):
    """Every stretch of digits that could be taken for a card number."""
    for size in range(12, 20):
        for at in range(len(digits) - size + 1):
            if branded(digits[at:at + size]) and luhn(digits[at:at + size]):
                yield digits[at:at + size]


def digits_of(text):
    return "".join(str(unicodedata.digit(c)) for c in text if c.isdigit())


def unmark(text):
    """Takes the marks away: the text, and the stretches [first, past the last) of its card numbers, in characters."""
    plain, spans, start = [], [], 0
    for c in text:
        if c == "[":
            start = len(plain)
        elif c == "]":
            spans.append((start, len(plain)))
        else:
            plain.append(c)
    return "".join(plain), spans


def covered_spans(text, spans):
    """Runs of the characters to cover: the digits of each number, less its first 6 and last 4."""
    runs = []
    for start, end in spans:
        at = [i for i in range(start, end) if text[i].isdigit()]
        for i in at[6:-4]:
            if runs and runs[-1][1] == i:
                runs[-1][1] = i + 1
            else:
                runs.append([i, i + 1])
    return runs


def cover(text, runs):
    chars = list(text)
    for start, end in runs:
        chars[start:end] = COVER * (end - start)
    return "".join(chars)


def fill_look_alike(rng, text):
    """Puts digits where a look-alike's text asks for them."""
    def iban(match):
        length = int(match[2]) - 2
        while True:
            account = "".join(rng.choice("0123456789") for _ in range(length))
            letters = "".join(str(ord(c) - 55) for c in match[1])
            check = f"{98 - int(account + letters + '00') % 97:02}"
            if not any(windows(check + account)):
                whole = match[1] + check + account
                return " ".join(whole[i:i + 4] for i in range(0, len(whole), 4))

    def nothing(match):
        while True:
            digits = match[1] + "".join(rng.choice("0123456789") for _ in range(int(match[2])))
            if not any(windows(digits)):
                return " ".join(digits[i:i + 4] for i in range(0, len(digits), 4)) if rng.random() < 0.5 else digits

    def checked(match):
        while True:
            tail = "".join(rng.choice("0123456789") for _ in range(int(match[2])))
            if luhn(digits_of(match[1]) + tail):
                return match[1] + tail

    text = re.sub(r"([A-Z]{2})#(\d+)i", iban, text)
    text = re.sub(r"(\d+)#(\d+)", nothing, text)
    return re.sub(r"(\+[\d ]+)~(\d+)", checked, text)


def check_all(tickets):
    """No comment has anything that looks like a card number but those that were put there."""
    for ticket in tickets:
        for comment in ticket["comments"]:
            text, spans = comment["row"]["body"], comment["spans"]
            runs = [m.span() for m in RUN.finditer(text)]
            for span in spans:
                digits = digits_of(text[slice(*span)])
                assert span in runs and luhn(digits) and branded(digits) and 12 <= len(digits) <= 19, text
            for run in runs:
                free = comment["kind"] in ("phone number", "number in a URL") or run in spans
                assert free or not any(windows(digits_of(text[slice(*run)]))), text
