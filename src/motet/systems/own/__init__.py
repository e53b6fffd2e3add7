"""A whole multi-task module of one's own as a system."""
