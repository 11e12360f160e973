"""Hyperparameter optimization, in AzureML and on this machine."""
