"""The places that components run on: one protocol, one folder for each platform."""
