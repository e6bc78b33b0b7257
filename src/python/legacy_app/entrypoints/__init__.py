"""How the shop is asked: pages for people, JSON for programs, probes for the platform."""
