"""Signatures and attestations, which prove where an artifact comes from: made and checked."""
