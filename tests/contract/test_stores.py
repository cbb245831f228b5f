"""Every store keeps the promises of its interfaces; `mongo` and `test_sql_servers` have what is their own."""

from tests.contract.deployments_contract import DeploymentStoreContract
from tests.contract.followed_contract import FollowedRunsContract
from tests.contract.leaders_contract import LeadersContract
from tests.contract.logs_contract import JobLogsContract
from tests.contract.outbox_contract import OutboxContract
from tests.contract.queue_contract import JobStoreContract
from tests.contract.schedules_contract import ScheduleStoreContract
from tests.contract.steps_contract import StepStoreContract
from tests.contract.store_contract import StoreContract
from tests.contract.transfer_contract import JobTransferContract


class TestStore(StoreContract):
    """Migrate, ping, close, and the parts."""


class TestJobStore(JobStoreContract):
    """Jobs and their queue."""


class TestJobLogs(JobLogsContract):
    """Logs."""


class TestStepStore(StepStoreContract):
    """Steps."""


class TestFollowedRuns(FollowedRunsContract):
    """Runs in foreign systems."""


class TestOutbox(OutboxContract):
    """Callbacks."""


class TestLeaders(LeadersContract):
    """Roles."""


class TestScheduleStore(ScheduleStoreContract):
    """Schedules."""


class TestDeploymentStore(DeploymentStoreContract):
    """Deployed processes."""


class TestJobTransfer(JobTransferContract):
    """Whole jobs."""
