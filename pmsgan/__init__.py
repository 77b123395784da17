"""Train PMSGAN face-translation networks and convert folders of pictures with them."""

from pkgutil import extend_path

# In a checkout, pmsgan/ is found before an installed copy, and holds no batch, engine or export.
# This adds the folders called pmsgan that come later on sys.path, so that they are found there.
__path__ = extend_path(__path__, __name__)
__version__ = "0.1.0"
