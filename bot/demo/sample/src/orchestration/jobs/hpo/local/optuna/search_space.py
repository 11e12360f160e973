"""
@meta
name: search_space
type: utility
domain: orchestration
tags: [orchestration, hpo, optuna]
"""


def suggest(space, number):
    """Return the values of trial number: each choice in turn."""
    return {name: choices[number % len(choices)] for name, choices in sorted(space.items())}


def to_azureml_space(space):
    """Return space in AzureML's words."""
    return {name: {"type": "choice", "values": list(choices)} for name, choices in space.items()}
