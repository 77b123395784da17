"""Drawing hands made of classical image processing: the styles of photographs learn from them."""
