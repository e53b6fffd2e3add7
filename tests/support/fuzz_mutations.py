"""Changes of files as strangers, bad disks and attackers make them: of the bytes, and of what the format means.

A change of a format keeps the rest of it whole (checksums, lengths, compression), so that it reaches the code behind
the decoder.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

_NUMBERS = (
    "-1", "0", "1e999", "-1e999", "NaN", "Infinity", "-0", "1e308", "5e-324", "0.5", "2147483648", "-2147483649",
    "9223372036854775808", "18446744073709551616", "9" * 400, "9" * 5000, "0x10", "1_000", "٣", "",
)  # fmt: skip
_TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "\ufeff", "\u2028", "a\nb", "\x1b[31m", "../../../etc/passwd", "/dev/zero", "..",
    "/", "{0}", "{text.__class__}", "{", "%s", "nan", "1e999", "-1", "９", "x" * 300, "x" * 100_000, "ß" * 5000, "🐕",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, [], {}, "", 0, -1, 1.5, [[]], [None], {"": None}, {"a": {"a": {}}}, ["x"] * 1000, 2**31, 2**63,
    2**64, -(2**63), 10**400, 1e308, float("inf"), float("-inf"), float("nan"), 5e-324,
)  # fmt: skip
_INTEGERS = (0, 1, -1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 2**63 - 1, 2**64 - 1, 2**62)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_BROKEN = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError, struct.error,
    zlib.error, tarfile.TarError, zipfile.BadZipFile, pickle.UnpicklingError,
)  # fmt: skip
_PNG = b"\x89PNG\r\n\x1a\n"


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Returns a file's content with one to three changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = _once(data, rng)
    return data


def _once(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.2:
        return change_bytes(data, rng)
    try:
        return _by_format(data)(data, rng)
    except _BROKEN:  # an earlier change has broken the format
        return change_bytes(data, rng)


def _by_format(data: bytes) -> Callable[[bytes, random.Random], bytes]:
    if data.startswith(b"\x1f\x8b"):
        return lambda data, rng: gzip.compress(mutate(gzip.decompress(data), rng), 1)
    if data.startswith(_PNG):
        return _png
    if data.startswith(b"PK\x03\x04"):
        return _zip
    if data[257:262] == b"ustar":
        return _tar
    if data[:1] == b"\x80" and data.endswith(b"."):
        return _pickle
    if data[8:9] == b"{" and struct.unpack("<Q", data[:8])[0] < len(data):
        return _safetensors
    if b"\0" in data[:4096]:
        return change_bytes
    if data.lstrip()[:1] in (b"{", b"["):
        return _json
    return change_text


def change_bytes(data: bytes, rng: random.Random) -> bytes:
    """Returns bytes of which some are flipped, cut, doubled, moved or replaced by extreme numbers."""
    if not data:
        return rng.choice((b"\0", b"{", b"\xff" * 9, b"\n"))
    at = rng.randrange(len(data)) if rng.random() < 0.6 else rng.randrange(min(len(data), 256))
    length = rng.choice((1, 2, 4, 8, 16, 64, 512, 4096))
    part = data[at : at + length]
    match rng.randrange(12):
        case 0 | 1 | 2:
            changed = bytearray(data)
            for _ in range(rng.choice((1, 1, 2, 8, 32))):
                place = rng.randrange(len(data))
                changed[place] = rng.choice((changed[place] ^ (1 << rng.randrange(8)), rng.randrange(256), 0, 0xFF))
            return bytes(changed)
        case 3:
            return data[:at]
        case 4:
            return data[: at + length] + part + data[at + length :]
        case 5:
            return data[:at] + data[at + length :]
        case 6:
            return data[:at] + bytes([rng.choice((0, 0xFF))]) * len(part) + data[at + length :]
        case 7 | 8:
            width, order = rng.choice((1, 2, 4, 8)), rng.choice(("<", ">"))
            value = rng.choice(_INTEGERS) % 2 ** (8 * width)
            return data[:at] + struct.pack(f"{order}{'BHIQ'['1248'.index(str(width))]}", value) + data[at + width :]
        case 9:
            return data[:at] + rng.choice((b"\0", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xff\xfe", b"\n")) + data[at:]
        case 10:
            return data[at:] + data[:at]
        case _:
            return rng.choice((b"", data * 2, part, data + part, b"\xef\xbb\xbf" + data))


def change_text(data: bytes, rng: random.Random) -> bytes:
    """Returns text with a line, a number or a separator changed."""
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    match rng.randrange(9):
        case 0 | 1 | 2:
            found = list(_NUMBER.finditer(text))
            if not found:
                return change_bytes(data, rng)
            place = rng.choice(found)
            text = text[: place.start()] + rng.choice(_NUMBERS) + text[place.end() :]
        case 3:
            text = "\n".join(lines[:at] + lines[at + 1 :])
        case 4:
            text = "\n".join(lines[: at + 1] + lines[at:])
        case 5:
            sign = rng.choice((",", "\t", "|", '"', "<", ">", ":", "#", " ", "{", "}", "/", "."))
            text = text.replace(sign, rng.choice(("", sign * 2, "\t", ";", "\0")), rng.choice((1, 1, -1)))
        case 6:
            words = lines[at].split(rng.choice((",", "\t", " ", "|", '"', ">")))
            words[rng.randrange(len(words))] = rng.choice(_TEXTS)
            lines[at] = rng.choice((",", "\t", " ")).join(words)
            text = "\n".join(lines)
        case 7:
            text = text.replace("\n", rng.choice(("\r\n", "\r", "\n\n", "")))
        case _:
            lines.insert(at, rng.choice(_TEXTS))
            text = "\n".join(lines)
    return text.encode("utf-8", "surrogatepass" if "\ud800" in text else "surrogateescape")


def _json(data: bytes, rng: random.Random) -> bytes:
    """Changes one value of JSON, or of one line of JSON lines."""
    text = data.decode()
    if rng.random() < 0.15:
        return change_text(data, rng)
    try:
        return _dumped(change_value(json.loads(text), rng), rng)
    except ValueError:
        lines = text.split("\n")
        at = rng.choice([place for place, line in enumerate(lines) if line.strip()])
        lines[at] = _dumped(change_value(json.loads(lines[at]), rng), rng).decode("utf-8", "surrogatepass")
        return "\n".join(lines).encode("utf-8", "surrogatepass")


def _dumped(value: Any, rng: random.Random) -> bytes:
    return json.dumps(value, ensure_ascii=rng.random() < 0.7).encode("utf-8", "surrogatepass")


def change_value(value: Any, rng: random.Random) -> Any:
    """Returns nested lists and dicts with a value replaced, removed, doubled, renamed or nested without end."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        match rng.randrange(8):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                new = rng.choice(_TEXTS) if isinstance(key, str) else rng.choice((None, 2**64, "x"))
                return {(new if k == key else k): v for k, v in value.items()}
            case _:
                return value | {key: change_value(value[key], rng)}
    if isinstance(value, list | tuple) and value and rng.random() < 0.85:
        parts, at = list(value), rng.randrange(len(value))
        match rng.randrange(8):
            case 0:
                del parts[at]
            case 1:
                parts.insert(at, parts[at])
            case _:
                parts[at] = change_value(parts[at], rng)
        return parts
    match rng.randrange(6):
        case 0:
            return rng.choice(_TEXTS)
        case 1 if isinstance(value, str):
            return value + rng.choice(_TEXTS)
        case 2:
            deep: Any = value
            for _ in range(rng.choice((2, 60, 300))):
                deep = [deep]
            return deep
        case _:
            return rng.choice(_VALUES)


