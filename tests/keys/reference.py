#!/usr/bin/env python3
"""A second implementation of the key encoding, written from its page (idempotent/docs/keys.md) and not from the
Rust code, and the golden vectors that both must agree on.

    python3 tests/keys/reference.py > tests/keys/golden.tsv

A line is: name, what it is (key, fingerprint, shape, uuid; "peppered" and "long peppered" are keys of a process with a
pepper), the bytes that are hashed ("-" when there are more than 100), the result. Lines are only ever added: a changed line means that keys stored by older releases are lost.
"""

import hashlib
import hmac
import uuid

VERSION = b"\x01"
END = b"\x00"


class Some:
    def __init__(self, value):
        self.value = value


class Variant:
    """Without content, `content` is empty."""

    def __init__(self, name, *content):
        self.name, self.content = name, content


class Format:
    """The pieces of a format string, filled in: text and hole in turn, beginning and ending with a text."""

    def __init__(self, *pieces):
        assert len(pieces) % 2 == 1
        self.pieces = pieces


class Secret:
    """A secret, with the pepper of the process. A secret without a pepper is its value."""

    def __init__(self, pepper, value):
        self.pepper, self.value = pepper, value


UNIT = object()


def text(value):
    return b"\x08" + value.encode() + b"\xff"


def value(v):
    if v is UNIT:
        return b"\x01"
    if v is False:
        return b"\x02"
    if v is True:
        return b"\x03"
    if v is None:
        return b"\x04"
    if isinstance(v, Some):
        return b"\x05" + value(v.value)
    if isinstance(v, int):
        size = (abs(v).bit_length() + 7) // 8
        return (b"\x07" if v < 0 else b"\x06") + bytes([size]) + abs(v).to_bytes(size, "big")
    if isinstance(v, str):
        return text(v)
    if isinstance(v, bytes):
        return b"\x09" + len(v).to_bytes(8, "big") + v
    if isinstance(v, (list, tuple)):
        return b"\x0a" + b"".join(value(e) for e in v) + END
    if isinstance(v, dict):
        entries = sorted((value(k), value(e)) for k, e in v.items())
        return b"\x0b" + b"".join(k + e for k, e in entries) + END
    if isinstance(v, Variant):
        content = value(v.content[0]) if v.content else END
        return b"\x0c" + text(v.name) + content
    if isinstance(v, Format):
        return b"\x0d" + b"".join(value(p) for p in v.pieces) + END
    if isinstance(v, Secret):
        return b"\x0e" + hmac.digest(v.pepper, VERSION + b"p" + value(v.value) + END, "sha256")
    raise TypeError(v)


def key_bytes(scope, operation, *parts):
    return VERSION + b"k" + text(scope) + text(operation) + b"".join(value(p) for p in parts) + END


def sha(b):
    return hashlib.sha256(b).digest()


def line(name, what, hashed, result):
    print(name, what, hashed.hex() if len(hashed) <= 100 else "-", result, sep="\t")


def key(name, *parts, scope="", operation="op", what="key"):
    hashed = key_bytes(scope, operation, *parts)
    line(name, what, hashed, sha(hashed).hex())


def fingerprint(name, **arguments):
    hashed = VERSION + b"f" + b"".join(value(v) for v in arguments.values()) + END
    line(name + "/values", "fingerprint", hashed, sha(hashed).hex())
    hashed = VERSION + b"s" + b"".join(text(n) for n in arguments) + END
    line(name + "/names", "shape", hashed, sha(hashed).hex())


def request_id(name, key, label=None):
    hashed = VERSION + b"r" + key + (b"" if label is None else text(label)) + END
    b = bytearray(sha(hashed)[:16])
    b[6] = b[6] & 0x0F | 0x80
    b[8] = b[8] & 0x3F | 0x80
    line(name, "uuid", hashed, uuid.UUID(bytes=bytes(b)))


key("no parts")
key("two parts", "p1", "2026-01-05")
key("scope", "p1", scope="tenant")
key("operation", "p1", operation="appointments.create")

for n in (0, 1, 127, 128, 255, 256, 65535, 65536, 2**63, 2**64 - 1, 2**64, 2**128 - 1):
    key(f"integer {n}", n)
for n in (-1, -128, -256, -(2**63), -(2**127)):
    key(f"integer {n}", n)

key("text empty", "")
key("text 1", "1")
key("text a", "a")
key("text beyond ASCII", "zażółć 😀")
key("text with NUL", "a\0b")
key("text uuid", "67e55044-10b1-426f-9247-bb680e5fe0c8")
key("text ip", "192.168.0.1")
key("bytes empty", b"")
key("bytes 1 2 3", bytes([1, 2, 3]))
key("array 1 2 3", [1, 2, 3])

key("unit", UNIT)
key("false", False)
key("true", True)
key("none", None)
key("some 1", Some(1))
key("some unit", Some(UNIT))
key("some none", Some(None))

key("sequence empty", [])
key("tuple a b", ("a", "b"))
key("tuple ab empty", ("ab", ""))
key("sequence nested", [[], [1], [[2, 3]]])

visit = {"patient": "p1", "at": {"room": 12, "day": Some("mon")}, "tags": ["x"]}
key("struct", visit)
key("struct without fields", {})
key("map text keys", {"b": 1, "a": 2, "": 3, "aa": 4})
key("map integer keys", {300: "c", -1: "a", 2: "b"})
key("map tuple keys", {("a", 1): True, ("a",): False})
key("map of 40", {f"k{n}": n * n for n in range(40)})

key("variant unit", Variant("Booked"))
key("variant newtype", Variant("Moved", "tue"))
key("variant newtype of unit", Variant("Moved", UNIT))
key("variant tuple", Variant("Between", [1, 2]))
key("variant struct", Variant("Failed", {"reason": "full", "code": 7}))

# Around the 512 bytes that are held on the stack, outside of a struct and inside one.
for n in (480, 490, 500, 505, 506, 507, 508, 509, 510, 511, 512, 513, 1024, 100_000):
    key(f"text of {n}", "x" * n)
    key(f"struct with text of {n}", {"z": 1, "text": "x" * n, "a": 2}, "next")

fingerprint("no arguments")
fingerprint("arguments", amount=500, currency="PLN")

request_id("request id", bytes(range(32)))
request_id("request id without text", bytes(range(32)), "")
request_id("request id charge", bytes(range(32)), "charge")

key("format one hole", Format("", "1", ""))
key("format two holes", Format("", "a", ":", "b", ""))
key("format two holes apart", Format("", "a:b", ":", "", ""))
key("format holes side by side", Format("order ", "7", "", "x", "!"))
key("format without holes", Format("a"))
key("format of a text of 600", Format("n", "x" * 600, ""), "next")

# A short pepper is filled up to the block of SHA-256, a long one is hashed.
for what, pepper in (("peppered", bytes(range(16))), ("long peppered", bytes(range(100)))):
    key("secret text", Secret(pepper, "123-45-6789"), what=what)
    key("secret number", "a", Secret(pepper, 17), "b", what=what)
    key("secret struct", Secret(pepper, {"name": "ann", "born": 1815}), what=what)
    key("secret in a hole", Format("", Secret(pepper, "17"), ":", "b", ""), what=what)
    hashed = VERSION + b"f" + value(Secret(pepper, "123-45-6789")) + END
    line("secret argument", what, hashed, sha(hashed).hex())
