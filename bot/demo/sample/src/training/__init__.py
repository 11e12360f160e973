"""Training: of models and of their hyperparameters."""
