"""One canary as one HTML file: record -> view data -> plots -> page, nothing else needed."""
