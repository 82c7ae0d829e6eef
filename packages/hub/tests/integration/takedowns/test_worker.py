"""A real worker process: it does what is due by itself, and may be killed at any point."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from psycopg.conninfo import make_conninfo
from staydown_hub.lists.models import SharedList
from staydown_hub.lists.services import withdraw_entry
from staydown_hub.organisations.models import Organisation
from staydown_hub.takedowns import jobs
from staydown_hub.takedowns.models import Request

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.takedowns.conftest import events_of, only_request
from packages.hub.tests.integration.takedowns.hosts import Host
from packages.hub.tests.integration.takedowns.mailbox import Mailbox

pytestmark = pytest.mark.usefixtures("committed_db")

PATIENCE_S = 30


@dataclass
class Workers:
    """Starts workers, and ends those that a test left."""

    smtp_port: int
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self) -> "subprocess.Popen[bytes]":
        parameters = connection.get_connection_params()
        known = {
            name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if parameters.get(name)
        }
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "staydown_hub.config.settings",
            "DATABASE_URL": make_conninfo(**known),
            "STAYDOWN_SECRET_KEY": "only for tests",
            "STAYDOWN_SMTP_URL": f"smtp://127.0.0.1:{self.smtp_port}",
            "STAYDOWN_MAIL_FROM": "notices@hub.example",
            "STAYDOWN_CHECK_INTERVAL_S": "1",
            "STAYDOWN_CHECK_PRIVATE_ADDRESSES": "127.0.0.0/8",
        }
        command = [sys.executable, "-m", "staydown_hub", "worker"]
        self.started.append(subprocess.Popen(command, env=environment))
        return self.started[-1]

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        worker.kill()
        worker.wait()

    def end_all(self) -> None:
        for worker in self.started:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
                worker.wait(PATIENCE_S)


@pytest.fixture
def workers(mailbox: Mailbox) -> Iterator[Workers]:
    workers = Workers(mailbox.port)
    yield workers
    mailbox.accepts.set()
    workers.end_all()


def eventually(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def state_is(state: str) -> Callable[[], bool]:
    return lambda: only_request().state == state


def let_two_minutes_pass() -> None:
    """Let the job come that was written for the case that the worker is killed while it sends."""
    ProcrastinateJob.objects.filter(status="todo").update(scheduled_at=timezone.now())


def test_from_admission_to_gone_by_itself(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host, workers: Workers
) -> None:
    del harbour
    workers.start()
    admitted_item(cast, "a", urls=[host.url()])
    assert eventually(state_is("sent"))
    assert len(mailbox.letters) == 1
    assert eventually(lambda: only_request().checks.filter(outcome="up").count() >= 2)
    host.answers |= {"HEAD": 410, "GET": 410}
    assert eventually(state_is("gone"))
    assert events_of(only_request()) == ["opened", "addressed", "sending_begun", "notice_sent", "seen_gone"]
    assert len(mailbox.letters) == 1


def test_killed_before_the_mail_server_took_the_mail(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, workers: Workers
) -> None:
    del harbour
    mailbox.accepts.clear()  # the mail has arrived there, and the worker does not know it yet
    worker = workers.start()
    admitted_item(cast, "a", urls=["https://host.example/a.jpg"])
    assert eventually(lambda: len(mailbox.letters) == 1)
    workers.kill(worker)
    assert only_request().state == "sending"

    mailbox.accepts.set()
    let_two_minutes_pass()
    workers.start()
    assert eventually(state_is("sent"))
    first, second = mailbox.letters
    assert first.message_id == second.message_id
    assert only_request().notices == 1


def test_a_request_whose_job_was_lost_is_found(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, workers: Workers
) -> None:
    del harbour
    admitted_item(cast, "a", urls=["https://host.example/a.jpg"])
    ProcrastinateJob.objects.all()._raw_delete("default")  # past the read-only model
    Request.objects.update(due_at=timezone.now() - dt.timedelta(minutes=2))
    jobs.sweep(timestamp=0)
    workers.start()
    assert eventually(state_is("sent"))
    assert len(mailbox.letters) == 1


def test_a_withdrawal_while_the_notice_is_on_its_way_is_told_after_it(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, workers: Workers
) -> None:
    del harbour
    mailbox.accepts.clear()
    workers.start()
    admitted_item(cast, "a", urls=["https://host.example/a.jpg"])
    assert eventually(lambda: len(mailbox.letters) == 1)
    main = SharedList.objects.get(slug="main")
    withdraw_entry(cast.police.actor, shared_list=main, position=0, reason="a mistake")
    time.sleep(1)  # a retraction would overtake the notice now
    assert only_request().state == "retracting"
    assert len(mailbox.letters) == 1

    mailbox.accepts.set()
    assert eventually(state_is("cancelled"))
    assert [letter.message_id.split(".")[2].split("@")[0] for letter in mailbox.letters] == ["notice", "retraction"]
    assert events_of(only_request())[-3:] == ["withdrawn", "notice_sent", "retraction_sent"]


def test_jobs_of_a_killed_worker_are_taken_away(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, workers: Workers
) -> None:
    del harbour
    mailbox.accepts.clear()
    worker = workers.start()
    admitted_item(cast, "a", urls=["https://host.example/a.jpg"])
    assert eventually(lambda: len(mailbox.letters) == 1)
    workers.kill(worker)
    doing = ProcrastinateJob.objects.filter(status="doing")
    assert doing.count() >= 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    mailbox.accepts.set()
    killed = list(doing.values_list("id", flat=True))
    jobs.sweep.configure(task_kwargs={"timestamp": 0}).defer()
    workers.start()
    assert eventually(lambda: not ProcrastinateJob.objects.filter(id__in=killed).exists())
    assert eventually(
        lambda: not ProcrastinateJob.objects.filter(task_name__endswith="sweep").exists()
    )  # done: deleted
