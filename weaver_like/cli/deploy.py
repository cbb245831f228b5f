"""`weaver-like deploy-local`: database, broker, workers and web server on one host."""

import click

from weaver_like.cli.access import refuse_open
from weaver_like.cli.options import SettingsOptions, plain_errors, with_settings
from weaver_like.cli.programs import Plan, programs
from weaver_like.cli.supervisor import Supervisor

#: Seconds that web and workers get to end, in addition to those of running jobs.
_STOP_S = 60


@click.command(name="deploy-local")
@with_settings
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=4001, show_default=True, help="Port to listen on.")
@click.option("--web", type=click.IntRange(1), default=2, show_default=True, help="Processes that answer requests.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Number of workers.")
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Jobs that each worker runs at the same time.",
)
@click.option(
    "--queues", default="default", show_default=True, help="Queues that the workers serve, separated by commas."
)
@click.option("--store-url", default="", help="URL of a running database; without it a mongod is started.")
@click.option(
    "--broker-url",
    default="",
    help="URL of a running broker, amqp:// or redis://; without it a redis-server is started.",
)
def deploy_local(
    options: SettingsOptions,
    host: str,
    port: int,
    web: int,
    workers: int,
    concurrency: int,
    queues: str,
    store_url: str,
    broker_url: str,
) -> None:
    """Run database, broker, workers and web server on one host.

    A program that dies is started again. Ctrl-C stops everything in order.
    """
    settings = options.load(f"server.host={host}")
    refuse_open(settings)
    stop_s = None if settings.engine.close == "join" else settings.engine.close_grace_s + _STOP_S
    plan = Plan(
        data_dir=settings.data_dir,
        host=host,
        port=port,
        web=web,
        workers=workers,
        worker_arguments=["--concurrency", str(concurrency), "--queues", queues],
        arguments=options.arguments(settings.data_dir),
        store_url=store_url or settings.store.url,
        broker_url=broker_url or settings.celery.broker_url,
        stop_s=stop_s,
    )
    with plain_errors():
        Supervisor(programs(plan), settings.data_dir, click.echo).run()
