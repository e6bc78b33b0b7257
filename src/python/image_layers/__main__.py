"""Makes the files of an image's layer the same wherever they are built.

    image-layers venv [--scope SCOPE] PEX FOLDER   unpack a PEX, strip and compile it, then settle
    image-layers program PEX NAME                  put one program of a PEX into /usr/bin
    image-layers settle                            give everything in /layer one time, and modes

Run by the Dockerfiles in their first stages, which are from 3rdparty/images:builder. The last stage
copies /layer to /: that keeps the times and modes of everything below, so the layer is the same to
the bit. A folder named as the destination of a copy would get the time of the copy.
"""

import argparse
import os
from pathlib import Path

from image_layers.settling import settle
from image_layers.venv import take_program, unpack

LAYER = Path("/layer")


def main() -> None:
    """Do what the command line says. Raises CalledProcessError when a program fails."""
    parser = argparse.ArgumentParser(prog="image-layers", description="Prepare files of an image.")
    commands = parser.add_subparsers(dest="command", required=True)
    venv = commands.add_parser("venv", help="unpack a PEX with tools into a virtual environment")
    venv.add_argument("--scope", choices=["all", "deps", "srcs"], default="all")
    venv.add_argument("pex", type=Path)
    venv.add_argument("folder", type=Path, help="where it will be in the image")
    program = commands.add_parser("program", help="take one program out of a PEX with tools")
    program.add_argument("pex", type=Path)
    program.add_argument("name")
    commands.add_parser("settle", help="give all files one time")
    arguments = parser.parse_args()
    os.umask(0o022)
    if arguments.command == "venv":
        unpack(arguments.pex, arguments.folder, arguments.scope)
        # Its scripts name the folder that it was made in.
        place = LAYER / arguments.folder.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        arguments.folder.rename(place)
    if arguments.command == "program":
        take_program(arguments.pex, arguments.name, LAYER / "usr/bin")
    settle(LAYER)


if __name__ == "__main__":
    main()
