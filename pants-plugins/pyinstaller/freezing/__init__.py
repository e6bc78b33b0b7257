"""Runs in the sandbox, beside PyInstaller and on the Python that is packaged; knows no Pants."""
