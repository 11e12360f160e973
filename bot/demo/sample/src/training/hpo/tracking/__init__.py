"""Tracking of studies."""
