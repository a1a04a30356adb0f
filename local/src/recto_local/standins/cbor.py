"""The part of CBOR (RFC 8949) that AWS's RPC protocol uses: what boto3 speaks to Textract nowadays.

Maps, lists, text, bytes, whole numbers, floats, booleans, null and times (tag 1); nothing else.
"""

import struct
from datetime import UTC, datetime
from typing import Any

BREAK = object()
SIMPLE = {20: False, 21: True, 22: None, 23: None}
FLOATS = {25: ("e", 2), 26: ("f", 4), 27: ("d", 8)}


class CborError(ValueError):
    """Bytes that are not the CBOR we know."""


def dumps(value: Any) -> bytes:
    """The value as CBOR."""
    out = bytearray()
    _write(value, out)
    return bytes(out)


def loads(content: bytes) -> Any:
    """The one value in the bytes."""
    try:
        value, end = _read(content, 0)
    except (IndexError, struct.error, ValueError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise CborError(f"not CBOR: {error}") from error
    if end != len(content) or value is BREAK:
        raise CborError(f"expected one value in {len(content)} bytes, it ended at {end}")
    return value


def _write(value: Any, out: bytearray) -> None:
    if value is None or isinstance(value, bool):
        out.append(0xF6 if value is None else 0xF4 + value)
    elif isinstance(value, int):
        _write_head(*((0, value) if value >= 0 else (1, -1 - value)), out)
    elif isinstance(value, float):
        out += b"\xfb" + struct.pack(">d", value)
    elif isinstance(value, str | bytes):
        content = value.encode() if isinstance(value, str) else value
        _write_head(3 if isinstance(value, str) else 2, len(content), out)
        out += content
    elif isinstance(value, datetime):
        out += b"\xc1\xfb" + struct.pack(">d", value.timestamp())
    elif isinstance(value, dict):
        _write_head(5, len(value), out)
        for key, item in value.items():
            _write(key, out)
            _write(item, out)
    elif isinstance(value, list | tuple):
        _write_head(4, len(value), out)
        for item in value:
            _write(item, out)
    else:
        raise CborError(f"cannot write {type(value).__name__}")


def _write_head(major: int, number: int, out: bytearray) -> None:
    if number < 24:
        out.append(major << 5 | number)
        return
    for info, (form, limit) in enumerate(
        (("B", 1 << 8), ("H", 1 << 16), ("I", 1 << 32), ("Q", 1 << 64)), start=24
    ):
        if number < limit:
            out.append(major << 5 | info)
            out += struct.pack(f">{form}", number)
            return
    raise CborError(f"{number} is too large")


def _read(content: bytes, at: int) -> tuple[Any, int]:
    major, info = content[at] >> 5, content[at] & 31
    if major == 7:
        return _read_simple(content, at + 1, info)
    number, at = _read_number(content, at + 1, info)
    if major <= 1:
        return (number if major == 0 else -1 - number), at
    if major in (2, 3):
        return _read_string(content, at, major, number)
    if major == 6:
        value, at = _read(content, at)
        return (datetime.fromtimestamp(value, UTC) if number == 1 else value), at
    items, at = _read_items(content, at, number * (2 if major == 5 else 1))
    return (dict(zip(items[::2], items[1::2], strict=True)) if major == 5 else items), at


def _read_number(content: bytes, at: int, info: int) -> tuple[int, int]:
    """The number in a head; -1 for an open end."""
    if info < 24:
        return info, at
    if info == 31:
        return -1, at
    if info > 27:
        raise CborError(f"reserved length {info}")
    size = 1 << (info - 24)
    if at + size > len(content):
        raise CborError("the content ends inside a number")
    return int.from_bytes(content[at : at + size]), at + size


def _read_string(content: bytes, at: int, major: int, length: int) -> tuple[Any, int]:
    if length < 0:
        parts, at = _read_items(content, at, -1)
        return ("" if major == 3 else b"").join(parts), at
    if at + length > len(content):
        raise CborError("the content ends inside a string")
    piece = content[at : at + length]
    return (piece.decode() if major == 3 else piece), at + length


def _read_items(content: bytes, at: int, count: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while count < 0 or len(items) < count:
        item, at = _read(content, at)
        if item is BREAK:
            return items, at
        items.append(item)
    return items, at


def _read_simple(content: bytes, at: int, info: int) -> tuple[Any, int]:
    if info == 31:
        return BREAK, at
    if info in FLOATS:
        form, size = FLOATS[info]
        return struct.unpack(f">{form}", content[at : at + size])[0], at + size
    if info not in SIMPLE:
        raise CborError(f"unknown simple value {info}")
    return SIMPLE[info], at
