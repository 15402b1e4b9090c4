"""Pictures and questions that are too much alike to be kept both."""
