"""What the pages read: pages of rows with everything that a page shows, in a fixed number of queries."""
