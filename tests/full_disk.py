"""A file system of its own that can be filled: what a full disk does is the kernel's to say."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def full_disk(folder: Path, size_kb: int = 4096) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Mount a small file system, as root; yield its folder, and what leaves no byte free on it."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)], check=True
    )

    def fill() -> None:
        with suppress(OSError), (folder / "filling").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    try:
        yield folder, fill
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
