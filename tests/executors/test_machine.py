"""How many workers a machine, or a cluster of several, has room for."""

from pathlib import Path

import pytest

from src.errors import ConfigError
from src.executors import machine
from src.executors.machine import Node, find_slots, this_machine


def test_workers_are_as_many_as_the_machine_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpus", lambda: ["0", "1"])
    big = Node(16, 100, 2)
    assert find_slots("auto", 4, 0, [big])[0] == 4
    assert find_slots("auto", 1, 0.5, [big])[0] == 4
    assert [machine.gpus_of(slot, 0.5) for slot in range(4)] == [["0"], ["0"], ["1"], ["1"]]
    assert find_slots("auto", 1, 2, [big])[0] == 1 and machine.gpus_of(0, 2) == ["0", "1"] and machine.gpus_of(0, 0) == []
    assert find_slots(20, 1, 0, [big])[0] == 20
    with pytest.raises(ConfigError, match="memory are enough for 83"):
        find_slots(90, 1, 0, [big])
    with pytest.raises(ConfigError, match="0 GPUs"):
        find_slots("auto", 1, 0.5, [Node(16, 100, 0)])


def test_a_container_has_what_its_control_group_allows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "CONTROL_GROUP", tmp_path)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(64)))
    assert this_machine().cores == 64
    for name, content in {
        "cpu.max": "250000 100000",
        "memory.max": str(3 * 2**30),
        "memory.current": str(2**30),
        "memory.stat": f"anon 5\nactive_file {2**28}\ninactive_file {2**28}",
    }.items():
        (tmp_path / name).write_text(content)
    assert (this_machine().cores, this_machine().gigabytes) == (2, 2.5)
    (tmp_path / "cpu.max").write_text("max 100000")
    assert this_machine().cores == 64


def test_a_cluster_has_room_machine_by_machine() -> None:
    nodes = [Node(4, 100, 0), Node(2, 2.5, 2), Node(8, 100, 1)]
    assert find_slots("auto", 1, 0, nodes) == (14, "14 workers: 14 cores on 3 machines and training.threads=1")
    assert find_slots("auto", 1, 1, nodes)[0] == 3 and find_slots("auto", 4, 0, nodes, beyond_cores=False)[0] == 3
    with pytest.raises(ConfigError, match=r"14 cores on 3 machines and training\.threads=4 are enough for 3"):
        find_slots(4, 4, 0, nodes, beyond_cores=False)
