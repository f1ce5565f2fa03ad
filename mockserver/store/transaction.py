"""The records of a sandbox, and one work over them: it writes at once, and takes it back where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from string import digits
from typing import Any, Final, NoReturn

from mockserver.store.order import Order

# With more keys than this, the names of the families are known, lest one that holds nothing is searched for.
_MANY: Final = 1000
# The orders are told of so many keys at once: of a thousand, one call in two hundred would wait for 0.3 ms.
_TOLD: Final = 100


class Records:
    """Records by their key, and the order of those keys that are asked for in order.

    The keys that share their text before the first "/" are a family. A family has an order from its first
    scan on; until then, and that is for ever with most of the keys that a song makes, a new key is put into
    a dict and that is all.
    """

    __slots__ = ("_moved", "_names", "orders", "values")

    def __init__(self) -> None:
        # The collector passes over it, however large it is: in it is nothing but texts and bytes.
        self.values: dict[str, bytes] = {}
        # By family. Under "" are all the keys, as long as the work lasts that scanned them.
        self.orders: dict[str, Order] = {}
        # Of the families that ever held a key, as soon as there are many keys.
        self._names: set[str] | None = None
        # The keys that came or went since the orders were told: a hundred at once take a third of the time
        # that they take one by one, and most calls ask for no order at all.
        self._moved: list[str] = []

    def ordered(self, family: str) -> Order:
        """The order of a family, which has one from now on."""
        start = f"{family}/" if family else ""
        # A walk through six million keys takes 0.6 s.
        keys = self.values if self._may_hold(family) else ()
        order = self.orders[family] = Order(key for key in keys if key.startswith(start))
        return order

    def note(self, moved: list[str]) -> None:
        """Have the orders follow these keys, come or gone, before anybody looks at them again."""
        self._moved += moved
        if len(self._moved) > _TOLD:
            self.catch_up()

    def catch_up(self) -> None:
        """Let the orders agree with the values."""
        if self._moved:
            moved, self._moved = self._moved, []
            self.follow(moved)

    def follow(self, keys: Iterable[str]) -> None:
        """Let the orders agree with the values about these keys, come or gone."""
        values, orders, names = self.values, self.orders, self._names
        whole = orders.get("")
        for key in keys:
            # A key without "/" gets into the order of its name, where no scan finds it: that saves a look.
            name = key.partition("/")[0]
            order = orders.get(name)
            if order is not None:
                order.follow(key, key in values)
            elif names is not None and name not in names:
                names.add(_kind(name))
            if whole is not None:
                whole.follow(key, key in values)
        if names is None and len(values) > _MANY:
            self._names = {_kind(key.partition("/")[0]) for key in values}

    def restore(self, before: dict[str, bytes | None]) -> None:
        """Put back what was there; None stands for nothing."""
        for key, value in before.items():
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
        self.follow(before)

    def _may_hold(self, family: str) -> bool:
        return not family or self._names is None or _kind(family) in self._names

    def forget_whole(self) -> None:
        """Keep the order of all keys no longer: every new key would pay for it, and hardly anybody asks."""
        self.orders.pop("", None)


class MemoryTx:
    """Writes go straight into the records, for nobody else looks meanwhile; what was there is noted first."""

    __slots__ = ("_before", "_moved", "_records", "_values", "get")

    def __init__(self, records: Records) -> None:
        # The dict's own method: a method of ours would take three times as long, 0.1 µs.
        self.get: Callable[[str], bytes | None] = records.values.get
        self._records, self._values = records, records.values
        self._before: dict[str, bytes | None] = {}
        # The keys that came or went since the orders were told.
        self._moved: list[str] = []

    def put(self, key: str, value: bytes) -> None:
        """Set the value under this key."""
        # Of exactly these types is nearly everything; a call to look closer takes another 0.1 µs.
        if type(value) is not bytes or type(key) is not str or not key:
            _check(key, value)
        old = self.get(key)
        self._before.setdefault(key, old)
        if old is None:
            self._moved.append(key)
        self._values[key] = value

    def count(self, key: str, more: int = 1) -> int:
        """Add to the number under this key, 0 where there is none, and return what it comes to."""
        # A call has two to six such numbers: asked for and put by itself each takes twice as long.
        if type(key) is not str or not key:
            _check(key, b"")
        old = self.get(key)
        self._before.setdefault(key, old)
        if old is None:
            self._moved.append(key)
            number = more
        else:
            number = int(old) + more
        self._values[key] = b"%d" % number
        return number

    def delete(self, key: str) -> None:
        """Remove this key, which need not exist."""
        if type(key) is not str or not key:
            _check(key, b"")
        old = self.get(key)
        self._before.setdefault(key, old)
        if old is not None:
            self._moved.append(key)
            del self._values[key]

    def scan(self, prefix: str, after: str = "", limit: int = 100) -> list[tuple[str, bytes]]:
        """Return up to `limit` records with this prefix, in order, strictly after a key."""
        records = self._records
        if self._moved:
            records.note(self._moved)
            self._moved.clear()
        records.catch_up()
        name, slash, _ = prefix.partition("/")
        family = name if slash else ""
        order = records.orders.get(family) or records.ordered(family)
        values = self._values
        return [(key, values[key]) for key in order.page(prefix, after, limit)]

    def commit(self) -> bool:
        """Let the writes stay; True where keys came or went."""
        records = self._records
        if "" in records.orders:
            records.forget_whole()
        if self._moved:
            records.note(self._moved)
        return bool(self._before)

    def undo(self) -> None:
        """Leave everything as it was."""
        self._records.forget_whole()
        self._records.restore(self._before)

    def end(self) -> None:
        """Refuse whatever is asked from now on."""
        self.get = _refuse
        self._records = self._values = self._before = _OVER


class _Over:
    """Stands in an ended transaction where its records were: a living one need not look whether it is one."""

    def __getattr__(self, name: str) -> NoReturn:
        _refuse(name)


_OVER: Final[Any] = _Over()


def _kind(name: str) -> str:
    """The name of a family without the number at its end, for some count on for ever in theirs."""
    return name.rstrip(digits)


def _refuse(_: object) -> NoReturn:
    raise RuntimeError("tx was used after its work had returned: what is written then would be lost")


def _check(key: object, value: object) -> None:
    if not isinstance(key, str) or not key:
        raise TypeError(f"a key must be a text of at least one character, got {key!r}")
    if not isinstance(value, bytes):
        raise TypeError(f"value of {key!r} must be bytes, got {type(value).__name__}")
