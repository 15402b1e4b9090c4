"""Questions out: programs over scene graphs, their templates, sampling and rendering."""
