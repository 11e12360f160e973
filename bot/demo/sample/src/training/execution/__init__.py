"""Runs trainings."""
