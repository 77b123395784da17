"""Styles: trained networks with what is needed to use them."""
