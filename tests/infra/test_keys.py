"""Secrets: the key file and the bearer keys."""

import json
import stat
import time
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from psycopg import Connection

from infra import keys
from infra.database import connect, make_tables
from infra.keys import (
    KeyFile,
    KeyFileExposed,
    KeyFileIncomplete,
    KeyFileMissing,
    Keyring,
    Principal,
    create_key,
    load_key_file,
)
from infra.settings import Settings


def a_file(letter: bytes = b"l") -> KeyFile:
    return KeyFile(cards=b"c" * 32, letters=letter * 32, members=b"m" * 32, fingerprints=b"f" * 32)


class TestTheKeyFile:
    def test_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path / "new")
        made = load_key_file(settings, make=True)
        assert stat.S_IMODE(settings.keys_path.stat().st_mode) == 0o600
        assert (
            load_key_file(settings).card_id("1") == load_key_file(settings, make=True).card_id("1") == made.card_id("1")
        )
        assert [path.name for path in settings.keys_path.parent.iterdir()] == ["keys.json"]

    def test_of_another_ledger_hides_cards_under_other_ids(self, tmp_path: Path) -> None:
        one, other = (load_key_file(Settings(data_dir=tmp_path / name), make=True) for name in ("one", "other"))
        assert one.card_id("1") != other.card_id("1")

    def test_is_never_made_silently(self, tmp_path: Path) -> None:
        with pytest.raises(KeyFileMissing, match=r"keys\.json is missing"):
            load_key_file(Settings(data_dir=tmp_path))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666])
    def test_that_others_can_read_is_refused(self, tmp_path: Path, mode: int) -> None:
        settings = Settings(data_dir=tmp_path)
        load_key_file(settings, make=True)
        settings.keys_path.chmod(mode)
        with pytest.raises(KeyFileExposed, match="chmod 600"):
            load_key_file(settings)

    def test_may_lie_elsewhere(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path / "data", key_file=tmp_path / "safe" / "keys.json")
        load_key_file(settings, make=True)
        assert settings.keys_path == tmp_path / "safe" / "keys.json"
        assert not (tmp_path / "data").exists()

    def test_is_one_however_many_make_it_at_once(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path)
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _: load_key_file(settings, make=True), range(8)))
        assert len({file.card_id("1") for file in made}) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def of_an_older_release(settings: Settings) -> str:
    """A key file with two keys; answers its text."""
    load_key_file(settings, make=True)
    kept = json.loads(settings.keys_path.read_text())
    older = json.dumps({name: kept[name] for name in ("cards", "letters")})
    settings.keys_path.write_text(older)
    return older


class TestAKeyFileOfAnOlderRelease:
    def test_is_completed_beside_a_database_of_our_own_and_keeps_its_keys(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path)
        older = json.loads(of_an_older_release(settings))
        made = load_key_file(settings, make=True)
        kept = json.loads(settings.keys_path.read_text())
        assert kept == older | {name: kept[name] for name in ("members", "fingerprints", "checkpoints")}
        assert stat.S_IMODE(settings.keys_path.stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]
        assert load_key_file(settings).digest(b"x") == made.digest(b"x")

    def test_is_never_completed_silently_for_an_external_one(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path)
        older = of_an_older_release(settings)
        with pytest.raises(
            KeyFileIncomplete, match=r"lacks the keys for members, fingerprints: run `loyalty keys init`"
        ):
            load_key_file(settings)
        assert settings.keys_path.read_text() == older

    def test_is_completed_once_however_many_do_so(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path)
        of_an_older_release(settings)
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: load_key_file(settings, make=True), range(16)))
        assert len({file.digest(b"x") for file in made}) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]

    def test_that_others_can_read_is_refused_before_anything_is_added(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path)
        older = of_an_older_release(settings)
        settings.keys_path.chmod(0o644)
        with pytest.raises(KeyFileExposed):
            load_key_file(settings, make=True)
        assert settings.keys_path.read_text() == older


class TestSigning:
    def test_signed_words_are_read_where_they_were_signed(self) -> None:
        words = a_file().sign("¥10".encode())
        assert a_file().signed(words) == "¥10".encode()
        assert words.isascii()
        assert set(words) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")

    def test_those_of_another_ledger_are_not(self) -> None:
        other = KeyFile(cards=b"c" * 32, letters=b"l" * 32, members=b"m" * 32, fingerprints=b"g" * 32)
        assert other.signed(a_file().sign(b"x")) is None

    def test_nor_those_that_were_changed(self) -> None:
        words = a_file().sign(b"clear")
        for place in range(len(words)):
            changed = words[:place] + ("A" if words[place] != "A" else "B") + words[place + 1 :]
            assert a_file().signed(changed) in {None, b"clear"}, "the last bits of base64 may say nothing"
        for other in ("", ".", words[:-1], words + "A", words + "é", f"{words}.{words}", "not signed", "\ud800"):
            assert a_file().signed(other) is None

    def test_the_key_is_not_the_one_of_digests(self) -> None:
        mac = a_file().sign(b"x").split(".")[1]
        assert urlsafe_b64decode(mac + "=") != a_file().digest(b"x")


