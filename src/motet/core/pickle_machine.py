"""The stack machine of pickles, reduced to what plain data needs and bounded in all that a file can ask for.

`pickle.Unpickler` allocates whatever a memo index asks for, hashes any key and nests without limit: ten bytes can take
gigabytes. This machine keeps the memo in a dict and counts steps, parts and depth while it builds.

Source: the opcodes of Python's `pickletools`, protocols 0 to 5.
"""

from __future__ import annotations

import codecs
import pickle
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

MAX_STEPS = 12_000_000
"""Opcodes of one pickle; the 142,210 expressions of RefCOCO need about five million."""
MAX_PARTS = 12_000_000
"""Values in what is built, where one that is used twice counts twice: whoever walks through it sees so many."""
MAX_CONTAINERS = 2_000_000
"""Lists, dicts and tuples; RefCOCO has half a million. One of them takes a byte of the file and 250 of memory."""
MAX_DEPTH = 64
"""Levels of lists in lists."""
_MAX_COPIES = 8  # of the bytes of the file, in what calls make of them
_KEYS = (str, int, bytes, float, bool, type(None))  # a key that is a tuple would be hashed through all its levels


class NotPlainError(Exception):
    """A class, function, stored object or encoding that a pickle refers to and that is not allowed."""


class LimitError(ValueError):
    """More steps, values, lists, levels or copies than plain data has."""


