"""Brokers that a test may kill and start again."""

import subprocess

import kombu
from amqp.exceptions import AMQPError
from redis import Redis as RedisClient
from redis import RedisError

from tests.support.servers import PrivateServer, free_port


class Redis(PrivateServer):
    """Redis with its append-only file: what was answered survives a kill."""

    variable, package = "WEAVER_LIKE_TEST_REDIS", "redis-server"
    standard = ("redis://127.0.0.1:6379",)
    programs = ("redis-server",)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/1"

    @staticmethod
    def answers(url: str) -> bool:
        try:
            with RedisClient.from_url(url, socket_timeout=3) as client:
                return client.ping()
        except RedisError:
            return False

    def command(self) -> list[str]:
        return [
            self.program("redis-server"),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.folder),
            "--appendonly",
            "yes",
            "--save",
            "",
        ]


class RabbitMQ(PrivateServer):
    """RabbitMQ with a node name, a port mapper (epmd) and folders of its own,
    apart from any other broker of the machine."""

    variable, package = "WEAVER_LIKE_TEST_RABBITMQ", "rabbitmq-server"
    standard = ("amqp://guest:guest@127.0.0.1:5672//",)
    programs = ("rabbitmq-server", "epmd")
    folders = (
        "/usr/lib/rabbitmq/bin",
    )  # Debian's in /usr/sbin are wrappers that become the user of the installed broker

    def __init__(self) -> None:
        super().__init__()
        self._mapper: subprocess.Popen | None = None
        self._mapper_port, self._node_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    @staticmethod
    def answers(url: str) -> bool:
        try:
            with kombu.Connection(url, connect_timeout=3) as connection:
                return connection.ensure_connection(max_retries=1, interval_start=0).connected
        except (OSError, AMQPError, kombu.exceptions.KombuError):
            return False

    def prepare(self) -> None:
        (self.folder / "own.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        self._mapper = self.run([self.program("epmd"), "-port", str(self._mapper_port), "-address", "127.0.0.1"])

    def command(self) -> list[str]:
        return [self.program("rabbitmq-server")]

    def run(self, command: list[str], **environment: str) -> subprocess.Popen:
        places = {
            "CONF_ENV_FILE": "none",
            "CONFIG_FILE": "own",
            "MNESIA_BASE": "mnesia",
            "LOG_BASE": "logs",
            "ENABLED_PLUGINS_FILE": "plugins",
            "PID_FILE": "pid",
        }
        own = {f"RABBITMQ_{name}": str(self.folder / place) for name, place in places.items()} | {
            "RABBITMQ_NODENAME": f"weaver_like_{self.port}@localhost",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            # The script replaces itself by the server instead of watching it as a child: a kill then meets the server.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        return super().run(command, **own, **environment)

    def close(self) -> None:
        super().close()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()
