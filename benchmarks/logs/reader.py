"""What `deploytool logs --output json` does with the pods of one component: the measured process.

python3.11 -m benchmarks.logs.reader NAMESPACE COMPONENT follow|stored
"""

import sys

from deploytool.cli.commands.logs import chosen_lines, json_line, write
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.follower import Tail
from deploytool.platforms.kubernetes.logs import read_logs


def main(namespace: str, component: str, how: str) -> None:
    found = read_logs(
        Cluster(None, namespace),
        [component],
        tail=Tail(),
        follow=how == "follow",
        is_stopped=lambda: False,
    )
    for line in chosen_lines(found, (), ()):
        write(json_line(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
