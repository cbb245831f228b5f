"""Connections of one OS process to one MongoDB database."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidName, InvalidURI, OperationFailure

from weaver_like.domain.errors import SettingError, Unavailable
from weaver_like.domain.masks import mask

log = logging.getLogger(__name__)
#: At DEBUG the driver logs whole commands, and so the inputs of jobs.
logging.getLogger("pymongo").setLevel(logging.INFO)

#: A document of a collection, or the answer to a command.
Document = dict[str, Any]

#: An acknowledged write is in the journal of most members, so it survives the death of a server. The "majority" of a
#: standalone server is itself.
_DURABLE = WriteConcern(w="majority", j=True)
#: Progress and log lines: the last tenth of a second may be lost with the server.
_SOON = WriteConcern(w=1)
_OPTIONS = {
    "serverSelectionTimeoutMS": 3000,
    "connectTimeoutMS": 3000,
    "socketTimeoutMS": 30000,
    "waitQueueTimeoutMS": 30000,
}
_DEFAULT_DATABASE = "weaver_like"
_REFUSED = {13, 18}  # Unauthorized, AuthenticationFailed
_BAD_VALUE = 2
_AWAY = {24, 50, 64, 112, 262, 14031}  # held a lock too long, ran out of time, or has no room left on its disk


@dataclass(frozen=True, slots=True)
class Collections:
    """The collections of the store. progress: the jobs, for writes that need not survive the death of the server."""

    jobs: Collection[Document]
    progress: Collection[Document]
    logs: Collection[Document]
    parts: Collection[Document]
    steps: Collection[Document]
    followed: Collection[Document]
    leaders: Collection[Document]
    schedules: Collection[Document]
    offer: Collection[Document]
    revisions: Collection[Document]
    versions: Collection[Document]


class MongoDatabase:
    """One client for each OS process, which connects when it is first used.

    Args:
        url: mongodb://[user:password@]host[:port][/database][?option=value]; the options of the driver.
        connections: how many threads will serve requests.
    Raises: SettingError. No message holds the URL, which may have a password in it.
    """

    def __init__(self, url: str, connections: int):
        self._url = url
        given = url.partition("?")[2].lower()
        self._options: dict[str, Any] = {name: value for name, value in _OPTIONS.items() if name.lower() not in given}
        # Besides the threads that serve requests there are the courier, the housekeeper and the engine.
        self._options["maxPoolSize"] = connections + 4
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # an option that is unknown, or has no such value
                self._open()
        except (InvalidURI, ConfigurationError, InvalidName, ValueError, TypeError, UserWarning):
            raise SettingError(
                "The setting 'store.url' is not a URL of MongoDB; expected "
                "mongodb://[user:password@]host[:port][/database][?option=value], with special characters of a "
                "password in percent-encoding."
            ) from None

    def _open(self) -> None:
        self._client: MongoClient[Document] = MongoClient(
            self._url, connect=False, appname="weaver-like", **self._options
        )
        database = self._client.get_default_database(
            _DEFAULT_DATABASE, read_preference=ReadPreference.PRIMARY, write_concern=_DURABLE
        )
        self._collections = Collections(
            database["jobs"],
            database["jobs"].with_options(write_concern=_SOON),
            database["job_logs"].with_options(write_concern=_SOON),
            database["job_parts"],
            database["job_steps"],
            database["followed_runs"],
            database["leaders"],
            database["schedules"],
            database["process_offer"],
            database["process_revisions"],
            database["schema_version"],
        )
        self._pid = os.getpid()

    @contextmanager
    def using(self) -> Iterator[Collections]:
        """Raises: Unavailable if the database is away; SettingError if it denies access; other errors are our own."""
        if self._pid != os.getpid():  # the threads and connections of a client do not survive a fork
            self._open()
        try:
            yield self._collections
        except ConnectionFailure as error:
            raise _away(error) from error
        except OperationFailure as error:
            if error.code in _REFUSED:
                raise SettingError(
                    "The database of the setting 'store.url' refused its user, password or rights."
                ) from None
            if error.code not in _AWAY and not _unmade(error):
                raise
            raise _away(error) from error

    def close(self) -> None:
        """Close every connection; the next use opens a new one."""
        self._client.close()
        self._open()


def _unmade(error: OperationFailure) -> bool:
    """Whether an index is missing: the first server on this database is still making the indexes."""
    return error.code == _BAD_VALUE and "hint provided does not correspond" in str(error)


def _away(error: Exception) -> Unavailable:
    log.warning("the store failed: %s", mask(" ".join(str(error).split())[:500]))
    return Unavailable("The store does not answer; try again later.")