class Machine:
    """Builds the value of one pickle from lists, dicts, tuples, texts, bytes and numbers.

    Args:
        data: the pickle.
        name: returns the replacement for a global name, or None to refuse it.

    Raises:
        NotPlainError: the pickle refers to something that is not plain data.
        LimitError: it exceeds a limit.
        ValueError: it is damaged.
        LookupError: it is damaged.
    """

    def __init__(self, data: bytes, name: Callable[[str, str], Callable[..., Any] | None]) -> None:
        self._data, self._at, self._name = data, 0, name
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._built: list[Any] = []  # keeps containers alive, so that no id is used again
        self._parts: dict[int, int] = {}
        self._depth: dict[int, int] = {}
        self._placed: set[int] = set()
        self._copied = 0

    def run(self) -> Any:
        """Returns the value of the pickle."""
        for _ in range(MAX_STEPS):
            code = self._data[self._at]
            self._at += 1
            if code == _STOP:
                return self._stack.pop()
            step = _STEPS.get(code)
            if step is None:
                self._refuse(code)
            step(self)
        raise LimitError(f"more than {MAX_STEPS:,} steps")

    def _refuse(self, code: int) -> NoReturn:
        if code in _RUNS:
            raise NotPlainError(_RUNS[code])
        raise ValueError(f"the byte 0x{code:02x} in place of an opcode")

    # Reading of arguments

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise ValueError("an end within a value")
        found = self._data[self._at : end]
        self._at = end
        return found

    def _line(self) -> bytes:
        end = self._data.index(b"\n", self._at)
        found = self._data[self._at : end]
        self._at = end + 1
        return found

    def _number(self, count: int) -> int:
        return int.from_bytes(self._take(count), "little")

    # Opcodes

    def _skip(self, count: int) -> None:
        self._take(count)

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        found = self._stack[start:]
        del self._stack[start:]
        return found

    def _pop_mark(self) -> None:
        self._since_mark()

    def _put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def _memoize(self) -> None:
        self._put(len(self._memo))

    def _put_byte(self) -> None:
        self._memo[self._data[self._at]] = self._stack[-1]
        self._at += 1

    def _get(self, index: int) -> None:
        self._stack.append(self._memo[index])

    def _get_byte(self) -> None:
        self._stack.append(self._memo[self._data[self._at]])
        self._at += 1

    def _short_text(self) -> None:
        start = self._at + 1
        self._at = start + self._data[self._at]
        self._checked_text(start)

    def _text(self, count: int) -> None:
        length = self._number(count)
        start, self._at = self._at, self._at + length
        self._checked_text(start)

    def _checked_text(self, start: int) -> None:
        if self._at > len(self._data):
            raise ValueError("an end within a text")
        self._stack.append(str(self._data[start : self._at], "utf-8"))

    def _old_text(self, raw: bytes) -> None:
        """Pushes a string of Python 2, which is of bytes: most are UTF-8."""
        try:
            self._stack.append(raw.decode())
        except UnicodeDecodeError:
            self._stack.append(raw.decode("latin1"))

    def _quoted(self) -> None:
        line = self._line().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b'"', b"'"):
            raise ValueError("a text without quotes")
        self._old_text(codecs.escape_decode(line[1:-1])[0])

    def _integer_line(self) -> None:
        line = self._line().removesuffix(b"L")
        self._push({b"00": False, b"01": True}[line] if line in (b"00", b"01") else int(line))

    def _unicode_line(self) -> None:
        # Some releases of Python 2 wrote a character beyond the first 65,536 as two halves.
        halves = str(self._line(), "raw-unicode-escape").encode("utf-16", "surrogatepass")
        self._push(halves.decode("utf-16"))

    def _bytearray(self) -> None:
        self._push(self._take(self._number(8)))

    def _collect(self, kind: type) -> None:
        """Pushes the list, dict or tuple of all since the mark, as protocol 0 makes them."""
        found = self._since_mark()
        if kind is tuple:
            self._tuple(found)
            return
        self._container(kind)
        self._extend(self._stack[-1], found)

    def _container(self, kind: type) -> None:
        made = kind()
        self._keep(made)
        self._parts[id(made)] = self._depth[id(made)] = 1
        self._stack.append(made)

    def _keep(self, made: Any) -> None:
        if len(self._built) >= MAX_CONTAINERS:
            raise LimitError(f"more than {MAX_CONTAINERS:,} lists, dicts and tuples")
        self._built.append(made)

    def _tuple(self, parts: Sequence[Any]) -> None:
        made = tuple(parts)
        if made:  # there is only one empty tuple
            self._keep(made)
            self._parts[id(made)] = self._depth[id(made)] = 1
            self._place(made, made)
        self._stack.append(made)

    def _last(self, count: int) -> None:
        parts = self._stack[-count:]
        if len(parts) < count:
            raise ValueError("a tuple of fewer values")
        del self._stack[-count:]
        self._tuple(parts)

    def _append(self, count: int) -> None:
        parts = self._stack[-count:]
        del self._stack[-count:]
        self._extend(self._stack[-1], parts)

    def _append_all(self) -> None:
        parts = self._since_mark()
        self._extend(self._stack[-1], parts)

    def _extend(self, owner: Any, parts: list[Any]) -> None:
        self._place(owner, parts)
        if type(owner) is list:
            owner.extend(parts)
        elif type(owner) is dict and len(parts) % 2 == 0:
            keys = parts[::2]
            for key in keys:
                if type(key) not in _KEYS:
                    raise ValueError(f"a key of the type {type(key).__name__}")
            owner.update(zip(keys, parts[1::2], strict=True))
        else:
            raise ValueError(f"values for a {type(owner).__name__}")

    def _place(self, owner: Any, parts: Iterable[Any]) -> None:
        """Counts the parts of a container. One that is filled after it was used elsewhere could contain itself."""
        count, depth = 0, 0
        for part in parts:
            count += 1
            if type(part) in _CONTAINERS and part != ():
                key = id(part)
                self._placed.add(key)
                count += self._parts[key]
                depth = max(depth, self._depth[key])
        key = id(owner)
        if key in self._placed:
            raise ValueError("a list or dict that is filled after it was used")
        self._parts[key] = self._parts.get(key, 0) + count
        self._depth[key] = max(self._depth.get(key, 0), depth + 1)
        if self._parts[key] > MAX_PARTS:
            raise LimitError(f"more than {MAX_PARTS:,} values, of which some are used again and again")
        if self._depth[key] > MAX_DEPTH:
            raise LimitError(f"more than {MAX_DEPTH} lists within lists")

    def _global(self, module: str, name: str) -> None:
        found = self._name(module, name)
        if found is None:
            raise NotPlainError(f"{module}.{name}")
        self._stack.append(found)

    def _global_lines(self) -> None:
        module, name = self._line().decode(), self._line().decode()
        self._global(module, name)

    def _global_stack(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._global(str(module), str(name))

    def _call(self) -> None:
        given, called = self._stack.pop(), self._stack.pop()
        if type(given) is not tuple or not callable(called):
            raise ValueError("a call of something that is no function")
        self._copy(given)
        self._stack.append(called(*given))

    def _fill(self) -> None:
        state, made = self._stack.pop(), self._stack[-1]
        if not hasattr(made, "__setstate__"):
            raise NotPlainError(f"the state of a {type(made).__name__}")
        self._copy(state if type(state) is tuple else ())
        made.__setstate__(state)

    def _copy(self, given: tuple[Any, ...]) -> None:
        """Counts the bytes that an array is made of: a text that is used again and again is copied each time."""
        self._copied += sum(len(part) for part in given if isinstance(part, str | bytes))
        if self._copied > _MAX_COPIES * len(self._data):
            raise LimitError(f"more than {_MAX_COPIES} times the file's bytes as arrays")

    def _pop(self) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()


_CONTAINERS = frozenset({list, dict, tuple})
_STOP = pickle.STOP[0]
_RUNS = {
    pickle.PERSID[0]: "a stored object", pickle.BINPERSID[0]: "a stored object", pickle.INST[0]: "an object",
    pickle.OBJ[0]: "an object", pickle.NEWOBJ[0]: "an object", pickle.NEWOBJ_EX[0]: "an object",
    pickle.EXT1[0]: "an extension", pickle.EXT2[0]: "an extension", pickle.EXT4[0]: "an extension",
    pickle.NEXT_BUFFER[0]: "a buffer of another file", pickle.READONLY_BUFFER[0]: "a buffer of another file",
    pickle.EMPTY_SET[0]: "a set", pickle.ADDITEMS[0]: "a set", pickle.FROZENSET[0]: "a set",
}  # fmt: skip
_STEPS: dict[int, Callable[[Machine], None]] = {
    pickle.PROTO[0]: lambda m: m._skip(1),
    pickle.FRAME[0]: lambda m: m._skip(8),
    pickle.MARK[0]: Machine._mark,
    pickle.POP[0]: Machine._pop,
    pickle.POP_MARK[0]: Machine._pop_mark,
    pickle.DUP[0]: lambda m: m._push(m._stack[-1]),
    pickle.PUT[0]: lambda m: m._put(int(m._line())),
    pickle.BINPUT[0]: Machine._put_byte,
    pickle.LONG_BINPUT[0]: lambda m: m._put(m._number(4)),
    pickle.MEMOIZE[0]: Machine._memoize,
    pickle.GET[0]: lambda m: m._get(int(m._line())),
    pickle.BINGET[0]: Machine._get_byte,
    pickle.LONG_BINGET[0]: lambda m: m._get(m._number(4)),
    pickle.NONE[0]: lambda m: m._push(None),
    pickle.NEWTRUE[0]: lambda m: m._push(True),
    pickle.NEWFALSE[0]: lambda m: m._push(False),
    pickle.INT[0]: Machine._integer_line,
    pickle.LONG[0]: Machine._integer_line,
    pickle.BININT[0]: lambda m: m._push(int.from_bytes(m._take(4), "little", signed=True)),
    pickle.BININT1[0]: lambda m: m._push(m._number(1)),
    pickle.BININT2[0]: lambda m: m._push(m._number(2)),
    # At most 255 bytes: a longer number could not be written out.
    pickle.LONG1[0]: lambda m: m._push(int.from_bytes(m._take(m._number(1)), "little", signed=True)),
    pickle.FLOAT[0]: lambda m: m._push(float(m._line())),
    pickle.BINFLOAT[0]: lambda m: m._push(struct.unpack(">d", m._take(8))[0]),
    pickle.STRING[0]: Machine._quoted,
    pickle.BINSTRING[0]: lambda m: m._old_text(m._take(m._number(4))),
    pickle.SHORT_BINSTRING[0]: lambda m: m._old_text(m._take(m._number(1))),
    pickle.UNICODE[0]: Machine._unicode_line,
    pickle.SHORT_BINUNICODE[0]: Machine._short_text,
    pickle.BINUNICODE[0]: lambda m: m._text(4),
    pickle.BINUNICODE8[0]: lambda m: m._text(8),
    pickle.SHORT_BINBYTES[0]: lambda m: m._push(m._take(m._number(1))),
    pickle.BINBYTES[0]: lambda m: m._push(m._take(m._number(4))),
    pickle.BINBYTES8[0]: Machine._bytearray,
    pickle.BYTEARRAY8[0]: Machine._bytearray,
    pickle.EMPTY_LIST[0]: lambda m: m._container(list),
    pickle.EMPTY_DICT[0]: lambda m: m._container(dict),
    pickle.EMPTY_TUPLE[0]: lambda m: m._push(()),
    pickle.LIST[0]: lambda m: m._collect(list),
    pickle.DICT[0]: lambda m: m._collect(dict),
    pickle.TUPLE[0]: lambda m: m._collect(tuple),
    pickle.TUPLE1[0]: lambda m: m._last(1),
    pickle.TUPLE2[0]: lambda m: m._last(2),
    pickle.TUPLE3[0]: lambda m: m._last(3),
    pickle.APPEND[0]: lambda m: m._append(1),
    pickle.SETITEM[0]: lambda m: m._append(2),
    pickle.APPENDS[0]: Machine._append_all,
    pickle.SETITEMS[0]: Machine._append_all,
    pickle.GLOBAL[0]: Machine._global_lines,
    pickle.STACK_GLOBAL[0]: Machine._global_stack,
    pickle.REDUCE[0]: Machine._call,
    pickle.BUILD[0]: Machine._fill,
}
