"""Fixtures of the live tests. The classes behind them are in world.py, the guide in README.md."""

import contextlib
import itertools
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from world import Cluster, Tidemark  # noqa: E402

FLAVORS = ["mariadb", "mysql"]
_running = []


@contextlib.contextmanager
def _cluster(flavor, **options):
    # Not pytest's own folder: a socket's path may have 107 characters, and theirs can be longer.
    top = tempfile.mkdtemp(prefix="tidemark-")
    cluster = Cluster(Path(top) / flavor, flavor, **options)
    try:
        cluster.start()
        _running.append(cluster)
        yield cluster
    finally:
        cluster.destroy()
        shutil.rmtree(top, ignore_errors=True)
        if cluster in _running:
            _running.remove(cluster)


@pytest.fixture(scope="session")
def mariadb_cluster():
    """MariaDB: primary and two replicas, GTID."""
    with _cluster("mariadb") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def mysql_cluster():
    """MySQL: primary and two replicas, GTID."""
    with _cluster("mysql") as cluster:
        yield cluster


@pytest.fixture(scope="session", params=FLAVORS)
def cluster(request):
    """The test runs twice: in front of MariaDB and of MySQL."""
    return request.getfixturevalue(f"{request.param}_cluster")


@pytest.fixture(scope="session")
def mariadb_offset_cluster():
    with _cluster("mariadb", offset=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def mysql_offset_cluster():
    with _cluster("mysql", offset=True) as cluster:
        yield cluster


@pytest.fixture(scope="session", params=FLAVORS)
def cluster_offset(request):
    """As `cluster`, with replication by log file and offset instead of GTID."""
    return request.getfixturevalue(f"{request.param}_offset_cluster")


@pytest.fixture
def own_cluster(request):
    """A factory of clusters that belong to one test: own_cluster('mysql', replicas=1)."""
    with contextlib.ExitStack() as stack:
        yield lambda flavor, **options: stack.enter_context(_cluster(flavor, **options))


@pytest.fixture(autouse=True)
def healed_clusters():
    """Whatever a test did to a shared cluster is undone before the next one."""
    yield
    for cluster in list(_running):
        cluster.heal()


def _factory(folder, stack):
    numbers = itertools.count()

    def start(cluster=None, settings=None, flags=(), env=None, split=None, program=None):
        proxy = Tidemark(folder / f"proxy{next(numbers)}", cluster, settings, flags, env, program)
        # Registered before the start, so that a failed one is ended too.
        stack.callback(proxy.stop)
        proxy.start()
        if split if split is not None else (cluster is not None and settings is None):
            proxy.wait_split()
        return proxy

    return start


@pytest.fixture
def tidemark(tmp_path):
    """A factory of proxies for one test.

        proxy = tidemark(cluster, {"consistency": {"default": "eventual"}}, split=True)

    Settings are laid over sane defaults (world.default_settings); None removes a key or section.
    split=True waits until reads reach a replica; that is the default when no settings are given.
    At the end of the test each must end on SIGTERM with status 0 and no sanitizer's report.
    """
    with contextlib.ExitStack() as stack:
        yield _factory(tmp_path, stack)


@pytest.fixture(scope="module")
def proxy(cluster, tmp_path_factory):
    """One proxy with the default settings, shared by a module's tests; reads already split."""
    with contextlib.ExitStack() as stack:
        yield _factory(tmp_path_factory.mktemp("proxy"), stack)(cluster)


@pytest.fixture
def conn(proxy):
    """A connection (app, schema test, autocommit) through the module's shared proxy."""
    with contextlib.closing(proxy.connect()) as connection:
        yield connection
