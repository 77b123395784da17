"""IN and OUT: folders on a disk or in a bucket."""
