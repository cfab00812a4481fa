"""A whole station without hardware."""
