"""The `pyinstaller_binary` target: an application that needs no Python where it runs."""
