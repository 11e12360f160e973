"""Runs studies on this machine."""
