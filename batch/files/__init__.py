"""IN and OUT: folders on a disk or in a bucket, and what is done in them."""
