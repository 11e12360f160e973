"""Keys of runs."""
import hashlib


def build_run_key(*parts):
    """Return a short key that is the same for the same parts."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]
