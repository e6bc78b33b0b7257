"""The end of what nobody supervises any more."""

import subprocess
import time

import psutil

from deploytool.platforms.local.orphans import end

# Says which process it has started, and never takes note of its end.
CARELESS = "sleep 60 & echo $!; exec sleep 60"
STUBBORN = "trap '' TERM; echo $$; while :; do sleep 0.1; done"


def test_what_has_ended_is_not_waited_for_until_its_parent_takes_note() -> None:
    with subprocess.Popen(["sh", "-c", CARELESS], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        began = time.monotonic()
        end([orphan], 20)
        assert time.monotonic() - began < 10
        assert orphan.status() == psutil.STATUS_ZOMBIE
        parent.kill()


def test_what_does_not_end_by_itself_is_killed() -> None:
    with subprocess.Popen(["sh", "-c", STUBBORN], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        end([psutil.Process(stubborn.pid)], 0.5)
        assert stubborn.wait(10) == -9