def _png(data: bytes, rng: random.Random) -> bytes:
    """Changes a chunk of a PNG and sums it up again."""
    chunks, at = [], len(_PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + length]])
        at += 12 + length
    place = rng.randrange(len(chunks))
    name, content = chunks[place]
    match rng.randrange(5):
        case 0 | 1 if name == b"IHDR":
            width, height, bits, colour, *rest = struct.unpack(">IIBBBBB", content)
            width = rng.choice((width, 0, 1, 100_000, 2**31 - 1, 8193))
            height = rng.choice((height, 0, 1, 100_000, 2**31 - 1, 8193))
            bits, colour = rng.choice((bits, 1, 8, 16)), rng.choice((colour, 0, 2, 3, 4, 6))
            chunks[place][1] = struct.pack(">IIBBBBB", width, height, bits, colour, *rest)
        case 2 if name == b"IDAT":
            pixels = zlib.decompress(content)
            chunks[place][1] = zlib.compress(rng.choice((change_bytes(pixels, rng), pixels * 100, pixels[:-1], b"")))
        case 3:
            chunks.insert(place, chunks.pop(rng.randrange(len(chunks))))
        case _:
            chunks[place][1] = change_bytes(content, rng)
    return _PNG + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in chunks
    )


def _zip(data: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(entries))
    content = entries[name]
    if content.startswith(b"\x93NUMPY") and rng.random() < 0.7:
        length = 10 + struct.unpack("<H", content[8:10])[0]
        header = change_text(content[10:length], rng)[: 2**16 - 1]
        content = content[:8] + struct.pack("<H", len(header)) + header + content[length:]
    else:
        content = change_bytes(content, rng)
    entries[name] = content
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def _tar(data: bytes, rng: random.Random) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=file, mode="w") as new:
        members = old.getmembers()
        chosen = rng.randrange(len(members))
        for place, member in enumerate(members):
            opened = old.extractfile(member)
            content = b"" if opened is None else opened.read()
            if place == chosen:
                content = mutate(content, rng)
                if rng.random() < 0.2:
                    member.name = rng.choice(("../../x.jpg", "/etc/x.jpg", "ä" * 200 + ".jpg", "noending", "a/.b"))
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    changed = bytearray(file.getvalue())
    if rng.random() < 0.3:  # a field of a header, summed up again
        at = 512 * rng.randrange(len(changed) // 512)
        start, length = rng.choice(((124, 12), (156, 1), (100, 8), (136, 12), (0, 4)))
        field = rng.choice((b"\xff" * 12, b"\x80" + b"\xff" * 11, b"77777777777\0", b"x5gSLK01237", b"\0" * 12))
        changed[at + start : at + start + length] = field[:length].ljust(length, b"\0")
        changed[at + 148 : at + 156] = b" " * 8
        changed[at + 148 : at + 156] = b"%06o\0 " % sum(changed[at : at + 512])
    return bytes(changed)


def _pickle(data: bytes, rng: random.Random) -> bytes:
    """Changes a value of a pickle that the tests themselves have written."""
    if rng.random() < 0.5:
        return change_bytes(data, rng)
    return pickle.dumps(change_value(pickle.loads(data), rng), rng.randrange(6))


def _safetensors(data: bytes, rng: random.Random) -> bytes:
    (length,) = struct.unpack("<Q", data[:8])
    header = _dumped(change_value(json.loads(data[8 : 8 + length]), rng), rng)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]
