"""The `debian_rootfs` target: a root file system of chosen Debian packages, as a tar archive."""
