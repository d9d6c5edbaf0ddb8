"""Compare samplers on held-out real data; see `statistics` for what the draws say."""
