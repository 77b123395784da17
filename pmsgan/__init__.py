"""Train PMSGAN face-translation networks and convert folders of pictures with them."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
__version__ = "0.1.0"
