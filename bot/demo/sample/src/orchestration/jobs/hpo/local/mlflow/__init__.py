"""Tidies up what studies left in MLflow."""
