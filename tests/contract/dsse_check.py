"""Checks our envelopes with a verifier that is not ours: PyPI securesystemslib, at the version in requirements.txt.

    python dsse_check.py < question.json > answer.json

The question has two public keys in hexadecimal (`keys`) and three envelopes: signed by the first key (`one`), by both
(`two`), and twice by the first (`doubled`). Each must be accepted or refused as DSSE asks, as it is and after each of the
changes below. The answer has one line a check (`checks`), and the other way round an envelope and a key of
securesystemslib's own (`theirs`, `key`) for our verifier. Exits with 0 only where all checks hold.
"""

import base64
import copy
import hashlib
import json
import sys

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey


def key(public):
    """A key under the id that we give it: the SHA-256 of its bytes."""
    keyid = hashlib.sha256(bytes.fromhex(public)).hexdigest()
    return SSlibKey(keyid, "ed25519", "ed25519", {"public": public})


def refusal(envelope, keys, threshold):
    """Why an envelope is refused; None: it is accepted."""
    try:
        # A copy: from_dict changes what it is given.
        Envelope.from_dict(copy.deepcopy(envelope)).verify(keys, threshold)
    except (VerificationError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def flipped(text, at):
    """Base64 of the same bytes but for one bit."""
    raw = bytearray(base64.b64decode(text))
    raw[at] ^= 1
    return base64.b64encode(raw).decode()


def with_signature(envelope, index, **changes):
    changed = copy.deepcopy(envelope)
    changed["signatures"][index].update(changes)
    return changed


def checks(question):
    """Each check: its name, whether it should be accepted, and why it is not."""
    first, second = map(key, question["keys"])
    one, two, doubled = question["one"], question["two"], question["doubled"]
    yield "1 of 1", True, refusal(one, [first], 1)
    yield "1 of 2 keys", True, refusal(one, [second, first], 1)
    yield "2 of 2", True, refusal(two, [first, second], 2)
    yield "another's key", False, refusal(one, [second], 1)
    yield "1 signature at threshold 2", False, refusal(one, [first, second], 2)
    yield "one key twice at threshold 2", False, refusal(doubled, [first, second], 2)
    # Under the other key's id, so that it is not the id alone that gives it away.
    renamed = with_signature(doubled, 1, keyid=second.keyid)
    yield "one key twice under two ids at threshold 2", False, refusal(renamed, [first, second], 2)
    other = "application/vnd.portcullis.root.v1+json"
    yield "another payloadType", False, refusal({**one, "payloadType": other}, [first], 1)
    length = len(base64.b64decode(one["payload"]))
    for at in range(0, length, max(1, length // 20)):
        changed = {**one, "payload": flipped(one["payload"], at)}
        yield f"a flipped bit at {at} of the payload", False, refusal(changed, [first], 1)
    for at in range(0, 64, 3):
        changed = with_signature(one, 0, sig=flipped(one["signatures"][0]["sig"], at))
        yield f"a flipped bit at {at} of the signature", False, refusal(changed, [first], 1)
    second_changed = with_signature(two, 1, sig=flipped(two["signatures"][1]["sig"], 0))
    yield "one of two changed", False, refusal(second_changed, [first, second], 2)


def main():
    lines, wrong = [], 0
    question = json.load(sys.stdin)
    for name, accepted, why in checks(question):
        holds = (why is None) == accepted
        wrong += not holds
        lines.append(f"{'ok' if holds else 'WRONG'}: {name}: {'accepted' if why is None else f'refused, {why}'}")
    signer = CryptoSigner.generate_ed25519()
    theirs = Envelope(b'{"by":"securesystemslib"}', "application/vnd.in-toto+json", {})
    theirs.sign(signer)
    answer = {"checks": lines, "theirs": theirs.to_dict(), "key": signer.public_key.keyval["public"]}
    json.dump(answer, sys.stdout, indent=1)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
