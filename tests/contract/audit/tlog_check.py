"""Checks an audit log with a verifier that is not ours: PyPI aics-tlog 0.2 (needs Python 3.12).

    python tlog_check.py <log directory> <log.vkey> [<older checkpoint>]

Checks the checkpoint's signature, every tile and every entry bundle against the signed root, inclusion proofs of
entries all over the log, and, where an older checkpoint is given, that the log only grew since. Then changes one bit of
each file of a copy, and expects that to be noticed. Prints one line a check; exits with 0 only where all hold.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from aics_tlog.checkpoint import checkpoint_from_note, verify_checkpoint
from aics_tlog.hashing import leaf_hash
from aics_tlog.note import parse_note, read_vkey_file
from aics_tlog.tiles import FileSystemTileReader, consistency_proof_from_tiles, inclusion_proof_from_tiles, read_entry
from aics_tlog.tree import verify_consistency, verify_inclusion
from aics_tlog.verified import audit_tiles

MOST_FLIPS = 40


def signed_head(note, key):
    """The head in a signed note. Raises ValueError where the signature or the origin is wrong."""
    result = verify_checkpoint(parse_note(note), key, expected_origin=key.name)
    if not result.ok:
        raise ValueError(result.error)
    return checkpoint_from_note(note)[0]


def check(log, key):
    """Signature, every tile, every entry. Gives the head, and how many files were checked."""
    head = signed_head((log / "checkpoint").read_bytes(), key)
    report = audit_tiles(FileSystemTileReader(log), head.size, head.root)
    return head, report.tiles + report.bundles


def check_inclusion(log, head):
    """Proofs of up to 100 entries."""
    reader, step = FileSystemTileReader(log), max(1, head.size // 100)
    indexes = sorted({*range(0, head.size, step), head.size - 1} if head.size else set())
    for index in indexes:
        leaf = leaf_hash(read_entry(reader, index, head.size))
        proof = inclusion_proof_from_tiles(reader, index, head.size)
        if not verify_inclusion(leaf, index, head.size, proof, head.root):
            raise ValueError(f"entry {index} is not proven to be in the log")
    return len(indexes)


def check_consistency(log, older, head):
    """That the older head is the beginning of this one."""
    proof = consistency_proof_from_tiles(FileSystemTileReader(log), older.size, head.size)
    if not verify_consistency(older.size, head.size, older.root, head.root, proof):
        raise ValueError(f"the log of {head.size} entries does not continue that of {older.size}")


def unnoticed_flips(log, key, size):
    """The files in a copy of the log of which one changed bit is not noticed."""
    needed = [p.relative_to(log) for p in sorted(log.rglob("*")) if p.is_file() and is_needed(p.relative_to(log), size)]
    unnoticed = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "log"
        shutil.copytree(log, copy)
        for name in needed[:: max(1, len(needed) // MOST_FLIPS)]:
            good = (copy / name).read_bytes()
            at = len(good) // 2
            (copy / name).write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            try:
                check(copy, key)
                unnoticed.append(str(name))
            except (ValueError, OSError):
                pass
            (copy / name).write_bytes(good)
    return unnoticed


def is_needed(name, size):
    """Whether the log needs this file at this size: not the partial files of older sizes."""
    if len(name.parts) < 2 or not name.parent.name.endswith(".p"):
        return True
    level = 0 if name.parts[1] == "entries" else int(name.parts[1])
    return int(name.name) == (size >> (8 * level)) % 256


def main():
    log, key = Path(sys.argv[1]), read_vkey_file(Path(sys.argv[2]).read_text())
    head, files = check(log, key)
    print(f"ok: checkpoint of {head.origin}, {head.size} entries; {files} tiles and bundles lead to its root")
    print(f"ok: {check_inclusion(log, head)} inclusion proofs")
    if len(sys.argv) > 3:
        older = signed_head(Path(sys.argv[3]).read_bytes(), key)
        check_consistency(log, older, head)
        print(f"ok: continues the checkpoint at {older.size} entries")
    if unnoticed := unnoticed_flips(log, key, head.size):
        sys.exit(f"a changed bit was not noticed in: {', '.join(unnoticed)}")
    print("ok: a changed bit is noticed in each file that was tried")


if __name__ == "__main__":
    main()
