"""Tags of runs and jobs."""


def base_tags(kind, backbone=None):
    """Return the tags that everything of this kind has."""
    tags = {"kind": kind, "project": "resume-ner"}
    if backbone:
        tags["backbone"] = backbone
    return tags


def merge_tags(*tags):
    """Return all tags in one; later ones win."""
    return {name: value for each in tags for name, value in each.items()}
