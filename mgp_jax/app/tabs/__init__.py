"""The tabs of the page, one a file: each puts its controls on the page and says what they do."""
