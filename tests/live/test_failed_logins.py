"""Failed logins slow down those that follow from the same address."""

import time

import pymysql
import pytest
from world import query


def seconds_to_fail(proxy, address):
    start = time.monotonic()
    with pytest.raises(pymysql.err.OperationalError) as refused:
        proxy.connect(bind_address=address, password="wrong")
    assert refused.value.args[0] == 1045
    return time.monotonic() - start


def test_failed_logins_are_slowed_down(cluster, tidemark):
    proxy = tidemark(cluster, {"proxy": {"workers": 2}}, split=True)
    took = [seconds_to_fail(proxy, "127.0.0.7") for _ in range(8)]
    assert max(took[:3]) < 1.0
    assert took[7] > 1.5, took  # 1.6 s; whichever worker the others were on
    start = time.monotonic()
    assert query(proxy.connect(bind_address="127.0.0.8"), "SELECT 1") == ((1,),)
    assert time.monotonic() - start < 1.0
