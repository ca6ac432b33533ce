"""The HTML page: its templates, styles and scripts, and the data that they draw."""
