"""Following from a thread of the platform's own process."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import pytest
from staydown_client import Filter, FolderBusyError, HubRefusedError

from packages.client.tests.conftest import KEY_TEXT, LIST, Body, LoopbackHub, admit, withdraw

if TYPE_CHECKING:
    from pathlib import Path

    from staydown_client.folder import Folder


def test_one_process_checks_and_follows(folder: Folder, hub: LoopbackHub, cat: Path, cat_wire: list[Body]) -> None:
    hub.publish(admit(1, *cat_wire))
    with Filter.open(folder.path) as uploads:
        assert uploads.check(cat).action == "unchecked"
        with uploads.follow() as following:
            assert following.wait_until_caught_up(timeout_s=10)
            assert uploads.check(cat).action == "block"
            hub.publish(withdraw(1))
            deadline = time.monotonic() + 10
            while uploads.check(cat).action != "allow":
                assert time.monotonic() < deadline
            assert following.problem is None


def test_stopping_is_prompt_and_frees_the_folder(folder: Folder) -> None:
    with Filter.open(folder.path) as uploads:
        following = uploads.follow()
        assert following.wait_until_caught_up(timeout_s=10)
        with pytest.raises(FolderBusyError):
            uploads.follow()
        with pytest.raises(FolderBusyError):
            uploads.sync()
        began = time.monotonic()
        following.stop()
        assert time.monotonic() - began < 5
        uploads.sync()


def test_heartbeats_keep_the_list_young(folder: Folder, cat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("staydown_client.sync._CONFIRM_INTERVAL_S", 0.1)
    with Filter.open(folder.path) as uploads, uploads.follow() as following:
        assert following.wait_until_caught_up(timeout_s=10)
        time.sleep(1.0)
        age_s = uploads.check(cat).list_age_s
    assert age_s is not None
    assert age_s < 0.9


def test_a_hub_that_is_away_is_told_and_the_filter_goes_on(
    folder: Folder, hub: LoopbackHub, cat: Path, cat_wire: list[Body], caplog: pytest.LogCaptureFixture
) -> None:
    hub.publish(admit(1, *cat_wire))
    with Filter.open(folder.path) as uploads:
        uploads.sync()
        hub.answers["/api/v1/me"] = hub.answers[f"/feed/v1/lists/{LIST}/checkpoint"] = lambda handler: handler.answer(
            {}, status=503
        )
        with caplog.at_level(logging.DEBUG), uploads.follow() as following:
            assert not following.wait_until_caught_up(timeout_s=0.5)
            assert following.problem is not None
            assert "trouble" in following.problem
            assert uploads.check(cat).action == "block"
    assert "not up to date" in caplog.text
    assert KEY_TEXT not in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # what is tested here
def test_a_sync_that_ends_by_an_error_of_its_own_says_so(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("staydown_client.store_writer.StoreWriter.apply", fail)
    with Filter.open(folder.path) as uploads, uploads.follow() as following:
        assert not following.wait_until_caught_up(timeout_s=10)
        assert following.problem is not None
        assert "error of its own" in following.problem


def test_a_key_that_is_refused_is_raised_where_one_waits(folder: Folder) -> None:
    (folder.path / "key").write_text("sdk_zzzzzzzz_0123456789abcdefghij")
    with Filter.open(folder.path) as uploads, uploads.follow() as following:
        with pytest.raises(HubRefusedError, match="Unknown key"):
            following.wait_until_caught_up(timeout_s=10)
        assert following.problem is not None
