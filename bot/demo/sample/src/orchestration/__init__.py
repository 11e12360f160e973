"""Orchestration: creates jobs and watches them."""