class TestSealing:
    def test_what_was_sealed_opens_under_the_same_context(self) -> None:
        sealed = a_file().seal(b"clear", context="t/0/1")
        assert a_file().open(sealed, context="t/0/1") == b"clear"
        assert b"clear" not in sealed

    def test_the_same_text_is_sealed_differently_each_time(self) -> None:
        assert a_file().seal(b"clear", context="c") != a_file().seal(b"clear", context="c")

    def test_tampering_another_context_and_another_key_are_noticed(self) -> None:
        sealed = a_file().seal(b"clear", context="t/0/1")
        for place in (0, 12, len(sealed) - 1):
            tampered = bytearray(sealed)
            tampered[place] ^= 1
            with pytest.raises(InvalidTag):
                a_file().open(bytes(tampered), context="t/0/1")
        with pytest.raises(InvalidTag):
            a_file().open(sealed, context="t/0/2")
        with pytest.raises(InvalidTag):
            a_file(b"x").open(sealed, context="t/0/1")

    def test_a_card_has_one_id_for_ever(self) -> None:
        assert str(a_file().card_id("900000017")) == "b90ba257-2ea3-545b-bad8-39c4b3981704"
        assert a_file().card_id("900000017").version == 5


@pytest.fixture
def settings(module_database_url: str) -> Settings:
    with connect(module_database_url) as database:
        make_tables(database, keys.TABLES)
        database.execute("TRUNCATE api_keys")
    return Settings(database_url=module_database_url)


class TestBearerKeys:
    def test_a_key_opens_for_its_owner_and_scope(self, settings: Settings) -> None:
        token = create_key(settings, scope="till", owner="store_7")
        assert token.startswith("ll_till_")
        assert Keyring(settings).principal(token) == Principal(owner="store_7", scope="till")

    def test_only_its_hash_is_kept(self, settings: Settings) -> None:
        token = create_key(settings, scope="admin", owner="me")
        secret = token.split("_", 3)[3]
        with connect(settings.database_url) as database:
            kept = database.execute("SELECT api_keys::text FROM api_keys").fetchall()
        assert secret not in str(kept)
        assert secret.encode().hex() not in str(kept)

    @pytest.mark.parametrize(
        "token", ["", "ll", "ll_till_x_y", "Bearer x", "ll_till__", "xx_till_a_b", "ll_till_" + "é_" * 3]
    )
    def test_what_is_no_key_opens_nothing(self, settings: Settings, token: str) -> None:
        create_key(settings, scope="till", owner="me")
        assert Keyring(settings).principal(token) is None

    def test_a_key_with_another_secret_opens_nothing_and_its_scope_is_the_stored_one(self, settings: Settings) -> None:
        token = create_key(settings, scope="till", owner="me")
        keyring = Keyring(settings)
        assert keyring.principal(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
        assert keyring.principal(token.replace("ll_till_", "ll_admin_")) == Principal(owner="me", scope="till")

    def test_a_key_made_later_is_found_and_a_revoked_one_stops_working(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = 1_000.0
        monkeypatch.setattr("infra.keys.time.monotonic", lambda: clock)
        keyring = Keyring(settings)
        first = create_key(settings, scope="till", owner="one")
        assert keyring.principal(first)
        second = create_key(settings, scope="staff", owner="two")
        clock += 0.1
        assert keyring.principal(second)
        with connect(settings.database_url) as database:
            database.execute("UPDATE api_keys SET revoked_at = now() WHERE owner = 'two'")
        assert keyring.principal(second), "for some seconds nobody asks the database"
        clock += 5
        assert keyring.principal(second) is None
        assert keyring.principal(first)

    def test_in_a_rush_the_keys_are_read_once(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        token = create_key(settings, scope="till", owner="me")
        keyring = Keyring(settings)
        connected: list[str | None] = []

        def noted(url: str | None) -> Connection:
            connected.append(url)
            return connect(url)

        monkeypatch.setattr(keys, "connect", noted)
        assert keyring.known(token) is None, "nobody has read the keys yet"
        with ThreadPoolExecutor(20) as tills:
            found = list(tills.map(keyring.principal, [token] * 20))
        assert {*found, keyring.known(token)} == {Principal(owner="me", scope="till")}
        assert len(connected) == 1

    def test_keys_in_use_are_read_again_while_the_old_ones_still_let_in(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = 1_000.0
        monkeypatch.setattr("infra.keys.time.monotonic", lambda: clock)
        kept, gone = (create_key(settings, scope="till", owner=owner) for owner in ("kept", "gone"))
        keyring = Keyring(settings)
        assert keyring.principal(kept)
        assert keyring.principal(gone)
        with connect(settings.database_url) as database:
            database.execute("UPDATE api_keys SET revoked_at = now() WHERE owner = 'gone'")
        clock += 2.5
        assert keyring.known(gone), "whoever finds the keys half old waits for nothing"
        deadline = time.perf_counter() + 20
        while keyring.known(gone) and time.perf_counter() < deadline:
            time.sleep(0.01)
        assert keyring.known(gone) is None
        clock += 4.9
        assert keyring.known(kept), "the time begins anew, also for those let in before"
