"""Makes the files of an image's layer the same wherever they are built.

    image-layers venv --scope SCOPE PEX FOLDER   unpack a PEX, strip and compile it, then settle
    image-layers settle FOLDER                   give all files in it one time, and modes

Run by the Dockerfiles in their first stages, which start from 3rdparty/images:builder. `COPY --from`
keeps times and modes, so the layer that it makes is the same to the bit.
"""

import argparse
import os
import sys
from pathlib import Path

from image_layers.settling import settle
from image_layers.venv import unpack


def main() -> None:
    """Do what the command line says; a program that fails ends this one with its exit code."""
    parser = argparse.ArgumentParser(prog="image-layers", description="Prepare files of an image.")
    commands = parser.add_subparsers(dest="command", required=True)
    venv = commands.add_parser("venv", help="unpack a PEX with tools into a virtual environment")
    venv.add_argument("--scope", choices=["all", "deps", "srcs"], default="all")
    venv.add_argument("pex", type=Path)
    venv.add_argument("folder", type=Path)
    commands.add_parser("settle", help="give files one time").add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "venv":
        unpack(arguments.pex, arguments.folder, arguments.scope)
    settle(arguments.folder)


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
