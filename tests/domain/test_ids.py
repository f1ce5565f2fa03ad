from __future__ import annotations

import re
from collections.abc import Callable
from uuid import RFC_4122, UUID

import pytest

from mockserver.domain.ids import Ids, alnum, hex32, uuid4
from mockserver.domain.ports import Store, Tx
from tests.store.table import STORES


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    return STORES[request.param]()


def take(store: Store, ids: Ids, kind: str = "task", sandbox: str = "alice") -> bytes:
    return store.run(sandbox, lambda tx: ids.next(tx, sandbox, kind))


def test_material_is_32_bytes_and_always_the_same() -> None:
    # Written out, so that an id in somebody's recording stays what it was.
    material = Ids(0).draw("default", "task", 1)

    assert material.hex() == "7d38d85bdf04bf0c2325606a0de5ad1cb29c127a6cb62d2585621cb68af3dab8"
    assert Ids(0).draw("default", "task", 1) == material


@pytest.mark.parametrize(
    ("seed", "sandbox", "kind", "n"),
    [
        (8, "alice", "task", 1),
        (-7, "alice", "task", 1),
        (7, "bob", "task", 1),
        (7, "alice", "song", 1),
        (7, "alice", "task", 2),
        (7, "alicet", "ask", 1),
        (7, "alic", "etask", 1),
        (7, "", "alicetask", 1),
        (7, "task", "alice", 1),
    ],
)
def test_each_part_makes_a_difference(seed: int, sandbox: str, kind: str, n: int) -> None:
    assert Ids(seed).draw(sandbox, kind, n) != Ids(7).draw("alice", "task", 1)


@pytest.mark.parametrize("seed", [0, -1, 2**64, pytest.param(10**5000, id="huge")])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert len(Ids(seed).draw("alice", "task", 1)) == 32


def test_next_counts_from_one_in_the_store(store: Store) -> None:
    ids = Ids(7)

    assert [take(store, ids) for _ in range(3)] == [ids.draw("alice", "task", n) for n in (1, 2, 3)]


def test_several_ids_of_one_work_are_distinct(store: Store) -> None:
    ids = Ids(7)

    drawn = store.run("alice", lambda tx: [ids.next(tx, "alice", "song") for _ in range(2)])

    assert drawn == [ids.draw("alice", "song", 1), ids.draw("alice", "song", 2)]


def test_kinds_count_apart(store: Store) -> None:
    ids = Ids(7)
    take(store, ids, "song")
    take(store, ids, "song")

    assert take(store, ids, "task") == ids.draw("alice", "task", 1)


def test_two_sandboxes_never_share_an_id(store: Store) -> None:
    ids = Ids(7)

    alice = {take(store, ids, sandbox="alice") for _ in range(20)}
    bob = {take(store, ids, sandbox="bob") for _ in range(20)}

    assert len(alice | bob) == 40


def test_work_that_fails_uses_up_no_id(store: Store) -> None:
    ids = Ids(7)

    def work(tx: Tx) -> None:
        ids.next(tx, "alice", "task")
        raise LookupError

    with pytest.raises(LookupError):
        store.run("alice", work)

    assert take(store, ids) == ids.draw("alice", "task", 1)


def test_dropped_sandbox_starts_again(store: Store) -> None:
    ids = Ids(7)
    first = take(store, ids)
    take(store, ids)

    store.drop("alice")

    assert take(store, ids) == first


def test_two_workers_over_one_store_agree(store: Store) -> None:
    one, other = Ids(7), Ids(7)

    assert [take(store, one), take(store, other)] == [one.draw("alice", "task", n) for n in (1, 2)]


def many(count: int = 300) -> list[bytes]:
    return [Ids(7).draw("alice", "shape", n) for n in range(count)]


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        (hex32, r"[0-9a-f]{32}"),
        (uuid4, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        (lambda material: alnum(material, 8), r"[0-9a-z]{8}"),
        (lambda material: alnum(material, 32), r"[0-9a-z]{32}"),
    ],
    ids=["hex32", "uuid4", "alnum 8", "alnum 32"],
)
def test_shape_is_kept_by_every_material(shape: Callable[[bytes], str], pattern: str) -> None:
    made = [shape(material) for material in many()]

    assert all(re.fullmatch(pattern, text) for text in made)
    assert len(set(made)) == 300


def test_uuid_is_a_version_4_uuid() -> None:
    made = UUID(uuid4(b"\xff" * 32))

    assert (made.version, made.variant) == (4, RFC_4122)
    assert str(made) == "ffffffff-ffff-4fff-bfff-ffffffffffff"


def test_alnum_uses_its_whole_alphabet_at_every_place() -> None:
    made = [alnum(material, 4) for material in many(1000)]

    for place in range(4):
        assert len({text[place] for text in made}) == 36


def test_alnum_of_no_length_is_empty() -> None:
    assert alnum(b"\x01" * 32, 0) == ""


def test_alnum_longer_than_its_material_is_refused() -> None:
    with pytest.raises(ValueError, match="33 characters asked of 32 bytes of material"):
        alnum(b"\x01" * 32, 33)
